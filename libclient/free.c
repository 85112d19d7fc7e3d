// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Giving ranges back: first the daemon stops touching them, then the memory goes. A range leaves
 * the list before the daemon is asked, so that neither a zap nor a reconnect in between finds it.
 */
#include <errno.h>

#include "libclient/client.h"
#include "libclient/clock.h"
#include "libclient/file.h"
#include "libclient/own.h"
#include "libclient/uffd.h"

/* With the lock held. A daemon that is gone, or knows them no more, has nothing left to stop. */
static void tell_daemon(struct hmm_client *c, uint64_t *ids, size_t n)
{
	Hmmd__Free body = HMMD__FREE__INIT;
	Hmmd__Message m = WIRE_MESSAGE(FREE, free, &body);
	struct request req = { .quiet = true };

	if (n == 0)
		return;
	body.range = ids;
	body.n_range = n;
	wire_call(c, &req, &m, NULL, 0, clock_after(WIRE_ANSWER_US));
}

static void unmap(struct hmm_range *r)
{
	if (!r->managed)
		return;
	own_remove(r);
	file_clear(r);
}

/* With the lock held. */
static void release(struct hmm_client *c, struct hmm_range *r)
{
	r->file = file_unref(c, r->file);
	r->fd = -1;
	r->uffd = uffd_unref(r->uffd);
	range_unref(r);
}

int hmm_range_free(struct hmm_range *r)
{
	struct hmm_client *c = r ? r->client : NULL;
	uint64_t id;
	int err;

	if (!r)
		return 0;
	err = client_enter(c);
	if (err)
		return err;
	/* While ranges are handed over to a daemon the list must not change. */
	session_settle(c);
	id = r->id;
	range_unlink(&c->ranges, r);
	tell_daemon(c, &id, id != 0);
	client_leave(c);
	unmap(r);
	pthread_mutex_lock(&c->lock);
	release(c, r);
	client_leave(c);
	return 0;
}

void free_adopted(struct hmm_client *c, struct hmm_range **ranges, size_t n, uint64_t *ids)
{
	size_t known = 0;

	session_settle(c);
	for (size_t i = 0; i < n; i++) {
		if (ranges[i]->id)
			ids[known++] = ranges[i]->id;
		range_unlink(&c->ranges, ranges[i]);
	}
	tell_daemon(c, ids, known);
	for (size_t i = 0; i < n; i++)
		release(c, ranges[i]);
}

static void tell_daemon_all(struct hmm_client *c)
{
	uint64_t ids[HMM_LIMIT_BATCH];
	size_t n = 0;

	session_settle(c);
	for (struct hmm_range *r = c->ranges.first; r && c->link; r = r->next) {
		if (r->id)
			ids[n++] = r->id;
		if (n == HMM_LIMIT_BATCH) {
			tell_daemon(c, ids, n);
			n = 0;
		}
	}
	tell_daemon(c, ids, n);
}

void free_all_ranges(struct hmm_client *c, bool own)
{
	struct hmm_range *r;

	if (own && c->ranges.first)
		tell_daemon_all(c);
	while ((r = c->ranges.first)) {
		range_unlink(&c->ranges, r);
		if (own)
			unmap(r);
		release(c, r);
	}
}
