/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The events of one descriptor, oldest first, in memory allocated when it is opened: notifiers run
 * in reclaim, where nothing can be allocated. The caller's spin lock guards every call except new
 * and free.
 *
 * An INVALIDATE that overlaps or adjoins the newest record, and is equal in all but place and time,
 * is joined to it: the record grows, keeps its time and its seq. When the ring is full, the newest
 * record is an OVERFLOW that counts what is lost after the records before it; its seq is that of
 * the last one lost, so seq - arg is the seq of the record before. One place is kept for MM_EXIT,
 * which is never lost, and after which nothing comes.
 */
#ifndef HMMDEV_RING_H
#define HMMDEV_RING_H

#include "../uapi/hmmdev.h"
#include "pure.h"

#define HMMDEV_RING_RESERVED 2U /* places that ordinary records leave: OVERFLOW and MM_EXIT */

struct hmmdev_ring;

enum {
	HMMDEV_RING_E_JOINED = 1,	/* no new record; readers know already */
	HMMDEV_RING_E_LOST = 2,		/* counted in OVERFLOW */
	HMMDEV_RING_E_ENDED = 3		/* after MM_EXIT; dropped */
};

/* count: records, a power of two from 4 to 65536. -EINVAL, -ENOMEM. May sleep. */
int hmmdev_ring_new(u32 count, struct hmmdev_ring **ret_ring);
void hmmdev_ring_free(struct hmmdev_ring *r);	/* NULL is fine */

/* Copies *event in; its len and seq are the ring's to fill in. 0 or an HMMDEV_RING_E_*. */
int hmmdev_ring_push(struct hmmdev_ring *r, const struct hmmdev_event *event);
/* Takes up to `max` of the oldest records out. How many. */
u32 hmmdev_ring_pop(struct hmmdev_ring *r, struct hmmdev_event *ret_events, u32 max);

u32 hmmdev_ring_count(const struct hmmdev_ring *r);	/* records inside */
u64 hmmdev_ring_lost(const struct hmmdev_ring *r);	/* events lost since it was made */

#endif
