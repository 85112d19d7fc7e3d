// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Emptying a tier. It takes no page any more; what it has goes wherever its range may put it: from
 * a device back to the home, from a node to another node or a device. An operation (drain_pass.c)
 * goes through all of it; what lands there after that pass, because it was under way, is planned
 * here. A tier that does not become empty takes pages again, for while it takes none somebody may
 * wait for its room; pinned pages keep it draining until they are unpinned where that was asked for,
 * and want of room never does. A failed tier stays failed, whatever is saved from it.
 */
#include "daemon/core/world.h"

static bool room_in(const struct range *r, unsigned int tier)
{
	return pool_free_bytes(&r->space->account->pools[tier]) >= LEDGER_PAGE_SIZE;
}

/*
 * To the home when it has room, else to a device, else to the home all the same: the mover makes
 * room there.
 */
static void leave_node(const struct range *r, unsigned int tier, struct move *m)
{
	unsigned int i;

	if (m->tier != tier && room_in(r, m->tier))
		return;
	for (i = 0; i < r->n_lower; i++)
		if (room_in(r, r->lower[i])) {
			m->kind = MOVE_EVICT;
			m->tier = r->lower[i];
			return;
		}
}

void drain_way(const struct range *r, unsigned int tier, struct move *m)
{
	bool node = tier_is_resident(&r->space->world->tiers[tier]);

	m->kind = node || r->kind == RANGE_ADOPTED ? MOVE_NODE : MOVE_FILL;
	m->tier = r->home;
	if (node && r->kind == RANGE_MANAGED)
		leave_node(r, tier, m);
}

static bool should_leave(const struct world *w, unsigned int tier, uint64_t word)
{
	if (page_word_tier(word) != tier)
		return false;
	return tier_is_resident(&w->tiers[tier]) ? page_movable(word)
						 : page_word_state(word) == PAGE_DEVICE ||
							   page_word_state(word) == PAGE_ADOPTED;
}

/* False: the plan is full or the policy's rate is used up. */
static bool drain_page(struct world *w, struct range *r, unsigned int tier, uint64_t vpn,
		       uint64_t now_us, struct plan *plan)
{
	struct move m = { .range = r, .vpn = vpn, .pages = 1, .reason = REASON_DRAIN };
	uint64_t word =
		atomic_load_explicit(radix_find(&r->space->mirror, vpn), memory_order_relaxed);

	if (!should_leave(w, tier, word))
		return true;
	drain_way(r, tier, &m);
	if (m.tier == tier)
		return true;
	if (plan->n == PLAN_MOVES || !policy_pay(r->policy, LEDGER_PAGE_SIZE, now_us))
		return false;
	plan_add(plan, &m);
	return true;
}

static void drain_range(struct world *w, struct range *r, unsigned int tier, uint64_t now_us,
			struct plan *plan)
{
	uint64_t vpn = range_first_vpn(r), last = vpn + range_pages(r) - 1;

	if (!range_can_move(r) || !range_pages(r) ||
	    !atomic_load_explicit(&r->tier_bytes[tier], memory_order_relaxed))
		return;
	for (; (vpn = radix_next(&r->space->mirror, vpn, last)) <= last; vpn++)
		if (!drain_page(w, r, tier, vpn, now_us, plan))
			return;
}

static void drain_tier(struct world *w, struct tier *t, uint64_t now_us, struct plan *plan)
{
	unsigned int i;

	if (!tier_used(t) && !t->left) {
		t->state = TIER_DRAINED;
		return;
	}
	for (i = 0; i < w->n_policies; i++)
		LIST_EACH(node, &w->policies[i].ranges)
			drain_range(w, container_of(node, struct range, in_policy), t->index,
				    now_us, plan);
}

void plan_drain(struct world *w, uint64_t now_us, struct plan *plan)
{
	unsigned int i;

	for (i = 0; i < w->n_tiers; i++)
		if (w->tiers[i].state == TIER_DRAINING && !w->tiers[i].pass)
			drain_tier(w, &w->tiers[i], now_us, plan);
}

bool drain_is_last_node(const struct world *w, unsigned int tier)
{
	unsigned int i;

	if (!tier_is_resident(&w->tiers[tier]))
		return false;
	for (i = 0; i < w->n_tiers; i++)
		if (i != tier && tier_is_resident(&w->tiers[i]) && w->tiers[i].state == TIER_ONLINE)
			return false;
	return true;
}

/*
 * The promise goes along with the home; where that needs memory that is not there, the old promise
 * stands.
 */
static void rehome(struct world *w, struct list_node *ranges)
{
	LIST_EACH(node, ranges) {
		struct range *r = container_of(node, struct range, in_policy);
		uint32_t reach;

		range_rehome(r, w);
		reach = r->reach | 1U << r->home;
		if (r->kind == RANGE_ADOPTED ||
		    !commit_move(w, r->space->account, r->reach, reach, r->managed.amount))
			r->reach = reach;
	}
}

static void rehome_all(struct world *w)
{
	unsigned int i;

	for (i = 0; i < w->n_policies; i++) {
		rehome(w, &w->policies[i].ranges);
		rehome(w, &w->policies[i].adopted);
	}
}

int world_drain(struct world *w, unsigned int tier)
{
	if (drain_is_last_node(w, tier))
		return DRAIN_E_LAST;
	w->tiers[tier].left = 0;
	if (w->tiers[tier].state == TIER_FAILED)
		return 0;
	w->tiers[tier].state = TIER_DRAINING;
	atomic_store(&w->tiers[tier].pool.draining, true);
	rehome_all(w);
	return 0;
}

void world_undrain(struct world *w, unsigned int tier)
{
	if (w->tiers[tier].state == TIER_FAILED)
		return;
	w->tiers[tier].state = TIER_ONLINE;
	w->tiers[tier].keep = false;
	atomic_store(&w->tiers[tier].pool.draining, false);
	rehome_all(w);
}

bool world_drain_passed(struct world *w, unsigned int tier, const struct op_result *r)
{
	struct tier *t = &w->tiers[tier];

	t->pass = 0;
	t->left = r->busy + r->failed;
	if (t->state != TIER_DRAINING)
		return true;
	if (!tier_used(t) && !t->left)
		t->state = TIER_DRAINED;
	else if (!t->by_device && (r->no_room || (t->left && !t->keep)))
		world_undrain(w, tier);
	return t->state != TIER_ONLINE;
}
