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
	MOVE_PIN	/* bring in (if away) and set PAGE_PINNED */
};
enum move_outcome { MOVE_MOVED, MOVE_ALREADY, MOVE_BUSY, MOVE_FAILED };
enum move_reason { REASON_PRESSURE, REASON_POLICY, REASON_REQUEST, REASON_HINT, REASON_DRAIN, REASON_STREAM };

struct move {
	struct range *range;	/* held by whoever owns the move */
	uint64_t vpn;
	uint64_t pages;		/* 1 except MOVE_NODE of adopted memory */
	uint8_t kind, reason, tier;
	uint64_t op;		/* 0: nobody waits */
};
enum { PLAN_MOVES = 256 };	/* a tick proposes no more; the rest waits for the next */
struct plan {
	struct move moves[PLAN_MOVES];
	size_t n;
};
/* Holds the range. 0, or 1 when the plan is full or the range is dying. */
int plan_add(struct plan *p, const struct move *m);
/* Moves what draining tiers still have (drain.c). */
void plan_drain(struct world *w, uint64_t now_us, struct plan *plan);
/* Brings pages back from devices that have less than their reserve free, where memory has room (refill.c). */
void plan_refill(struct world *w, struct plan *plan);
/* One turn of decisions for every policy and for draining tiers. */
void plan_make(struct world *w, uint64_t now_us, struct plan *ret);

#endif
