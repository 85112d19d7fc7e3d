// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What became of what an operation moved (op.h). A page that came into a tier can leave it before the operation is
 * over: because others, or the pages that follow it, need the room. So what was asked for is remembered by numbers,
 * which hold no range, and looked through once at the end: some ns a page, as when victims are ranked.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/core/adopted.h"
#include "daemon/core/op_own.h"
#include "daemon/core/world.h"

struct op_piece {
	struct list_node node;
	uint64_t range, addr, end;
};

static bool has_a_place_to_be(const struct op *op)
{
	return op->from == TIER_NOWHERE && (op->kind == MOVE_EVICT || op->kind == MOVE_NODE);
}

int op_piece_add(struct op *op, const struct range *r, uint64_t addr, uint64_t end)
{
	struct op_piece *p;

	if (!has_a_place_to_be(op))
		return 0;
	p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct op_piece){ .range = r->id, .addr = addr, .end = end };
	list_append(&op->pieces, &p->node);
	return 0;
}

void op_pieces_free(struct op *op)
{
	LIST_EACH_SAFE(node, next, &op->pieces)
		free(container_of(node, struct op_piece, node));
}

/* The word says that the page is, and that it is not in this tier, or is leaving it. */
static bool is_elsewhere(uint64_t word, unsigned int tier)
{
	switch (page_word_state(word)) {
	case PAGE_ABSENT:
	case PAGE_ZEROING:
	case PAGE_POISONED:
	case PAGE_DISCARDING:
		return false;
	case PAGE_EVICTING:
	case PAGE_FILLING:
		return true;
	default:
		return page_word_tier(word) != tier;
	}
}

/* A range that is gone, or is mapped anew, is nowhere. */
static uint64_t elsewhere(const struct op *op, const struct op_piece *p)
{
	const struct range *r = idmap_get(op->world->ranges, p->range);
	uint64_t vpn = p->addr >> LEDGER_PAGE_SHIFT, last = (p->end - 1) >> LEDGER_PAGE_SHIFT, bytes = 0;

	for (; r && (vpn = radix_next(&r->space->mirror, vpn, last)) <= last; vpn++)
		if (is_elsewhere(adopted_word(r, vpn), op->tier))
			bytes += range_clip(r, vpn, 1);
	return bytes;
}

/* Adopted memory may have got its word only now. */
void op_by_hand(const struct op *op, struct range *r, uint64_t vpn, bool moved, uint64_t now_us)
{
	range_by_hand(r, vpn, has_a_place_to_be(op) ? op->tier : TIER_NOWHERE, moved, now_us);
}

void op_count_left(struct op *op)
{
	struct op_result *r = &op->result;
	uint64_t bytes = 0, arrived = r->moved + r->already_there;

	LIST_EACH(node, &op->pieces)
		bytes += elsewhere(op, container_of(node, struct op_piece, node));
	bytes -= bytes < r->busy + r->failed ? bytes : r->busy + r->failed;	/* these never came */
	r->moved_on = bytes < arrived ? bytes : arrived;
}
