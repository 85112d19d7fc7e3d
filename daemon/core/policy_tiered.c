// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tiered engine: the fast tier is filled by temperature. Above the high mark the coldest go
 * down to the low mark; below the low mark there is room, and pages that are away but hotter than
 * the coldest resident page come back. There is no threshold: only the marks, and one page compared
 * with another.
 */
#include "daemon/core/world.h"

/*
 * Looking through what is away costs a few ns per page, so it is done seldom where it finds
 * nothing.
 */
#define LOOK_FIRST_US 1000000ULL
#define LOOK_LONGEST_US 64000000ULL
enum { HEAT_BUCKETS = 256, HEAT_SHIFT = 8 };

struct look {
	unsigned int tier;			/* the home looked at */
	uint32_t away[HEAT_BUCKETS];		/* pages that are away, by temperature */
	uint32_t coldest;			/* bucket of the coldest resident page */
	uint32_t cut;				/* bucket from which pages come back */
	struct plan *plan;
};

typedef bool look_fn(struct look *l, struct policy *p, struct range *r, uint64_t i, uint64_t word,
		     uint64_t now_us);

/*
 * Calls fn for every page of the policy's ranges whose home is the tier looked at, until it returns
 * false.
 */
static void look_at(struct look *l, struct policy *p, uint64_t now_us, look_fn *fn)
{
	struct range *r;
	radix_word *words = NULL;
	uint64_t i, vpn;

	LIST_EACH(node, &p->ranges) {
		r = container_of(node, struct range, in_policy);
		if (!r->addr || r->home != l->tier)
			continue;
		for (i = 0, vpn = range_first_vpn(r); i < range_pages(r); i++, vpn++) {
			if (!i || !ledger_index(vpn, 0))
				words = radix_find(&r->space->mirror, vpn) - ledger_index(vpn, 0);
			if (!fn(l, p, r, i,
				atomic_load_explicit(&words[ledger_index(vpn, 0)],
						     memory_order_relaxed),
				now_us))
				return;
		}
	}
}

static bool count_page(struct look *l, struct policy *p, struct range *r, uint64_t i, uint64_t word,
		       uint64_t now_us)
{
	uint32_t bucket = r->heat[i].value >> HEAT_SHIFT;

	(void)p;
	(void)now_us;
	if (page_word_state(word) == PAGE_DEVICE)
		l->away[bucket]++;
	else if (page_word_state(word) == PAGE_RESIDENT && bucket < l->coldest)
		l->coldest = bucket;
	return true;
}

static bool bring_page(struct look *l, struct policy *p, struct range *r, uint64_t i, uint64_t word,
		       uint64_t now_us)
{
	struct move m = { .range = r, .vpn = range_first_vpn(r) + i, .pages = 1, .kind = MOVE_FILL,
			  .reason = REASON_POLICY, .tier = (uint8_t)l->tier };
	uint32_t bucket = r->heat[i].value >> HEAT_SHIFT;

	if (page_word_state(word) != PAGE_DEVICE || (word & (PAGE_STAY | PAGE_COLD)) ||
	    bucket < l->cut || !l->away[bucket])
		return true;
	if (pool_free_bytes(&r->space->account->pools[l->tier]) < LEDGER_PAGE_SIZE)
		return true;
	if (l->plan->n == PLAN_MOVES || !policy_pay(p, LEDGER_PAGE_SIZE, now_us))
		return false;
	l->away[bucket]--;
	plan_add(l->plan, &m);
	return true;
}

/*
 * Finds the cut: the hottest pages that fit, all hotter than the coldest resident one. Returns how
 * many come back.
 */
static uint64_t find_cut(struct look *l, uint64_t room)
{
	uint32_t bucket = HEAT_BUCKETS, take;
	uint64_t chosen = 0;

	for (l->cut = bucket; bucket-- > 0 && bucket > l->coldest && chosen < room;) {
		take = l->away[bucket] < room - chosen ? l->away[bucket]
						       : (uint32_t)(room - chosen);
		l->away[bucket] = take;
		chosen += take;
		l->cut = bucket;
	}
	return chosen;
}

static bool has_away(const struct world *w, const struct policy *p, unsigned int home)
{
	LIST_EACH(node, &p->ranges) {
		const struct range *r = container_of(node, struct range, in_policy);
		unsigned int i;

		for (i = 0; r->home == home && i < w->n_tiers; i++)
			if (!tier_is_resident(&w->tiers[i]) &&
			    atomic_load_explicit(&r->tier_bytes[i], memory_order_relaxed))
				return true;
	}
	return false;
}

static bool bring_back(struct world *w, struct policy *p, unsigned int tier, uint64_t now_us,
		       struct plan *plan)
{
	struct look l = { .tier = tier, .coldest = HEAT_BUCKETS, .plan = plan };
	uint64_t room = tier_under_low(&w->tiers[tier]) / LEDGER_PAGE_SIZE;
	size_t before = plan->n;

	if (!room || !has_away(w, p, tier))
		return false;
	look_at(&l, p, now_us, count_page);
	if (l.coldest == HEAT_BUCKETS)
		l.coldest = 0;
	if (find_cut(&l, room))
		look_at(&l, p, now_us, bring_page);
	return plan->n > before;
}

static void tiered_plan(struct world *w, struct policy *p, uint64_t now_us, struct plan *plan)
{
	bool found = false;
	unsigned int i;

	policy_relieve(w, p, now_us, plan);
	if (now_us < p->look_at_us || list_empty(&p->ranges))
		return;
	for (i = 0; i < w->n_tiers; i++)
		if (tier_is_resident(&w->tiers[i]) && w->tiers[i].state == TIER_ONLINE)
			found |= bring_back(w, p, i, now_us, plan);
	p->look_wait_us = found || !p->look_wait_us ? LOOK_FIRST_US : p->look_wait_us * 2;
	if (p->look_wait_us > LOOK_LONGEST_US)
		p->look_wait_us = LOOK_LONGEST_US;
	p->look_at_us = now_us + p->look_wait_us;
}

const struct policy_engine policy_tiered = { ENGINE_TIERED, "tiered", tiered_plan };
