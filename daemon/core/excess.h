/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies in the files of a user's managed ranges and was not put there by hmmd. The programs have the
 * descriptors of these files: they can allocate in them, grow those that cannot be sealed, and map them where nobody
 * serves their faults. Such bytes count against the user's limit in a tier, and against nobody else's: the tier's
 * own pool, which says when pages of all users must go, holds only what hmmd has placed. So the user's own pages
 * make room, its faults wait when none are left, and beyond the limit it gets no more managed memory.
 *
 * The files are counted one after another while pages come and go, so the sum is compared with all that can have
 * been hmmd's at any moment of it: whatever it had placed has its room in the user's pools at the end, or has given it
 * back since the beginning. A range that ended a moment before is hmmd's too, for its program empties the file only
 * after it has heard of that. What two counts have both found is charged.
 */
#ifndef HMMD_CORE_EXCESS_H
#define HMMD_CORE_EXCESS_H

#include <stdbool.h>
#include <stdint.h>

struct account;
struct world;

#define EXCESS_QUIET_US 10000000ULL	/* 10 s without any, before it is told that it is over */
#define EXCESS_EMPTY_US 1000000ULL	/* 1 s at least for a program to empty its file where a range was */

/* Of one user. Loop thread. */
struct excess {
	uint64_t charged;	/* bytes, in the user's pool of `tier` alone */
	uint8_t tier;		/* resident */
	uint64_t found;		/* bytes, by the last count */
	uint64_t freed, freed_before;	/* bytes of the user's ranges, at `freed_us` and at the mark before that */
	uint64_t freed_us;
	bool told;
	uint64_t seen_us;	/* when some was charged last */
};
/* A count under way. */
struct excess_count {
	uint64_t given, freed;	/* bytes: of the user's resident pools, of its ranges */
};
enum excess_news {
	EXCESS_NEWS_NONE,
	EXCESS_NEWS_BEGINS,	/* some is charged, which was not so before */
	EXCESS_NEWS_OVER	/* none has been for EXCESS_QUIET_US */
};

/* Before the first of the user's files is looked at. */
void excess_begin(struct account *a, const struct world *w, uint64_t now_us, struct excess_count *ret);
/* After the last: they hold so many bytes, and `tier` is where those belong that are not ours. */
enum excess_news excess_end(struct account *a, const struct world *w, const struct excess_count *c, uint64_t bytes,
			    unsigned int tier, uint64_t now_us);
/* The last count found more than is charged: the next one is to come soon. */
bool excess_wants_count(const struct account *a);
/* With it the user is beyond its limit in the tier; without a limit, beyond all that the tier has. */
bool excess_is_over(const struct account *a, const struct world *w);
/* Gives back what is charged. Harmless when nothing is. */
void excess_drop(struct account *a);

#endif
