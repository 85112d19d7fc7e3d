// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Draining a tier. Core stops it from taking pages and plans its emptying within the policies'
 * budgets; the operation made here asks for the same pages at once, and its bytes are what hmmctl
 * shows.
 */
#include <errno.h>

#include "daemon/core/adopted.h"
#include "daemon/io/daemon.h"
#include "daemon/io/request.h"
#include "daemon/io/request_move.h"
#include "daemon/io/schedule.h"
#include "daemon/io/session_own.h"

/* Adopted memory may be in two tiers: its huge pages may be split, and those at its ends are not its own. */
static bool lies_in(const struct range *r, uint64_t vpn, unsigned int tier)
{
	struct adopted_seen seen;
	uint64_t word;

	if (r->kind == RANGE_ADOPTED) {
		seen = adopted_last(r, vpn);
		return (seen.device && seen.dev == tier) || (seen.memory && seen.node == tier);
	}
	word = atomic_load(space_word(r->space, vpn << LEDGER_PAGE_SHIFT));
	return page_word_tier(word) == tier &&
	       (page_word_state(word) == PAGE_DEVICE || page_word_state(word) == PAGE_RESIDENT);
}

/* Runs of pages that lie in the tier. 0 or -1 (refused; the op is freed). */
static int add_range(struct request *q, struct op *op, struct range *r, unsigned int tier)
{
	uint64_t vpn = r->addr >> LEDGER_PAGE_SHIFT, last = (range_end(r) - 1) >> LEDGER_PAGE_SHIFT;

	while (vpn <= last) {
		struct span span = { .range = r, .vpn = vpn };

		while (vpn <= last && lies_in(r, vpn, tier))
			vpn++;
		span.pages = vpn - span.vpn;
		if (span.pages && request_op_add(q, op, &span))
			return -1;
		vpn += span.pages == 0;
	}
	return 0;
}

static int add_all(struct request *q, struct op *op, unsigned int tier)
{
	enum move_kind kind;

	LIST_EACH(pos, &q->daemon->world->spaces) {
		struct space *s = container_of(pos, struct space, in_world);

		LIST_EACH(pos2, &s->ranges) {
			struct range *r = container_of(pos2, struct range, in_space);

			if (!r->addr || atomic_load(&r->dying) || !atomic_load(&r->tier_bytes[tier]))
				continue;
			if (move_kind_to(r, &q->daemon->world->tiers[op->tier], &kind))
				continue;	/* the plan finds a place for it, or it stays */
			if (add_range(q, op, r, tier))
				return -1;
		}
	}
	return 0;
}

/*
 * Where the pages go: a device's into memory, a node's to another node or, on one node, to a
 * device.
 */
static int choose_move(const struct world *w, unsigned int tier, enum move_kind *ret_kind,
		       unsigned int *ret_to)
{
	for (unsigned int i = 0; i < w->n_tiers; i++) {
		const struct tier *t = &w->tiers[i];

		if (i == tier || t->state != TIER_ONLINE || !tier_is_managed(t))
			continue;
		if (!tier_is_resident(t) && !tier_is_resident(&w->tiers[tier]))
			continue;
		*ret_kind = !tier_is_resident(t) ? MOVE_EVICT
			    : tier_is_resident(&w->tiers[tier]) || !tier_is_managed(&w->tiers[tier]) ? MOVE_NODE
												     : MOVE_FILL;
		*ret_to = i;
		return 0;
	}
	return -1;
}

void request_drain(struct request *q)
{
	struct world *w = q->daemon->world;
	enum move_kind kind;
	unsigned int to;
	struct tier *tier;
	struct op *op;

	if (request_find_tier(q, q->message->control->tier, &tier))
		return;
	if (choose_move(w, tier->index, &kind, &to)) {
		session_error(q->session, q->id, EBUSY,
			      "tier %s cannot be drained: no other tier takes its pages",
			      tier->config.name);
		return;
	}
	if (request_op_new(q, kind, to, &op))
		return;
	if (world_drain(w, tier->index)) {
		op_free(op, w);
		session_error(
			q->session, q->id, EBUSY,
			"tier %s is the last one in memory; its pages have nowhere to be used",
			tier->config.name);
		return;
	}
	if (add_all(q, op, tier->index))
		return;
	daemon_event(q->daemon, EVENT_INFO, "tier %s is being drained", tier->config.name);
	request_op_start(q, op);
	schedule_kick(q->daemon);
}
