/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page table of one device over one address space: a mirror of what the CPU maps, filled by
 * hmm_range_fault() and emptied by the notifier. Keys are virtual page numbers (address >> 12),
 * ranges are [first, last] with `last` inside. Losing an entry is always allowed (the device faults
 * again), keeping a stale one never is.
 *
 * Tables have 512 words, as the CPU's. Level 0 holds one entry per page; a word of level 1 is an
 * entry of order 9 for 2 MiB or links a table of level 0; words of higher levels link tables.
 * Clearing keeps the tables, because what was migrated away comes back; only hmmdev_mirror_drop()
 * (an unmap, the end of a range) frees them.
 *
 * The caller's entry lock guards every call except new, free and those on a stash. Nothing that is
 * called under it allocates or sleeps, so the notifier may call it. To grow the table:
 *
 *	struct hmmdev_mirror_stash stash = {};
 *
 *	mutex_lock(populate);
 *	do {
 *		mutex_lock(entries);
 *		rc = hmmdev_mirror_link(m, first, last, level, &stash, &missing);
 *		mutex_unlock(entries);
 *	} while (rc == HMMDEV_MIRROR_E_MISSING &&
 *		 !(rc = hmmdev_mirror_stash_fill(&stash, missing)));
 *	hmmdev_mirror_stash_free(&stash);
 *	mutex_unlock(populate);
 *
 * and then, under the entry lock and after mmu_interval_read_retry() has said no, set the entries.
 */
#ifndef HMMDEV_MIRROR_H
#define HMMDEV_MIRROR_H

#include "pure.h"

/* One page or huge page as the device sees it. No entry: raw is 0. */
struct hmmdev_entry {
	u64 raw;	/* bits 12..63 pfn, 4..7 order of the mapping, 0..2 flags */
};

enum {
	HMMDEV_ENTRY_VALID = 1,
	HMMDEV_ENTRY_WRITE = 2,
	HMMDEV_ENTRY_EXCL = 4,	/* the device alone has it; the CPU faults */
	HMMDEV_ENTRY_FLAGS = 7
};

/* order: 0..9; pfn: below 2^52; VALID is implied. */
static inline struct hmmdev_entry hmmdev_entry_make(u64 pfn, u32 flags, unsigned int order)
{
	struct hmmdev_entry e = {
		.raw = pfn << 12 | (u64)order << 4 | (flags & HMMDEV_ENTRY_FLAGS) |
		       HMMDEV_ENTRY_VALID,
	};

	return e;
}

static inline bool hmmdev_entry_valid(struct hmmdev_entry e)
{
	return e.raw & HMMDEV_ENTRY_VALID;
}

static inline bool hmmdev_entry_write(struct hmmdev_entry e)
{
	return e.raw & HMMDEV_ENTRY_WRITE;
}

static inline bool hmmdev_entry_excl(struct hmmdev_entry e)
{
	return e.raw & HMMDEV_ENTRY_EXCL;
}

static inline unsigned int hmmdev_entry_order(struct hmmdev_entry e)
{
	return e.raw >> 4 & 15;
}

static inline u64 hmmdev_entry_pfn(struct hmmdev_entry e)
{
	return e.raw >> 12;
}

#define HMMDEV_MIRROR_MAX_LEVELS 5

enum {
	HMMDEV_MIRROR_E_MISSING = 1,	/* set, link: a table is missing */
	HMMDEV_MIRROR_E_NONE = 2	/* get: no entry */
};

struct hmmdev_mirror;

/* Tables allocated but not linked yet; {} is empty. */
struct hmmdev_mirror_stash {
	void *first;
	u64 count;
};

/* What a clear or a count met, in pages of 4 KiB: a huge entry is 512. */
struct hmmdev_mirror_count {
	u64 pages;
	u64 excl;	/* of these, exclusive ones: EXCL_REVOKED is due if the CPU took them */
};

/* bits: of a virtual address, 48 (four levels) or 57 (five). -EINVAL, -ENOMEM. May sleep. */
int hmmdev_mirror_new(unsigned int bits, struct hmmdev_mirror **ret_mirror);
void hmmdev_mirror_free(struct hmmdev_mirror *m);	/* with all its tables; NULL is fine */

/*
 * Links the tables that entries of [first, last] need, down to `level`: 1 for entries of order 9
 * only, 0 for entries of single pages (a huge entry in the way is lost). Takes tables from the
 * stash; HMMDEV_MIRROR_E_MISSING: the stash was short of *ret_missing (at least 1), what it had is
 * linked. -EINVAL: another level, first > last, or last beyond the address space.
 */
int hmmdev_mirror_link(struct hmmdev_mirror *m, u64 first, u64 last, unsigned int level,
		       struct hmmdev_mirror_stash *stash, u64 *ret_missing);
/* Fills up to `count` tables. -ENOMEM: what there was stays in the stash. May sleep. */
int hmmdev_mirror_stash_fill(struct hmmdev_mirror_stash *stash, u64 count);
void hmmdev_mirror_stash_free(struct hmmdev_mirror_stash *stash);

/*
 * Sets the entry of one page, over whatever was there; e's order is kept as information.
 * HMMDEV_MIRROR_E_MISSING: no table, or a huge entry in its place; link level 0 first (the same,
 * when an unmap has dropped it meanwhile). -EINVAL: e is not valid, vpn beyond the address space.
 */
int hmmdev_mirror_set(struct hmmdev_mirror *m, u64 vpn, struct hmmdev_entry e);
/*
 * Sets one entry for 512 pages; a table of single pages in its place is freed with its entries.
 * vpn, and e's pfn, are multiples of 512 and e's order is 9, -EINVAL otherwise.
 * HMMDEV_MIRROR_E_MISSING: link level 1 first.
 */
int hmmdev_mirror_set_huge(struct hmmdev_mirror *m, u64 vpn, struct hmmdev_entry e);
/*
 * The entry of one page. Of a huge entry it has the pfn of that very page, and order 9. 0 or
 * HMMDEV_MIRROR_E_NONE (also beyond the address space), then *ret_entry is untouched.
 */
int hmmdev_mirror_get(const struct hmmdev_mirror *m, u64 vpn, struct hmmdev_entry *ret_entry);

/*
 * Invalidate: entries of [first, last] go, tables stay. A huge entry that only partly lies inside
 * goes entirely. The time is that of the tables linked below the range, not of the address space.
 * What lies beyond the address space is ignored.
 */
struct hmmdev_mirror_count hmmdev_mirror_clear(struct hmmdev_mirror *m, u64 first, u64 last);
/* Unmap: as clear, and tables without an entry or a link left afterwards are freed. */
struct hmmdev_mirror_count hmmdev_mirror_drop(struct hmmdev_mirror *m, u64 first, u64 last);
/* Counts the entries of exactly [first, last]. */
struct hmmdev_mirror_count hmmdev_mirror_count(const struct hmmdev_mirror *m, u64 first, u64 last);
/*
 * The first page of [first, last] that is exclusive. HMMDEV_MIRROR_E_NONE: there is none. The time
 * is that of the tables linked before it.
 */
int hmmdev_mirror_next_excl(const struct hmmdev_mirror *m, u64 first, u64 last, u64 *ret_vpn);

/* Tables linked, of 4 KiB each, the root included. */
u64 hmmdev_mirror_tables(const struct hmmdev_mirror *m);

#endif
