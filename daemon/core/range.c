// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ranges (range.h): who may hold one, where its pages may be. Holding and dying look at each
 * other's word after writing their own, so both are sequentially consistent.
 */
#include <assert.h>

#include "daemon/core/adopted.h"
#include "daemon/core/range.h"
#include "daemon/core/world.h"

bool range_hold(struct range *r)
{
	atomic_fetch_add(&r->holders, 1);
	if (!atomic_load(&r->dying))
		return true;
	atomic_fetch_sub(&r->holders, 1);
	return false;
}

void range_drop(struct range *r)
{
	uint32_t holders = atomic_fetch_sub(&r->holders, 1);

	assert(holders > 0);
	(void)holders;
}

bool range_can_move(const struct range *r)
{
	return r->addr && !r->space->held_up;
}

static bool may_be_home(const struct world *w, unsigned int tier)
{
	return tier_is_resident(&w->tiers[tier]) && w->tiers[tier].state == TIER_ONLINE;
}

unsigned int range_home(const struct range *r, const struct world *w)
{
	const struct policy *p = r->policy;
	unsigned int i;

	if (r->advised != TIER_NOWHERE && may_be_home(w, r->advised))
		return r->advised;
	if (r->prefer != TIER_NOWHERE && may_be_home(w, r->prefer))
		return r->prefer;
	for (i = 0; i < p->n_order; i++)
		if (may_be_home(w, p->order[i]))
			return p->order[i];
	for (i = 0; i < w->n_tiers; i++)
		if (may_be_home(w, i))
			return i;
	return TIER_NOWHERE;
}

void range_rehome(struct range *r, const struct world *w)
{
	unsigned int home = range_home(r, w);

	if (home != TIER_NOWHERE)
		atomic_store(&r->home, (uint8_t)home);
}

int range_prefer(struct range *r, const struct world *w, unsigned int tier, uint64_t vpn,
		 uint64_t pages)
{
	if (atomic_load(&r->home) != tier && range_clip(r, vpn, pages) != r->size)
		return 1;
	r->advised = (uint8_t)tier;
	range_rehome(r, w);
	return 0;
}

void range_prefer_end(struct range *r, const struct world *w, uint64_t vpn, uint64_t pages)
{
	if (r->advised == TIER_NOWHERE || range_clip(r, vpn, pages) != r->size)
		return;
	r->advised = TIER_NOWHERE;
	range_rehome(r, w);
}

static void add_lower(struct range *r, const struct world *w, unsigned int tier)
{
	const struct tier *t = &w->tiers[tier];

	if (tier_is_resident(t) || tier_is_managed(t) != (r->kind == RANGE_MANAGED) ||
	    (r->reach & 1U << tier))
		return;
	r->lower[r->n_lower++] = (uint8_t)tier;
	r->reach |= 1U << tier;
}

/* Other nodes count only where the engine moves pages to them by itself. */
void range_place(struct range *r, const struct world *w)
{
	const struct policy *p = r->policy;
	unsigned int i;

	r->reach = 0;
	r->n_lower = 0;
	r->advised = TIER_NOWHERE;
	if (r->prefer != TIER_NOWHERE)
		add_lower(r, w, r->prefer);
	for (i = 0; i < p->n_order; i++)
		add_lower(r, w, p->order[i]);
	range_rehome(r, w);
	r->reach |= 1U << r->home;
	for (i = 0; p->config.engine == ENGINE_TIERED && i < p->n_order; i++)
		if (tier_is_resident(&w->tiers[p->order[i]]))
			r->reach |= 1U << p->order[i];
}

uint64_t range_clip(const struct range *r, uint64_t vpn, uint64_t pages)
{
	uint64_t start = vpn << LEDGER_PAGE_SHIFT, end = (vpn + pages) << LEDGER_PAGE_SHIFT;

	if (start < r->addr)
		start = r->addr;
	if (end > range_end(r))
		end = range_end(r);
	return end > start ? end - start : 0;
}

void range_filled(struct range *r, uint64_t vpn, uint64_t now_us, bool touched)
{
	struct heat *h = range_heat(r, vpn);
	struct heat_window *window = &r->space->window;

	if (!h)
		return;
	if (!touched) {
		heat_brought(h, now_us);
		return;
	}
	if (h->away && !range_is_tracked(r))
		heat_window_refault(window, heat_age_us(h, now_us));
	heat_filled(h, now_us, window->us);
}

static bool is_in(uint64_t word, unsigned int tier)
{
	return page_word_tier(word) == tier &&
	       (page_word_state(word) == PAGE_RESIDENT || page_word_state(word) == PAGE_DEVICE ||
		page_word_state(word) == PAGE_ADOPTED);
}

void range_by_hand(struct range *r, uint64_t vpn, unsigned int tier, bool moved, uint64_t now_us)
{
	struct heat *h = range_heat(r, vpn);
	bool there = h && is_in(adopted_word(r, vpn), tier);

	if (there && moved)
		heat_by_hand(h, tier, now_us);
	else if (h && !(there && h->hand == tier + 1))
		h->hand = 0;
}

bool range_undone(struct range *r, uint64_t vpn, unsigned int *ret_tier)
{
	struct heat *h = range_heat(r, vpn);

	if (!h || !h->hand || is_in(adopted_word(r, vpn), h->hand - 1U))
		return false;
	*ret_tier = h->hand - 1U;
	h->hand = 0;
	return true;
}

bool range_is_tracked(const struct range *r)
{
	return r->kind == RANGE_MANAGED && r->policy->config.track &&
	       r->policy->config.engine == ENGINE_TIERED;
}

void range_account(struct range *r, unsigned int from, unsigned int to)
{
	struct pool *pools = r->space->account->pools;
	bool moved = from != TIER_NOWHERE && to != TIER_NOWHERE;

	if (from == to)
		return;
	if (from != TIER_NOWHERE) {
		atomic_fetch_sub_explicit(&r->tier_bytes[from], LEDGER_PAGE_SIZE,
					  memory_order_relaxed);
		pool_count(&pools[from], 0, moved ? LEDGER_PAGE_SIZE : 0);
	}
	if (to != TIER_NOWHERE) {
		atomic_fetch_add_explicit(&r->tier_bytes[to], LEDGER_PAGE_SIZE,
					  memory_order_relaxed);
		pool_count(&pools[to], moved ? LEDGER_PAGE_SIZE : 0, 0);
	}
}
