/* SPDX-License-Identifier: GPL-2.0-only */
/* Eviction block by block: the steps that drains share with pressure. */
#ifndef HMMDEV_EVICT_H
#define HMMDEV_EVICT_H

#include "device.h"

/* The next block by age after the cursor whose time is over. 0 or HMMDEV_BLOCKS_E_NONE. */
int hmmdev_evict_next(struct hmmdev_device *dev, struct hmmdev_blocks_cursor *cursor, u64 now_ns,
		      u64 *ret_block);
/*
 * Brings the pages of the block back. Where no lock of a program that maps them is free, each is
 * waited for with `wait`, that of `asks` in any case. How many bytes came. No lock held.
 */
u64 hmmdev_evict_block(struct hmmdev_device *dev, u64 block, bool wait,
		       const struct mm_struct *asks);

#endif
