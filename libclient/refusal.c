// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The text of the last refusal, kept for a few threads by their number: a program sees the text of
 * its own thread's call without the library owning a thread-local variable.
 */
#include <string.h>
#include <unistd.h>

#include "libclient/client.h"

static struct refusal *find(struct hmm_client *c, pid_t thread)
{
	for (size_t i = 0; i < CLIENT_REFUSALS; i++)
		if (c->refusals[i].thread == thread)
			return &c->refusals[i];
	return NULL;
}

static struct refusal *oldest(struct hmm_client *c)
{
	struct refusal *r = &c->refusals[0];

	for (size_t i = 1; i < CLIENT_REFUSALS; i++)
		if (c->refusals[i].stamp < r->stamp)
			r = &c->refusals[i];
	return r;
}

void client_refused(struct hmm_client *c, const char *text)
{
	pid_t thread = gettid();
	struct refusal *r = find(c, thread);

	if (!r)
		r = oldest(c);
	r->thread = thread;
	r->stamp = ++c->refusal_stamp;
	strncpy(r->text, text, HMM_LIMIT_TEXT);
	r->text[HMM_LIMIT_TEXT] = '\0';
}

const char *hmm_client_last_error(struct hmm_client *c)
{
	struct refusal *r;

	if (client_enter(c))
		return "";
	r = find(c, gettid());
	client_leave(c);
	return r ? r->text : "";
}
