// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device that is full while memory has room: then somebody whose own limit in memory is reached
 * could wait for a slot for ever. Pages of others come back until the device has its reserve again.
 * It costs no budget, because threads may be waiting, and nothing at all while the reserve is
 * there.
 */
#include "daemon/core/world.h"

static uint64_t missing_pages(const struct tier *t)
{
	uint64_t reserve = commit_reserve(tier_capacity(t)), room = pool_free_bytes(&t->pool);

	if (t->state != TIER_ONLINE || tier_is_resident(t) || !tier_is_managed(t) ||
	    room >= reserve)
		return 0;
	return (reserve - room) / LEDGER_PAGE_SIZE;
}

static void refill_range(struct range *r, unsigned int tier, uint64_t *missing, struct plan *plan)
{
	struct move m = { .range = r,
			  .pages = 1,
			  .kind = MOVE_FILL,
			  .reason = REASON_PRESSURE,
			  .tier = r->home };
	uint64_t room = pool_free_bytes(&r->space->account->pools[r->home]) / LEDGER_PAGE_SIZE, i,
		 word;

	if (!range_can_move(r) || !atomic_load_explicit(&r->tier_bytes[tier], memory_order_relaxed))
		return;
	for (i = 0; i < range_pages(r) && *missing && room; i++) {
		m.vpn = range_first_vpn(r) + i;
		word = atomic_load_explicit(radix_find(&r->space->mirror, m.vpn),
					    memory_order_relaxed);
		if (page_word_state(word) != PAGE_DEVICE || page_word_tier(word) != tier)
			continue;
		if (plan_add(plan, &m))
			return;
		--*missing;
		--room;
	}
}

void plan_refill(struct world *w, struct plan *plan)
{
	uint64_t missing;
	unsigned int i, k;

	for (i = 0; i < w->n_tiers; i++) {
		missing = missing_pages(&w->tiers[i]);
		for (k = 0; missing && k < w->n_policies; k++)
			LIST_EACH(node, &w->policies[k].ranges)
		refill_range(container_of(node, struct range, in_policy), i, &missing, plan);
	}
}
