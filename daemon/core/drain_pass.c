// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The operation that empties a tier (op.h, `from`): it goes through whole ranges and takes what lies
 * in the tier when it comes by, so that asking costs nothing per page, and what it met is what was
 * asked. Adopted memory that nobody watches is handed out as it is: where it lies only the kernel
 * knows, and the move leaves alone what lies elsewhere. Once a page has found no room, the rest is
 * only counted: the tier will be used again, and somebody may be waiting for that.
 */
#include "daemon/core/adopted.h"
#include "daemon/core/op_own.h"
#include "daemon/core/world.h"

enum { ADOPTED_AREA = 64 /* huge pages in one move: some 10 ms of a worker, which says of each whether it went */ };

static bool must_stay(const struct op *op, const struct range *r, uint64_t vpn)
{
	const struct tier *t = &r->space->world->tiers[op->from];
	uint64_t word = r->kind == RANGE_MANAGED ? op_word(r, vpn) : adopted_word(r, vpn);

	if (r->kind == RANGE_ADOPTED)
		return word & PAGE_STAY;
	return tier_is_resident(t) && (word & (PAGE_PINNED | PAGE_STAY));
}

/* Adopted memory may be in two tiers: its huge pages may be split, and those at its ends are not its own. */
static bool lies_in(const struct range *r, uint64_t vpn, unsigned int tier)
{
	struct adopted_seen seen;
	uint64_t word;

	if (r->kind == RANGE_ADOPTED && !atomic_load(&r->adopted))
		return true;
	if (r->kind == RANGE_ADOPTED) {
		seen = adopted_last(r, vpn);
		return (seen.device && seen.dev == tier) || (seen.memory && seen.node == tier);
	}
	word = op_word(r, vpn);
	return page_word_tier(word) == tier && page_word_state(word) != PAGE_ABSENT &&
	       page_word_state(word) != PAGE_ZEROING && page_word_state(word) != PAGE_POISONED;
}

/* The kernel driver's devices are no place of memory that nobody watches. */
static bool cannot_have(const struct range *r, unsigned int tier)
{
	const struct tier *t = &r->space->world->tiers[tier];

	return r->kind == RANGE_ADOPTED && !atomic_load(&r->adopted) && !tier_is_resident(t);
}

/* The end of the huge page that the span is at, or of as many as go together. */
static uint64_t area_end(const struct op *op)
{
	uint64_t vpn = op->next >> LEDGER_PAGE_SHIFT, pages = 1, end;

	while (op->range->kind == RANGE_ADOPTED && pages < ADOPTED_AREA &&
	       (vpn + pages) << LEDGER_PAGE_SHIFT < op->end &&
	       lies_in(op->range, vpn + pages, op->from) &&
	       !must_stay(op, op->range, vpn + pages))
		pages++;
	end = (vpn + pages) << LEDGER_PAGE_SHIFT;
	return end < op->end ? end : op->end;
}

static bool is_known(const struct range *r)
{
	return r->kind == RANGE_MANAGED || atomic_load(&r->adopted);
}

static bool stays_here(struct op *op, uint64_t end, bool no_room)
{
	uint64_t bytes = end - op->next;

	if (is_known(op->range)) {
		op->result.asked += bytes;
		op->result.busy += bytes;
		op->result.no_room += no_room ? bytes : 0;
	}
	op->next = end;
	return true;
}

bool drain_next(struct op *op, struct move *m)
{
	struct range *r = op->range;
	uint64_t vpn = op->next >> LEDGER_PAGE_SHIFT, end = (vpn + 1) << LEDGER_PAGE_SHIFT;

	if (end > op->end)
		end = op->end;
	if (cannot_have(r, op->from) || !lies_in(r, vpn, op->from)) {
		op->next = cannot_have(r, op->from) ? op->end : end;
		return true;
	}
	drain_way(r, op->from, m);
	if (op->dry || must_stay(op, r, vpn) || m->tier == op->from)
		return stays_here(op, end, op->dry);
	if (r->kind == RANGE_ADOPTED) {
		end = area_end(op);
		m->leaves = (uint8_t)(op->from + 1);
	}
	if (is_known(r))
		op->result.asked += end - op->next;
	move_set_area(m, op->next, end);
	return false;
}

bool drain_gone(const struct op *op, const struct range *r, uint64_t vpn)
{
	return op->from != TIER_NOWHERE && !lies_in(r, vpn, op->from);
}

void drain_asked(struct op *op, const struct move *m, uint64_t bytes, uint64_t elsewhere)
{
	if (op->from == TIER_NOWHERE || is_known(m->range))
		return;
	if (elsewhere > bytes)
		elsewhere = bytes;
	op->result.asked += bytes - elsewhere;
	op->result.already_there -= elsewhere;
}

void drain_back(struct op *op, const struct move *m, uint64_t bytes)
{
	if (op->from != TIER_NOWHERE && is_known(m->range))
		op->result.asked -= bytes;
}
