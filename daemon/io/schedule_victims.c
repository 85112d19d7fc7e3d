// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims in time: a thread that needs room takes the next queued victim and must never wait for a
 * ranking. A pool is looked at when it is nearly full; ranking reads every page word of its uid, some
 * nanoseconds each, so it is done only when the queue runs low, and once a second for fresh temperatures.
 */
#include "daemon/io/daemon.h"
#include "daemon/io/schedule_own.h"

enum {
	VICTIMS_LOW = POOL_VICTIMS / 4,		/* queued */
	PAGES_NEAR = POOL_VICTIMS / 2		/* free pages: fewer, and a pool counts as nearly full */
};

static bool nearly_full(const struct pool *p)
{
	uint64_t used = atomic_load_explicit(&p->used, memory_order_relaxed);
	uint64_t limit = atomic_load_explicit(&p->limit, memory_order_relaxed);

	return used && (used >= limit || limit - used < PAGES_NEAR * LEDGER_PAGE_SIZE);
}

static void refill_pool(struct daemon *d, struct pool *p, unsigned int tier, uint32_t uid, uint64_t now_us, bool anew)
{
	if (anew)
		pool_forget_victims(p);
	if (ring_count(p->victims) < VICTIMS_LOW)
		policy_rank(d->world, tier, uid, now_us, POOL_VICTIMS);
}

/* Where the kernel is short, who waits for a page gives one of its own first. */
static bool pays_first(const struct world *w, const struct tier *t, const struct account *a)
{
	if (!atomic_load(&t->shortage.on) || !atomic_load(&a->pools[t->index].used))
		return false;
	LIST_EACH(node, &w->spaces) {
		const struct space *s = container_of(node, struct space, in_world);

		if (s->account == a && atomic_load(&s->waiting.faults))
			return true;
	}
	return false;
}

/* all: tiers that are not nearly full too, since the kernel itself may have no page left. */
void schedule_refill(struct daemon *d, uint64_t now_us, bool all, bool anew)
{
	struct world *w = d->world;
	unsigned int i;

	for (i = 0; i < w->n_tiers; i++) {
		if (!tier_is_resident(&w->tiers[i]))
			continue;
		if (nearly_full(&w->tiers[i].pool) || (all && atomic_load(&w->tiers[i].pool.used)))
			refill_pool(d, &w->tiers[i].pool, i, UINT32_MAX, now_us, anew);
		LIST_EACH(node, &w->accounts) {
			struct account *a = container_of(node, struct account, in_world);

			if (i < a->n_pools && (nearly_full(&a->pools[i]) || (all && pays_first(w, &w->tiers[i], a))))
				refill_pool(d, &a->pools[i], i, a->uid, now_us, anew);
		}
	}
}
