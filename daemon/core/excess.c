// SPDX-License-Identifier: GPL-2.0-or-later
/* What programs put into the files of managed ranges by themselves (excess.h). */
#include "daemon/core/world.h"

static uint64_t given(const struct pool *p)
{
	return atomic_load_explicit(&p->given, memory_order_relaxed);
}

/* Acquired: whoever has given back before this has counted it as given. */
static uint64_t used(const struct pool *p)
{
	return atomic_load_explicit(&p->used, memory_order_acquire);
}

static uint64_t in_memory(const struct account *a, const struct world *w, uint64_t (*of)(const struct pool *))
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < a->n_pools; i++)
		if (tier_is_resident(&w->tiers[i]))
			sum += of(&a->pools[i]);
	return sum;
}

void excess_begin(struct account *a, const struct world *w, uint64_t now_us, struct excess_count *ret)
{
	struct excess *e = &a->excess;

	if (now_us - e->freed_us >= EXCESS_EMPTY_US) {
		e->freed_before = e->freed;
		e->freed = a->freed;
		e->freed_us = now_us;
	}
	*ret = (struct excess_count){ .given = in_memory(a, w, given), .freed = e->freed_before };
}

static void charge(struct account *a, unsigned int tier, uint64_t bytes)
{
	struct excess *e = &a->excess;

	if (bytes == e->charged && (!bytes || tier == e->tier))
		return;
	if (bytes)
		pool_force_alone(&a->pools[tier], bytes);
	if (e->charged)
		pool_give_alone(&a->pools[e->tier], e->charged);
	e->charged = bytes;
	e->tier = (uint8_t)tier;
}

static enum excess_news news(struct excess *e, uint64_t now_us)
{
	bool told = e->told;

	if (e->charged) {
		e->seen_us = now_us;
		e->told = true;
		return told ? EXCESS_NEWS_NONE : EXCESS_NEWS_BEGINS;
	}
	if (!told || now_us - e->seen_us < EXCESS_QUIET_US)
		return EXCESS_NEWS_NONE;
	e->told = false;
	return EXCESS_NEWS_OVER;
}

/* Less than a huge page is what a fill leaves behind that ended for want of memory. */
static uint64_t beyond(uint64_t bytes, uint64_t ours)
{
	return bytes > ours && bytes - ours >= LEDGER_PAGE_SIZE ? bytes - ours : 0;
}

enum excess_news excess_end(struct account *a, const struct world *w, const struct excess_count *c, uint64_t bytes,
			    unsigned int tier, uint64_t now_us)
{
	uint64_t ours = in_memory(a, w, used) - a->excess.charged, before = a->excess.found;

	ours += in_memory(a, w, given) - c->given + a->freed - c->freed;
	a->excess.found = beyond(bytes, ours);
	charge(a, tier, a->excess.found < before ? a->excess.found : before);
	return news(&a->excess, now_us);
}

bool excess_wants_count(const struct account *a)
{
	return a->excess.found > a->excess.charged;
}

bool excess_is_over(const struct account *a, const struct world *w)
{
	const struct pool *p = &a->pools[a->excess.tier];
	uint64_t limit = atomic_load_explicit(&p->limit, memory_order_relaxed);
	uint64_t whole = tier_promised(&w->tiers[a->excess.tier]);

	if (whole < limit)
		limit = whole;
	return a->excess.charged && atomic_load_explicit(&p->used, memory_order_relaxed) > limit;
}

void excess_drop(struct account *a)
{
	charge(a, a->excess.tier, 0);
}
