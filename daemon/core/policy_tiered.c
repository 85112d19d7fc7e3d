// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tiered engine: the fast tier is filled by temperature. Above the high mark the coldest go
 * down to the low mark; below the low mark there is room, and pages that are away but hotter than
 * the coldest resident page come back. Pages on a slower node are touched there without a fault, so
 * nothing but temperature brings them back: where there is no room for them they change places with
 * colder ones. There is no threshold: only the marks, and one page compared with another.
 */
#include "daemon/core/adopted.h"
#include "daemon/core/world.h"

/*
 * Looking through what is away costs a few ns per page, so it is done seldom where it finds
 * nothing.
 */
#define LOOK_FIRST_US 1000000ULL
#define LOOK_LONGEST_US 64000000ULL
/*
 * Pages change places for a difference that more than one sample has made (heat.h: a sample moves a
 * temperature by a quarter): an exchange costs two moves, and the next sample may say otherwise.
 */
enum { EXCHANGE_BUCKETS = HEAT_BUCKETS / 4 };

struct look {
	unsigned int tier;			/* the home looked at */
	uint32_t devices, nodes;		/* bit masks: tiers that are devices; nodes that come after it */
	uint32_t away[HEAT_BUCKETS];		/* pages that are away, by temperature */
	uint32_t slow[HEAT_BUCKETS];		/* those of them on nodes */
	uint32_t here[HEAT_BUCKETS];		/* pages at home that may go */
	uint32_t coldest;			/* bucket of the coldest resident page */
	uint32_t cut;				/* bucket from which pages come back */
	struct plan *plan;
};

typedef bool look_fn(struct look *l, struct policy *p, struct range *r, uint64_t vpn, uint64_t word,
		     uint64_t now_us);

/*
 * Calls fn for every page of the policy's ranges whose home is the tier looked at, until it returns
 * false.
 */
static void look_at(struct look *l, struct policy *p, uint64_t now_us, look_fn *fn)
{
	struct range *r;
	radix_word *words = NULL;
	uint64_t vpn, last;

	LIST_EACH(node, &p->ranges) {
		r = container_of(node, struct range, in_policy);
		if (!range_can_move(r) || r->home != l->tier || !range_pages(r))
			continue;
		vpn = range_first_vpn(r);
		last = vpn + range_pages(r) - 1;
		for (words = NULL; vpn <= last; vpn++) {
			if (!words || !ledger_index(vpn, 0)) {
				vpn = radix_next(&r->space->mirror, vpn, last);
				if (vpn > last)
					break;
				words = radix_find(&r->space->mirror, vpn) - ledger_index(vpn, 0);
			}
			if (range_heat(r, vpn) &&
			    !fn(l, p, r, vpn,
				atomic_load_explicit(&words[ledger_index(vpn, 0)],
						     memory_order_relaxed),
				now_us))
				return;
		}
	}
}

/* In managed memory on a slower node, where only a tracker tells how warm it is. */
static bool is_slow(const struct look *l, const struct range *r, uint64_t word)
{
	return page_word_state(word) == PAGE_RESIDENT && (l->nodes >> page_word_tier(word) & 1) &&
	       range_is_tracked(r);
}

/* On a device: hmmd's own, or one that the kernel driver has put it on. */
static bool is_on_device(const struct look *l, uint64_t word)
{
	return page_word_state(word) == PAGE_DEVICE ||
	       (page_word_state(word) == PAGE_ADOPTED && (l->devices >> page_word_tier(word) & 1));
}

/* Whoever was told otherwise must not take the place of one that comes. */
static bool wanted_back(uint64_t word)
{
	return !(word & (PAGE_STAY | PAGE_COLD));
}

static bool count_page(struct look *l, struct policy *p, struct range *r, uint64_t vpn, uint64_t word,
		       uint64_t now_us)
{
	uint32_t bucket = range_heat(r, vpn)->value >> HEAT_SHIFT;
	bool held = heat_held_by_hand(range_heat(r, vpn), now_us, p->config.min_residency_us);
	bool movable = page_movable(word) && !held, slow = is_slow(l, r, word);
	bool wanted = wanted_back(word) && !held && (!slow || movable);

	if (slow || is_on_device(l, word)) {
		l->away[bucket] += wanted;
		l->slow[bucket] += slow && wanted;
	} else if (page_word_tier(word) == l->tier &&
		   (page_word_state(word) == PAGE_RESIDENT || page_word_state(word) == PAGE_ADOPTED)) {
		l->here[bucket] += movable;
		if (bucket < l->coldest)
			l->coldest = bucket;
	}
	return true;
}

static bool bring_page(struct look *l, struct policy *p, struct range *r, uint64_t vpn, uint64_t word,
		       uint64_t now_us)
{
	struct move m = { .range = r, .vpn = vpn, .pages = 1,
			  .kind = page_word_state(word) == PAGE_DEVICE ? MOVE_FILL : MOVE_NODE,
			  .reason = REASON_POLICY, .tier = (uint8_t)l->tier };
	uint32_t bucket = range_heat(r, vpn)->value >> HEAT_SHIFT;

	if (!is_on_device(l, word) && !(is_slow(l, r, word) && page_movable(word)))
		return true;
	if (!wanted_back(word) || bucket < l->cut || !l->away[bucket] ||
	    heat_held_by_hand(range_heat(r, vpn), now_us, p->config.min_residency_us))
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

/* How many of the hottest on slower nodes are worth the place of as many of the coldest here. */
static uint64_t worth_exchange(struct look *l)
{
	uint32_t hot = HEAT_BUCKETS - 1, cold = 0, n;
	uint64_t pages = 0;

	while (hot >= cold + EXCHANGE_BUCKETS) {
		n = l->slow[hot] < l->here[cold] ? l->slow[hot] : l->here[cold];
		l->slow[hot] -= n;
		l->here[cold] -= n;
		pages += n;
		if (!l->slow[hot])
			hot--;
		else
			cold++;
	}
	return pages;
}

/* Where pages whose home is this tier are away from it. */
static void find_below(struct look *l, const struct world *w, const struct policy *p)
{
	bool after = false;
	unsigned int i;

	for (i = 0; i < w->n_tiers; i++)
		if (!tier_is_resident(&w->tiers[i]))
			l->devices |= 1U << i;
	for (i = 0; i < p->n_order; i++) {
		if (after && tier_is_resident(&w->tiers[p->order[i]]))
			l->nodes |= 1U << p->order[i];
		after |= p->order[i] == l->tier;
	}
}

static bool has_on(const struct look *l, uint32_t tiers, const struct world *w,
		   const struct policy *p)
{
	LIST_EACH(node, &p->ranges) {
		const struct range *r = container_of(node, struct range, in_policy);
		unsigned int i;

		for (i = 0; r->home == l->tier && i < w->n_tiers; i++)
			if ((tiers >> i & 1) &&
			    atomic_load_explicit(&r->tier_bytes[i], memory_order_relaxed))
				return true;
	}
	return false;
}

/* True when it is worth looking again soon: what is on slower nodes warms up with no fault to tell. */
static bool bring_back(struct world *w, struct policy *p, unsigned int tier, uint64_t now_us,
		       struct plan *plan)
{
	struct look l = { .tier = tier, .coldest = HEAT_BUCKETS, .plan = plan };
	uint64_t room = tier_under_low(&w->tiers[tier]) / LEDGER_PAGE_SIZE, exchange;
	size_t before = plan->n;

	find_below(&l, w, p);
	if ((!room && !l.nodes) || !has_on(&l, l.devices | l.nodes, w, p))
		return false;
	look_at(&l, p, now_us, count_page);
	if (l.coldest == HEAT_BUCKETS)
		l.coldest = 0;
	exchange = worth_exchange(&l);
	if (find_cut(&l, room))
		look_at(&l, p, now_us, bring_page);
	if (exchange > room)
		policy_make_room(w, p, tier, exchange - room, now_us, plan);
	return plan->n > before || has_on(&l, l.nodes, w, p);
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
