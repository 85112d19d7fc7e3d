/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of moves: what core wants done. A move is one huge page (managed) or a span (adopted). */
#ifndef HMMD_CORE_PLAN_H
#define HMMD_CORE_PLAN_H

#include <stddef.h>
#include <stdint.h>

struct range;
struct world;

enum move_kind {
	MOVE_EVICT,	/* to device tier `tier` */
	MOVE_FILL,	/* to the range's home (prefetch); or to resident tier `tier` */
	MOVE_NODE,	/* between NUMA nodes: managed resident page or a span of adopted memory */
	MOVE_DISCARD,	/* contents are not needed any more */
	MOVE_PIN,	/* bring in what is pinned (if away); adopted memory: hold it in memory */
	/* Of adopted memory alone, through the kernel driver: */
	MOVE_UNPIN,	/* let go what `pin` holds */
	MOVE_EXCLUSIVE,	/* the device of tier `tier` alone has access */
	MOVE_SHARED,	/* no longer */
	MOVE_LOOK	/* where is it? */
};
enum move_outcome { MOVE_MOVED, MOVE_ALREADY, MOVE_BUSY, MOVE_FAILED, MOVE_NO_ROOM };
enum move_reason { REASON_PRESSURE, REASON_POLICY, REASON_REQUEST, REASON_HINT, REASON_DRAIN, REASON_STREAM,
	REASON_OWN /* our own housekeeping: nobody waits, no plan counts it */ };

struct move {
	struct range *range;	/* held by whoever owns the move */
	uint64_t vpn;
	uint64_t op;		/* 0: nobody waits */
	uint32_t pages;		/* 1 except of adopted memory */
	union {
		uint32_t pin;	/* MOVE_UNPIN: which; a MOVE_PIN that is done: its number */
		uint32_t given;	/* MOVE_LOOK: that of its range (range.h) */
	};
	uint16_t front, back;	/* of adopted memory: base pages at both ends that it is not about */
	uint8_t kind, reason, tier;
	uint8_t leaves;		/* of adopted memory: 1 + the tier of which it is what lies there; 0: all of it */
};
enum { PLAN_MOVES = 256 };	/* a tick proposes no more; the rest waits for the next */
struct plan {
	struct move moves[PLAN_MOVES];
	size_t n;
};
/* The bytes that a move is about: [*ret_addr, *ret_end). */
void move_area(const struct move *m, uint64_t *ret_addr, uint64_t *ret_end);
void move_set_area(struct move *m, uint64_t addr, uint64_t end);	/* multiples of the base page */
/* Holds the range. 0, or 1 when the plan is full or the range is dying. */
int plan_add(struct plan *p, const struct move *m);
/* Where a page of the range goes from a tier that is emptied: sets kind and tier. Loop thread. */
void drain_way(const struct range *r, unsigned int tier, struct move *m);
/* Moves what draining tiers still have (drain.c). */
void plan_drain(struct world *w, uint64_t now_us, struct plan *plan);
/* Brings pages back from devices that have less than their reserve free, where memory has room (refill.c). */
void plan_refill(struct world *w, struct plan *plan);
/* One turn of decisions for every policy and for draining tiers. */
void plan_make(struct world *w, uint64_t now_us, struct plan *ret);

#endif
