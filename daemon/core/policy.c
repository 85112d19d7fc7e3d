// SPDX-License-Identifier: GPL-2.0-or-later
/* Policies (policy.h): from values to engine, budget and order; what the engines share. */
#include <errno.h>
#include <string.h>

#include "daemon/core/rank.h"
#include "daemon/core/world.h"

static const struct policy_engine *const engines[] = { &policy_tiered, &policy_static };
enum { N_ENGINES = sizeof(engines) / sizeof(*engines) };

const struct policy_engine *policy_engine(enum engine engine)
{
	unsigned int i;

	for (i = 0; i < N_ENGINES; i++)
		if (engines[i]->id == engine)
			return engines[i];
	return NULL;
}

const char *engine_name(enum engine engine)
{
	const struct policy_engine *e = policy_engine(engine);

	return e ? e->name : NULL;
}

int engine_by_name(const char *name, enum engine *ret)
{
	unsigned int i;

	for (i = 0; i < N_ENGINES; i++)
		if (!strcmp(engines[i]->name, name)) {
			*ret = engines[i]->id;
			return 0;
		}
	return -EINVAL;
}

static void order_from(struct policy *p, const struct world *w)
{
	unsigned int i, j;

	p->n_order = 0;
	for (i = 0; i < w->n_tiers && !p->config.n_tiers; i++)
		p->order[p->n_order++] = (uint8_t)i;
	for (i = 0; i < p->config.n_tiers; i++)
		for (j = 0; j < w->n_tiers; j++)
			if (!strcmp(p->config.tiers[i], w->tiers[j].config.name))
				p->order[p->n_order++] = (uint8_t)j;
}

void policy_apply(struct policy *p, const struct policy_config *c, const struct world *w)
{
	p->config = *c;
	p->engine = policy_engine(c->engine);
	budget_init(&p->budget, c->rate, c->burst);
	p->throttled = NULL;
	p->look_at_us = p->look_wait_us = 0;
	order_from(p, w);
}

bool policy_pay(struct policy *p, uint64_t bytes, uint64_t now_us)
{
	if (!budget_take(&p->budget, bytes, now_us))
		return true;
	p->throttled = "the rate is used up";
	return false;
}

/* No fault ever needs a slot of a device for adopted memory. */
static uint64_t reserve_of(const struct tier *t)
{
	return tier_is_managed(t) ? commit_reserve(tier_capacity(t)) : 0;
}

/*
 * Where a victim goes: to the next node of the order that has room to spare, else to the first
 * device that has. What is moved ahead of need leaves a device its reserve: that is for faults.
 */
static bool demotion(const struct world *w, const struct victim *v, unsigned int from,
		     struct move *m)
{
	const struct policy *p = v->range->policy;
	const struct pool *pools = v->range->space->account->pools;
	unsigned int i;
	bool below = false;

	m->kind = MOVE_NODE;
	for (i = 0; p->config.engine == ENGINE_TIERED && i < p->n_order; i++) {
		m->tier = p->order[i];
		if (below && tier_is_resident(&w->tiers[m->tier]) &&
		    tier_under_low(&w->tiers[m->tier]) >= LEDGER_PAGE_SIZE &&
		    pool_free_bytes(&pools[m->tier]) >= LEDGER_PAGE_SIZE)
			return true;
		below |= m->tier == from;
	}
	m->kind = MOVE_EVICT;
	for (i = 0; i < v->range->n_lower; i++) {
		m->tier = v->range->lower[i];
		if (pool_free_bytes(&pools[m->tier]) >=
		    LEDGER_PAGE_SIZE + reserve_of(&w->tiers[m->tier]))
			return true;
	}
	return false;
}

void policy_make_room(struct world *w, struct policy *p, unsigned int tier, uint64_t pages, uint64_t now_us,
		      struct plan *plan)
{
	struct rank_query q = {
		.world = w, .tier = tier, .uid = UINT32_MAX, .nodes = true, .now_us = now_us
	};
	struct victim victims[POOL_VICTIMS];
	struct move m = { .pages = 1, .reason = REASON_PRESSURE };
	unsigned int n, i;

	n = rank_select(&q, victims, pages < POOL_VICTIMS ? (unsigned int)pages : POOL_VICTIMS);
	for (i = 0; i < n && plan->n < PLAN_MOVES; i++) {
		m.range = victims[i].range;
		m.vpn = victims[i].vpn;
		if (m.range->policy != p || !demotion(w, &victims[i], tier, &m))
			continue;
		if (!policy_pay(p, LEDGER_PAGE_SIZE, now_us))
			return;
		plan_add(plan, &m);
	}
}

void policy_relieve(struct world *w, struct policy *p, uint64_t now_us, struct plan *plan)
{
	unsigned int i;

	p->throttled = NULL;
	if (list_empty(&p->ranges))
		return;
	for (i = 0; i < w->n_tiers; i++)
		if (tier_is_resident(&w->tiers[i]) && w->tiers[i].relieving)
			policy_make_room(w, p, i,
					 (tier_over_low(&w->tiers[i]) + LEDGER_PAGE_SIZE - 1) /
						 LEDGER_PAGE_SIZE,
					 now_us, plan);
}

static bool stale(const struct victim *v)
{
	radix_word *word = space_word(v->range->space, v->vpn << LEDGER_PAGE_SHIFT);

	return atomic_load(&v->range->dying) || !word ||
	       atomic_load_explicit(word, memory_order_relaxed) != v->word;
}

/* Takes out what no longer holds; what does goes to the end, in its order. */
static unsigned int drop_stale(struct pool *p)
{
	size_t n = ring_count(p->victims);
	unsigned int kept = 0;
	struct victim v;

	for (; n && ring_pop(p->victims, &v); n--)
		if (!stale(&v) && ring_push(p->victims, &v))
			kept++;
		else
			range_drop(v.range);
	return kept;
}

static struct pool *pool_of(struct world *w, unsigned int tier, uint32_t uid)
{
	if (uid == UINT32_MAX)
		return &w->tiers[tier].pool;
	LIST_EACH(node, &w->accounts) {
		struct account *a = container_of(node, struct account, in_world);

		if (a->uid == uid)
			return &a->pools[tier];
	}
	return NULL;
}

unsigned int policy_rank(struct world *w, unsigned int tier, uint32_t uid, uint64_t now_us,
			 unsigned int want)
{
	struct rank_query q = { .world = w, .tier = tier, .uid = uid, .now_us = now_us };
	struct victim victims[POOL_VICTIMS];
	struct pool *p = tier < w->n_tiers ? pool_of(w, tier, uid) : NULL;
	unsigned int n, i, queued = 0;

	if (!p || !tier_is_resident(&w->tiers[tier]))
		return 0;
	if (want > POOL_VICTIMS)
		want = POOL_VICTIMS;
	queued = drop_stale(p);
	if (queued >= want)
		return queued;
	n = rank_select(&q, victims, want);
	pool_forget_victims(p);
	for (i = 0, queued = 0; i < n; i++) {
		if (!range_hold(victims[i].range))
			continue;
		if (ring_push(p->victims, &victims[i]))
			queued++;
		else
			range_drop(victims[i].range);
	}
	return queued;
}

void pool_forget_victims(struct pool *p)
{
	struct victim v;

	while (ring_pop(p->victims, &v))
		range_drop(v.range);
}
