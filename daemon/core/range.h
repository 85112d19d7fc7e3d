/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A range of a client's address space. The loop thread owns it. Fault threads and workers read the
 * fields above the line (fixed once published) and the atomics; they reach the range through the
 * space's owner table or through a job, and hold it with range_hold(). It dies in three steps:
 * space_range_leave() takes it out of every table; then the fault threads acknowledge (io) and
 * holders drain to zero; then space_range_free().
 */
#ifndef HMMD_CORE_RANGE_H
#define HMMD_CORE_RANGE_H

#include "daemon/base/list.h"
#include "daemon/core/account.h"
#include "daemon/core/fault.h"
#include "daemon/core/heat.h"
#include "daemon/core/page.h"
#include "daemon/core/pins.h"

struct adopted;
struct space;
struct policy;
struct world;

enum range_kind { RANGE_MANAGED, RANGE_ADOPTED };

struct range {
	uint64_t id, addr, size;	/* addr 0: allocated, not mapped yet */
	enum range_kind kind;
	struct space *space;
	int backing;			/* the file of a managed range, -1 otherwise; core never uses it as a file */
	uint64_t offset;		/* of its first byte in there */
	_Atomic uint8_t home;		/* index of the resident tier that faults fill into; changes when that drains */
	uint8_t lower[HMM_LIMIT_TIERS];	/* device tiers in order of preference for eviction */
	uint8_t n_lower;
	_Atomic uint32_t advice;	/* last of SEQUENTIAL, RANDOM, NORMAL for the whole range (enum hmm_advice) */
	_Atomic uint32_t holders;	/* jobs, victims and faults that use it */
	_Atomic bool dying;		/* new work is refused */
	_Atomic uint64_t tier_bytes[HMM_LIMIT_TIERS];	/* where its pages are now */
	_Atomic uint32_t reach;		/* bit mask of the tiers its pages may be in; written by the loop */
	struct stream stream;
	struct adopted *_Atomic adopted;	/* where adopted memory is (adopted.h); NULL: nobody watches it */
	/* ---- loop thread only ---- */
	char name[HMM_LIMIT_NAME + 1];
	void *file;			/* the daemon's: what `backing` is a descriptor of; core never looks */
	struct policy *policy;
	uint32_t flags;
	struct heat *heat;		/* of managed memory, one per huge page; range_heat() finds all */
	uint64_t track_cursor;		/* next page of the zap tracker */
	uint64_t survey_cursor;		/* the next that is looked at by itself (daemon/io/survey.h) */
	uint32_t under_way, given;	/* moves that somebody asked for: workers have, and have ever got (daemon/io/crew.c) */
	struct pins pins;		/* who holds what of it (daemon/io/pin.h) */
	uint64_t pinned_bytes;
	uint8_t pin_tier;		/* where they count, while there are any */
	uint8_t prefer;			/* the tier asked for when it was made, or TIER_NOWHERE */
	uint8_t advised;		/* the tier of memory asked for since, which goes before it */
	struct charge managed, adopting, ranges, pinned;
	struct list_node in_space, in_policy;
};

static inline uint64_t range_end(const struct range *r)
{
	return r->addr + r->size;
}
/* Where the byte at an address of a managed range is in its file. */
static inline uint64_t range_offset(const struct range *r, uint64_t addr)
{
	return r->offset + (addr - r->addr);
}
/* The huge pages that lie wholly in the range and so have a word of their own: adopted memory begins and ends anywhere. */
static inline uint64_t range_first_vpn(const struct range *r)
{
	return (r->addr + LEDGER_PAGE_SIZE - 1) >> LEDGER_PAGE_SHIFT;
}
static inline uint64_t range_pages(const struct range *r)
{
	uint64_t first = range_first_vpn(r), end = range_end(r) >> LEDGER_PAGE_SHIFT;

	return end > first ? end - first : 0;
}
#define TIER_NOWHERE 0xffu
/* Chooses home, lower tiers and reach from the policy, the wish and the state of the tiers. */
void range_place(struct range *r, const struct world *w);
/* Where its faults would fill into now: TIER_NOWHERE when no tier in memory is online. */
unsigned int range_home(const struct range *r, const struct world *w);
void range_rehome(struct range *r, const struct world *w);	/* the home alone, when tiers change their state */
/*
 * A tier of memory that these huge pages want to be in. 1: they are a piece of the range, and a
 * piece has no home of its own.
 */
int range_prefer(struct range *r, const struct world *w, unsigned int tier, uint64_t vpn,
		 uint64_t pages);
/* They do no longer; a piece says nothing about the home. */
void range_prefer_end(struct range *r, const struct world *w, uint64_t vpn, uint64_t pages);
/* Bytes of the range that lie in these huge pages: adopted ranges begin and end anywhere. */
uint64_t range_clip(const struct range *r, uint64_t vpn, uint64_t pages);
bool range_hold(struct range *r);	/* false: dying */
void range_drop(struct range *r);
/* It is mapped, and its program does not hold up those who would move a page of it. Loop thread. */
bool range_can_move(const struct range *r);
/*
 * A page came into memory: because a thread touched it, or ahead of that. Loop thread. Judges its
 * temperature by the time it was away, in windows of its space.
 */
bool range_is_tracked(const struct range *r);	/* by the zap tracker */
void range_filled(struct range *r, uint64_t vpn, uint64_t now_us, bool touched);
/*
 * Somebody asked for the page to be in the tier. It stays there for the policy's min-residency when it was moved for that;
 * one that was there already stays no longer than it would have: asking again is no pin. And a page that was moved so is elsewhere now: *ret_tier is where it had been moved to, and nothing is known of that any
 * more. Loop thread.
 */
void range_by_hand(struct range *r, uint64_t vpn, unsigned int tier, bool moved, uint64_t now_us);
bool range_undone(struct range *r, uint64_t vpn, unsigned int *ret_tier);
/*
 * Books one page as moved between tiers: the range's tier_bytes, and moved_in/moved_out of the uid's and the
 * tier's pools. It does NOT touch pool `used`: room is taken before a move with pool_take(&account->pools[tier])
 * and given with pool_give() by whoever made the page leave (mover.c, space_range_free). from or to: TIER_NOWHERE.
 */
void range_account(struct range *r, unsigned int from, unsigned int to);

#endif
