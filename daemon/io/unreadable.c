// SPDX-License-Identifier: GPL-2.0-or-later
/* Ledgers that cannot be used (unreadable.h). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/daemon.h"
#include "daemon/io/resume_own.h"
#include "daemon/io/slotmap.h"
#include "daemon/io/unreadable.h"

struct unreadable {
	struct list_node node;
	uint64_t client;
	int why;			/* -errno */
};

static void describe(const struct daemon *d, const struct unreadable *u, char *ret_text, size_t text_size)
{
	const char *why = u->why == -EPROTONOSUPPORT ? "another version of hmmd wrote it" :
			  u->why == -EINVAL ? "it is damaged" : strerror(-u->why);

	snprintf(ret_text, text_size, "%.80s/%" PRIu64 ".ledger cannot be used: %s", d->config->state_dir, u->client, why);
}

int unreadable_note(struct daemon *d, uint64_t client, int why)
{
	struct unreadable *u = calloc(1, sizeof(*u));
	char text[160];

	if (!u)
		return -ENOMEM;
	u->client = client;
	u->why = why;
	list_init(&u->node);
	list_append(&d->unreadable, &u->node);
	describe(d, u, text, sizeof(text));
	daemon_client_event(d, EVENT_ERROR, client, "%s", text);
	return 0;
}

static const struct unreadable *find(const struct daemon *d, uint64_t client)
{
	LIST_EACH(node, &d->unreadable) {
		const struct unreadable *u = container_of(node, struct unreadable, node);

		if (u->client == client)
			return u;
	}
	return NULL;
}

bool unreadable_is(const struct daemon *d, uint64_t client, char *ret_text, size_t text_size)
{
	const struct unreadable *u = find(d, client);

	if (u)
		describe(d, u, ret_text, text_size);
	return u != NULL;
}

unsigned int unreadable_count(const struct daemon *d, char *ret_text, size_t text_size)
{
	unsigned int n = 0;

	LIST_EACH(node, &d->unreadable)
		if (!n++)
			describe(d, container_of(node, struct unreadable, node), ret_text, text_size);
	return n;
}

static bool is_over(const char *dir, uint64_t client)
{
	struct ledger_identity who;
	struct ledgerfile *l;
	int rc = ledgerfile_open(&l, dir, client, &who);

	if (!rc)
		ledgerfile_close(l);	/* what is good again is for the next start */
	return rc == LEDGERFILE_E_GIVEN_UP || rc == -ENOENT || process_owner_ended(dir, client);
}

void unreadable_watch(struct daemon *d)
{
	LIST_EACH_SAFE(node, next, &d->unreadable) {
		struct unreadable *u = container_of(node, struct unreadable, node);

		if (!is_over(d->config->state_dir, u->client))
			continue;
		daemon_client_event(d, EVENT_INFO, u->client, "nobody needs the ledger of client %" PRIu64 " any more, which "
				    "could not be used", u->client);
		ledgerfile_unlink(d->config->state_dir, u->client);
		list_remove(&u->node);
		slotmaps_release(d, u->client);
		free(u);
	}
}

void unreadable_free(struct daemon *d)
{
	LIST_EACH_SAFE(node, next, &d->unreadable) {
		struct unreadable *u = container_of(node, struct unreadable, node);

		list_remove(&u->node);
		free(u);
	}
}
