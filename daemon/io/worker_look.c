// SPDX-License-Identifier: GPL-2.0-or-later
/* Where memory is (worker_look.h). */
#include "daemon/core/adopted.h"
#include "daemon/core/space.h"
#include "daemon/core/world.h"
#include "daemon/io/worker_look.h"
#include "daemon/io/worker_node.h"
#include "daemon/mech/doors.h"

/*
 * The kernel has moved it, so there is room for it, whatever the limits say. Only if nobody has changed the word since
 * before it was looked at: what was seen may be from before a move of ours.
 */
static bool follow(struct range *r, uint64_t vpn, uint64_t seen, unsigned int to)
{
	struct pool *pools = r->space->account->pools;
	unsigned int from = page_word_tier(seen);

	pool_force(&pools[to], LEDGER_PAGE_SIZE);
	if (!page_step(space_word(r->space, vpn << LEDGER_PAGE_SHIFT), &seen, PAGE_RESIDENT, to, 0)) {
		pool_give(&pools[to], LEDGER_PAGE_SIZE);
		return false;
	}
	pool_give(&pools[from], LEDGER_PAGE_SIZE);
	range_account(r, from, to);
	return true;
}

static bool is_elsewhere(uint64_t word, enum page_state state, unsigned int tier)
{
	return tier != NUMA_NO_TIER && page_word_state(word) == state && page_word_tier(word) != tier;
}

/* A page that the tracker has unmapped is nowhere to the kernel's eye: it is mapped first. */
static int where(struct worker *w, struct range *r, uint64_t addr, uint8_t *ret_tier)
{
	struct mover *mover = &w->hand.mover;
	struct image of = space_image(r->space);
	struct mech_page page = mover_page(r, addr);
	int rc = numa_where(mover->numa, &of, &addr, 1, ret_tier);
	bool was;

	if (rc || *ret_tier != NUMA_NO_TIER || mover->mech->ops->map(mover->mech, &page, &was))
		return rc;
	return numa_where(mover->numa, &of, &addr, 1, ret_tier);
}

bool worker_find_page(struct worker *w, struct range *r, uint64_t vpn)
{
	uint64_t word = atomic_load_explicit(space_word(r->space, vpn << LEDGER_PAGE_SHIFT), memory_order_acquire);
	uint8_t tier;

	if (!w->hand.crew->daemon->world->many_nodes || !w->hand.mover.numa || page_word_state(word) != PAGE_RESIDENT ||
	    where(w, r, vpn << LEDGER_PAGE_SHIFT, &tier))
		return true;	/* nothing else is known */
	if (is_elsewhere(word, PAGE_RESIDENT, tier))
		follow(r, vpn, word, tier);
	return tier != NUMA_NO_TIER && w->hand.mover.mech->ops->huge;
}

/* Bit i: page i is not where its word says it is. */
static uint64_t compare(const struct move *m, const uint64_t *words, const uint8_t *tiers, uint8_t *ret_tier)
{
	bool managed = m->range->kind == RANGE_MANAGED;
	uint64_t bits = 0;

	for (uint32_t i = 0; i < m->pages; i++) {
		if (!is_elsewhere(words[i], managed ? PAGE_RESIDENT : PAGE_ADOPTED, tiers[i]))
			continue;
		if (!managed && bits && tiers[i] != *ret_tier)
			continue;
		*ret_tier = tiers[i];
		if (!managed || follow(m->range, m->vpn + i, words[i], tiers[i]))
			bits |= 1ULL << i;
	}
	return bits;
}

void worker_look(struct worker *w, const struct move *m, struct crew_result *result)
{
	uint64_t addrs[CREW_WHOLE], words[CREW_WHOLE];
	struct image of = space_image(m->range->space);
	uint8_t tiers[CREW_WHOLE];

	if (m->pages > CREW_WHOLE || !w->hand.mover.numa || atomic_load(&m->range->dying))
		return;
	for (uint32_t i = 0; i < m->pages; i++) {
		addrs[i] = (m->vpn + i) << LEDGER_PAGE_SHIFT;
		words[i] = adopted_word(m->range, m->vpn + i);
	}
	if (!numa_where(w->hand.mover.numa, &of, addrs, m->pages, tiers))
		result->whole = compare(m, words, tiers, &result->move.tier);
}
