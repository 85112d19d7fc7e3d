/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of one device as a fixed number of blocks of 2 MiB. A block is FREE, WHOLE (one folio
 * of order 9) or CARVED (a map of single pages in use). Pages are numbered from 0 over the device:
 * page 512 * b + i is page i of block b, so the device pfn is first_pfn + page and the number of a
 * page never changes.
 *
 * Blocks with pages in use stand in a list by age, the one that took a page last at its end: that is
 * what eviction walks. Nobody tells when the device uses a page.
 * Each block has a time before which eviction leaves it alone.
 *
 * Everything is allocated by hmmdev_blocks_new(); nothing later allocates, sleeps or fails for lack
 * of memory. Takes, gives and splits are O(1). The caller's lock (the device spin lock)
 * guards every call except new and free.
 */
#ifndef HMMDEV_BLOCK_H
#define HMMDEV_BLOCK_H

#include "pure.h"

#define HMMDEV_BLOCKS_MAX (1U << 24) /* 32 TiB; the books of more exceed one kernel allocation */
#define HMMDEV_BLOCKS_SCAN 256U /* blocks that one search for the oldest looks at, some 10 us */

struct hmmdev_blocks;

enum {
	HMMDEV_BLOCKS_E_FULL = 1,	/* take: no room of that order */
	HMMDEV_BLOCKS_E_RETIRED = 2,	/* take: the device takes nothing at present */
	HMMDEV_BLOCKS_E_CARVED = 3,	/* split: the block was split before */
	HMMDEV_BLOCKS_E_NONE = 4,	/* oldest, next_head: nothing (more) of the kind */
	HMMDEV_BLOCKS_E_MORE = 5	/* oldest: looked at enough for one hold of the lock */
};

struct hmmdev_blocks_count {
	u64 bytes;	/* capacity */
	u64 free_bytes;
	u32 blocks;
	u32 free_blocks; /* wholly free: what folios of order 9 can be made of */
	u32 whole_blocks; /* given out as one folio of order 9 */
	u32 carved_blocks;
};

/* Where a walk over the blocks by age stands; {} is before the oldest. */
struct hmmdev_blocks_cursor {
	u64 floor;	/* what is not younger was looked at */
	u64 stamp;	/* of `block` when the walk passed it, 0: none */
	u32 block;	/* where to go on, unless it has moved since */
};

/* -EINVAL: count is 0 or above HMMDEV_BLOCKS_MAX; -ENOMEM. May sleep. */
int hmmdev_blocks_new(u64 count, struct hmmdev_blocks **ret_blocks);
/* Also with pages still in use, whose numbers then mean nothing. NULL is fine. May sleep. */
void hmmdev_blocks_free(struct hmmdev_blocks *b);

/*
 * A page (order 0) or a whole block (order 9); *ret_page is the number of its first page. The block
 * becomes the youngest and stays until until_ns at least (a carved one until the latest of its
 * pages' times). Single pages come from the fullest block that has room, so that whole blocks stay
 * whole. 0, HMMDEV_BLOCKS_E_FULL, HMMDEV_BLOCKS_E_RETIRED; -EINVAL: another order.
 */
int hmmdev_blocks_take(struct hmmdev_blocks *b, unsigned int order, u64 until_ns, u64 *ret_page);
/*
 * Gives back what was taken, or, after a split, single pages of it. The last page of a carved block
 * makes it FREE again. -EINVAL, nothing changed: not in use, of another order, or no such page.
 */
int hmmdev_blocks_give(struct hmmdev_blocks *b, u64 page, unsigned int order);
/*
 * The folio of order 9 that holds `page` becomes 512 folios of order 0, all in use. The kernel
 * tells about a split tail by tail: the first call does it, the others are
 * HMMDEV_BLOCKS_E_CARVED. -EINVAL: the block is FREE, or there is no such page.
 */
int hmmdev_blocks_split(struct hmmdev_blocks *b, u64 page);

/*
 * The next block after the cursor, by age, that has pages in use and whose time is over at now_ns
 * (U64_MAX: any); *ret_page is the number of its first page, the heads in it are then found by
 * hmmdev_blocks_next_head(). The lock may be dropped between calls: blocks that took a page come
 * again, freed ones do not. 0, HMMDEV_BLOCKS_E_NONE, HMMDEV_BLOCKS_E_MORE: drop the lock, call
 * again.
 */
int hmmdev_blocks_oldest(const struct hmmdev_blocks *b, struct hmmdev_blocks_cursor *cursor,
			 u64 now_ns, u64 *ret_page);
/*
 * The first folio in use whose head lies in [page, end), for eviction (one block) and drain. The
 * walk is O(end - page): keep it within a few blocks per hold of the lock. 0,
 * HMMDEV_BLOCKS_E_NONE.
 */
int hmmdev_blocks_next_head(const struct hmmdev_blocks *b, u64 page, u64 end, u64 *ret_page,
			    unsigned int *ret_order);

/* Retired blocks are given back as ever but not taken: a drain that nothing refills. */
void hmmdev_blocks_retire(struct hmmdev_blocks *b);
void hmmdev_blocks_revive(struct hmmdev_blocks *b);

void hmmdev_blocks_count(const struct hmmdev_blocks *b, struct hmmdev_blocks_count *ret_count);

#endif
