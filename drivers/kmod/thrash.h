/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which blocks of an address space go to and fro between a device and the system. A block (2 MiB of
 * addresses) that comes back before its time on the device is over came back early. Each early
 * return doubles the time of its next stay, each quiet epoch halves it; the third early return
 * within an epoch, and every one after it, is thrash: an event, the daemon decides what to do.
 *
 * The history is a table of fixed size, by address. A block that finds its slot taken by another,
 * which moved within the last epoch, goes unobserved: of a working set beyond the table a sample is
 * watched, and a sample is enough to tell that it thrashes. The caller's lock guards every call
 * except new and free; nothing under it allocates or sleeps.
 */
#ifndef HMMDEV_THRASH_H
#define HMMDEV_THRASH_H

#include "pure.h"

#define HMMDEV_THRASH_EPOCH_NS 1000000000ULL /* 1 s: far above a round trip of 2 MiB (about 1 ms) */
#define HMMDEV_THRASH_RETURNS 3U /* early returns within an epoch that make it thrash */
#define HMMDEV_THRASH_MAX_DOUBLINGS 6U /* the longest stay is 64 times the one asked for */
#define HMMDEV_THRASH_MAX_STAY_NS 10000000000ULL /* 10 s, whatever is asked for: pressure needs prey */
#define HMMDEV_THRASH_SLOTS 512U /* blocks observed at a time: 24 KiB per address space */

struct hmmdev_thrash;

enum {
	HMMDEV_THRASH_E_EARLY = 1,	/* came back before its time */
	HMMDEV_THRASH_E_THRASH = 2	/* and it does so again and again */
};

int hmmdev_thrash_new(struct hmmdev_thrash **ret_thrash);	/* -ENOMEM. May sleep. */
void hmmdev_thrash_free(struct hmmdev_thrash *t);	/* NULL is fine */

/*
 * The block of `addr` goes to a device at now_ns, asked to stay for stay_ns. The time before which
 * pressure leaves it there: the until_ns of hmmdev_blocks_take().
 */
u64 hmmdev_thrash_placed(struct hmmdev_thrash *t, u64 addr, u64 now_ns, u64 stay_ns);
/*
 * A touch of the CPU brings the block of `addr`, or a part of it, back. Not for what EVICT or a
 * drain brings back: that is somebody's will. Only the first return after a placement counts. 0,
 * HMMDEV_THRASH_E_EARLY, or HMMDEV_THRASH_E_THRASH with the early returns of this epoch in
 * *ret_count.
 */
int hmmdev_thrash_returned(struct hmmdev_thrash *t, u64 addr, u64 now_ns, u32 *ret_count);

#endif
