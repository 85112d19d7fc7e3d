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

/* One that nobody has, else the oldest. */
static struct refusal *spare(struct hmm_client *c)
{
	struct refusal *r = find(c, 0);

	if (r)
		return r;
	r = &c->refusals[0];
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
		r = spare(c);
	r->thread = thread;
	r->stamp = ++c->refusal_stamp;
	strncpy(r->text, text, HMM_LIMIT_TEXT);
	r->text[HMM_LIMIT_TEXT] = '\0';
}

void client_forget_refusal(struct hmm_client *c)
{
	struct refusal *r = find(c, gettid());

	if (r)
		r->thread = 0;
}

int client_refuse(struct hmm_client *c, int error, const char *text)
{
	client_refused(c, text);
	client_leave(c);
	return error;
}

const char *hmm_client_last_error(struct hmm_client *c)
{
	struct refusal *r;

	if (client_lock(c))
		return "";
	r = find(c, gettid());
	client_leave(c);
	return r ? r->text : "";
}
