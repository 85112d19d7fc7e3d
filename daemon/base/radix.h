/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A radix table of 64-bit words over virtual page numbers, kept in an arena that the caller
 * provides (proto/ledger.h lays it out). Links are indices, so the arena can be a shared file. One
 * writer (inserts and removes directories); any number of readers walk it with plain atomic loads
 * and no lock. A span either covers its pages, and then all of their words are there as long as it
 * is, or its tables are made page by page, when a word is needed for the first time: then a span of
 * terabytes costs nothing where nothing is. A table is kept until no span covers it and all its words
 * are zero; it then goes to a limbo list and is used again only after radix_reclaim(), which the
 * writer calls when no reader can still hold it. Whoever keeps the arena may take free tables away
 * (radix_hollow_out) and give their memory back; they are handed out again only when it is there
 * again (radix_fill).
 */
#ifndef HMMD_BASE_RADIX_H
#define HMMD_BASE_RADIX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "proto/ledger.h"

typedef _Atomic uint64_t radix_word;

enum {
	RADIX_E_FULL = 1
}; /* the arena has no free table: grow it with radix_set_tables() and try again */

/* What the writer knows of a table; beside the arena, because the arena is data after a restart. */
struct radix_table {
	uint32_t users;		/* spans that cover it (leaf) or tables below it (directory) */
	bool counted;		/* leaf: among the users of its directory */
	uint32_t parent; /* the word that links to it, 0: none known, RADIX_UNLINKED: free or in
			    limbo */
	uint32_t next;		/* in the free or the limbo list, 0 = end */
};
#define RADIX_UNLINKED UINT32_MAX

struct radix {
	radix_word *arena; /* table i begins at arena + i * LEDGER_FANOUT; table 0 is the caller's
			      header */
	_Atomic uint32_t tables; /* usable tables of the arena, header and root included; grows
				    only; read by all */
	uint32_t max_tables;
	uint32_t used;		/* tables handed out so far: the file must be this long */
	uint32_t free_tables;	/* length of the free list */
	uint32_t free_head;	/* free tables, 0 = none */
	uint32_t hollow_head;	/* free tables without memory, 0 = none */
	uint32_t limbo_head;	/* removed, maybe still read, so nothing is written into them */
	struct radix_table *info;
	bool adopting;		/* from radix_init(adopt) to radix_sweep() */
};

/*
 * arena: zeroed, large enough for max_tables; root becomes table 1. tables: usable now (>= 2).
 * -EINVAL: fewer than two tables or more than max_tables. -ENOMEM. With `adopt` the arena already
 * holds tables (a ledger after a restart): free lists and user counts start empty, and
 * radix_cover() of every surviving span rebuilds them; tables not covered by then are returned by
 * radix_sweep(). A link that leaves the arena, or leads to a table that another link has claimed,
 * counts as none.
 */
int radix_init(struct radix *r, void *arena, uint32_t max_tables, uint32_t tables, bool adopt);
void radix_done(struct radix *r);		/* frees what radix_init allocated, not the arena */
void radix_set_tables(struct radix *r, uint32_t tables);
/*
 * Makes every directory for pages first..last (inclusive) and counts one user. 0, RADIX_E_FULL
 * (nothing changed).
 */
int radix_cover(struct radix *r, uint64_t first, uint64_t last);
/* How many tables radix_cover() would have to make beyond those it has room for. */
uint32_t radix_lacks(struct radix *r, uint64_t first, uint64_t last);
/* Takes the user away; clears the words of first..last; tables of no use any more go to limbo. */
void radix_uncover(struct radix *r, uint64_t first, uint64_t last);
/* The word of one page that no span need cover. 0, RADIX_E_FULL (nothing changed). */
int radix_make(struct radix *r, uint64_t vpn);
/* Clears what words there are of first..last; tables of no use any more go to limbo. */
void radix_clear(struct radix *r, uint64_t first, uint64_t last);
/* The first page from vpn to last (inclusive) whose table is there; last + 1: none. Any thread. */
uint64_t radix_next(const struct radix *r, uint64_t vpn, uint64_t last);
void radix_reclaim(struct radix *r);
/* A free table, whose memory may be given back from here; 0: none is left. */
uint32_t radix_hollow_out(struct radix *r);
/* One of those, to be given memory again (zeros) and then to radix_fill(); 0: none. */
uint32_t radix_hollow(const struct radix *r);
void radix_fill(struct radix *r);		/* what radix_hollow() named is free again */
/*
 * Ends the adoption: links and tables that no surviving span has claimed are dropped. No reader
 * runs yet.
 */
void radix_sweep(struct radix *r);
/*
 * After it: clears the words of pages for which the other table, of the same shape, has none. A
 * writer that was killed had no time to. No reader runs yet.
 */
void radix_keep(struct radix *r, const struct radix *others);
/* NULL where no directory exists. Lock-free. Never follows an index out of the usable tables. */
radix_word *radix_find(const struct radix *r, uint64_t vpn);

#endif
