/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What hmm_client_process() and the helper thread have to do outside the lock: events for the
 * program and zaps for the daemon, in the order of their arrival. Any thread may put work in; only
 * those two take it out.
 */
#ifndef HMM_LIBCLIENT_WORK_H
#define HMM_LIBCLIENT_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "libclient/public.h"
#include "proto/hmmd.pb-c.h"

struct work;

enum {
	/* pieces of work; beyond, a flood of events is dropped rather than kept */
	WORK_QUEUE = 1024,
	/* pause before an answer to a zap is tried again on a full socket */
	WORK_RETRY_US = 10000
};

struct work_queue {
	struct work *first, **last;
	unsigned int count;
	bool blocked;		/* an answer waits for room in the socket */
	hmm_event_fn *handler;
	void *userdata;
};

/* All with the client's lock held. */
void work_init(struct work_queue *q);
/*
 * Queues an event; its range is held until it is delivered. tier and text may be NULL and are
 * copied.
 */
void work_event(struct hmm_client *c, const struct hmm_event *event);
/* Queues the zap of a message that is valid. */
void work_zap(struct hmm_client *c, const Hmmd__Zap *zap);
/* Does all that is queued; the lock is released around each. */
void work_run(struct hmm_client *c);
void work_drop_all(struct hmm_client *c);
/* Makes get_fd() readable. */
void work_wake(struct hmm_client *c);

/* zap.c */
struct zap_span {
	uint64_t range, offset, length;
};
/*
 * Unmaps the spans that lie inside managed ranges of this client, releasing the lock now and then.
 */
/* What the daemon of that connection asked for; nothing once it is another one. */
void zap_run(struct hmm_client *c, uint64_t connection, const struct zap_span *spans, uint32_t n);

#endif
