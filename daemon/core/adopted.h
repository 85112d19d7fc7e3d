/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the memory of an adopted range is. The kernel moves it by itself (a touch, pressure,
 * munmap), so nothing here is decided, only seen: whoever looked tells what each huge page had, and
 * the books (bytes per tier, pools) follow by the difference to what was seen before. One
 * atomic exchange per huge page makes the sums exact whoever looks at the same time; that they are
 * true, too, is for who looks: one at a time for a range. Bytes on a device are taken from its
 * pools; bytes on nodes count beside the pools (struct tier), because nobody asked before they were
 * there.
 */
#ifndef HMMD_CORE_ADOPTED_H
#define HMMD_CORE_ADOPTED_H

#include "daemon/core/range.h"

/* Of every huge page that the range touches, also at its ends. */
struct adopted_page {
	_Atomic uint32_t seen; /* struct adopted_seen */
	/* Loop thread: since when it must stay, and how long; hold_ms 0: never. */
	uint32_t held_ms, hold_ms;
};
/*
 * As many pages as a table of the ledger has. Made when something is seen there for the first time, by
 * any thread, and kept until the range is not watched any more: what a program only reserves costs nothing.
 */
enum { ADOPTED_CHUNK = LEDGER_FANOUT };
struct adopted_chunk {
	struct adopted_page pages[ADOPTED_CHUNK];
	struct heat heat[ADOPTED_CHUNK]; /* loop thread */
};
struct adopted {
	uint64_t first; /* vpn of the first page */
	uint64_t n;
	uint32_t id; /* loop thread: of the range at the driver; 0: it has none */
	struct adopted_chunk *_Atomic chunks[];
};

struct adopted_seen {
	uint16_t memory, device; /* base pages */
	uint8_t node, dev;       /* their tiers, ADOPTED_NO_TIER: one that is not configured */
};
enum {
	ADOPTED_NO_TIER = 63, /* six bits of a packed word */
	/* A page that goes to and fro stays so long, twice as long each time it goes on. */
	ADOPTED_HOLD_MS = 1000,
	ADOPTED_HOLD_MOST_MS = 256000
};

/*
 * Loop thread. From here it is looked at, ranked and moved like managed memory. Harmless twice.
 * -ENOMEM.
 */
int adopted_watch(struct range *r);
/* Nobody holds it any more: all bytes are given back. Harmless when it is not watched. */
void adopted_unwatch(struct range *r);
/* Room that was taken from a device tier's pools before something was moved there. */
struct adopted_room {
	unsigned int tier;
	uint64_t bytes; /* what is booked comes out of it */
};
/*
 * Any thread that holds the range: what one of its huge pages has now. Nothing when it is not
 * watched. room: of whoever moved it, or NULL; beyond that the pools are charged whatever their
 * limits are, for it is there.
 */
void adopted_book(struct range *r, uint64_t vpn, const struct adopted_seen *now,
		  struct adopted_room *room);
/*
 * Loop thread: words follow what was booked. Nobody else writes them, because only the loop knows whether a
 * table still is one. 0; SPACE_E_TABLES: for some pages there was none.
 */
int adopted_words(struct range *r, uint64_t vpn, uint64_t pages);
/* Loop thread: the huge pages from vpn to end (exclusive) are nowhere now. */
void adopted_forget(struct range *r, uint64_t vpn, uint64_t end);
/* Loop thread, of memory that nobody watches: it was moved whole to this tier of memory. hand: PAGE_HAND. 0 or SPACE_E_TABLES. */
int adopted_moved(struct range *r, uint64_t vpn, uint64_t pages, unsigned int tier, bool hand);
/* The same, of memory that was moved in part: the words say nothing any more. */
void adopted_unknown(struct range *r, uint64_t vpn, uint64_t pages);
/* The temperature of a huge page, managed or adopted; NULL: it has none. Loop thread. */
struct heat *range_heat(const struct range *r, uint64_t vpn);
/* Nothing when it is not watched. */
struct adopted_seen adopted_last(const struct range *r, uint64_t vpn);
/*
 * Loop thread: temperatures follow what was booked: what left memory is away, what came back is
 * fresh, and what is nowhere nobody has moved by hand.
 */
void adopted_settle(struct range *r, uint64_t vpn, uint64_t pages, uint64_t now_us);
/* Loop thread: the huge page goes to and fro; it stays where it is for a time. */
void adopted_thrash(struct range *r, uint64_t vpn, uint64_t now_us);
bool adopted_held(const struct range *r, uint64_t vpn, uint64_t now_us);
/* The word of a huge page; 0 where the range has none, so no advice is kept there. */
uint64_t adopted_word(const struct range *r, uint64_t vpn);
/*
 * Loop thread: huge pages that have a word stay where they are, and are charged like pins; those of
 * the driver are charged to the byte beside them. 0, SPACE_E_QUOTA, SPACE_E_FULL, SPACE_E_TABLES (nothing
 * changed).
 */
int adopted_stay(struct range *r, uint64_t vpn, uint64_t pages);
void adopted_stay_end(struct range *r, uint64_t vpn, uint64_t pages);

#endif
