// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The one place where a page changes its state (page.h). Each row of the table is a state with the
 * set of states that may follow; a step that is not there is a mistake of ours.
 */
#include <assert.h>
#include <stddef.h>

#include "daemon/core/page.h"

#define TO(state) (1U << (state))

static const uint16_t steps[PAGE_STATES] = {
	[PAGE_ABSENT] = TO(PAGE_ZEROING) | TO(PAGE_DISCARDING) | TO(PAGE_ADOPTED),
	[PAGE_ZEROING] = TO(PAGE_RESIDENT) | TO(PAGE_ABSENT),
	/* ABORTING: a write met a page still protected; ZEROING: the client punched its file;
	   RESIDENT: another node. */
	[PAGE_RESIDENT] = TO(PAGE_EVICTING) | TO(PAGE_ABORTING) | TO(PAGE_DISCARDING) |
			  TO(PAGE_ZEROING) | TO(PAGE_RESIDENT),
	[PAGE_EVICTING] = TO(PAGE_COMMITTING) | TO(PAGE_ABORTING),
	[PAGE_ABORTING] = TO(PAGE_RESIDENT),
	[PAGE_COMMITTING] = TO(PAGE_DEVICE),
	[PAGE_DEVICE] = TO(PAGE_FILLING) | TO(PAGE_DISCARDING),
	/* DEVICE: no room or no memory; the slot still has everything. */
	[PAGE_FILLING] = TO(PAGE_RESIDENT) | TO(PAGE_DEVICE) | TO(PAGE_POISONED),
	[PAGE_DISCARDING] = TO(PAGE_ABSENT),
	[PAGE_POISONED] = TO(PAGE_DISCARDING),
	/* ABSENT: the program has unmapped it, or it was swapped out. */
	[PAGE_ADOPTED] = TO(PAGE_ADOPTED) | TO(PAGE_ABSENT),
};

static const char *const names[PAGE_STATES] = {
	"absent", "zeroing", "resident", "evicting", "aborting", "committing",
	"device", "filling", "discarding", "poisoned", "adopted"
};

enum { TIER_SHIFT = 4, SLOT_SHIFT = 32 };
#define GENERATION_MASK 0xffff0000ULL

bool page_allowed(enum page_state from, enum page_state to)
{
	return (unsigned int)from < PAGE_STATES && (unsigned int)to < PAGE_STATES &&
	       (steps[from] & TO(to));
}

bool page_step(radix_word *word, uint64_t *seen, enum page_state to, unsigned int tier,
	       uint32_t slot)
{
	uint64_t next = (uint64_t)to | (uint64_t)tier << TIER_SHIFT | (uint64_t)slot << SLOT_SHIFT;

	assert(page_allowed(page_word_state(*seen), to));
	assert(tier < HMM_LIMIT_TIERS);
	next |= *seen & PAGE_FLAGS;
	next |= (*seen + PAGE_GENERATION_ONE) & GENERATION_MASK;
	if (!atomic_compare_exchange_strong_explicit(word, seen, next, memory_order_acq_rel,
						     memory_order_acquire))
		return false;
	*seen = next;
	return true;
}

uint64_t page_flag(radix_word *word, uint64_t set, uint64_t clear)
{
	uint64_t seen = atomic_load_explicit(word, memory_order_relaxed), next;

	assert(!((set | clear) & ~PAGE_FLAGS));
	do {
		next = (seen & ~clear) | set;
	} while (!atomic_compare_exchange_weak_explicit(word, &seen, next, memory_order_acq_rel,
							memory_order_relaxed));
	return next;
}

bool page_evictable(uint64_t word)
{
	return page_word_state(word) == PAGE_RESIDENT && !(word & (PAGE_PINNED | PAGE_STAY));
}

bool page_movable(uint64_t word)
{
	return page_evictable(word) ||
	       (page_word_state(word) == PAGE_ADOPTED && !(word & (PAGE_PINNED | PAGE_STAY)));
}

bool page_word_sane(uint64_t word, unsigned int n_tiers)
{
	return (word & 0xf) < PAGE_STATES && page_word_tier(word) < n_tiers;
}

void page_repair(radix_word *word, enum page_state to, unsigned int tier)
{
	uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);

	atomic_store_explicit(word,
			      (uint64_t)to | (uint64_t)tier << TIER_SHIFT |
				      ((seen + PAGE_GENERATION_ONE) & GENERATION_MASK),
			      memory_order_release);
}

const char *page_state_name(enum page_state state)
{
	return (unsigned int)state < PAGE_STATES ? names[state] : "damaged";
}

enum page_recovery page_recovery(uint64_t word, bool in_file)
{
	switch (page_word_state(word)) {
	case PAGE_RESIDENT:
	case PAGE_EVICTING:
	case PAGE_ABORTING:
		return PAGE_RECOVER_THAW;
	case PAGE_COMMITTING:
		return PAGE_RECOVER_PUNCH;
	case PAGE_DEVICE:
		return in_file ? PAGE_RECOVER_PUNCH : PAGE_RECOVER_WAKE;
	case PAGE_FILLING:
		return PAGE_RECOVER_FILL;
	case PAGE_ZEROING:
	case PAGE_DISCARDING:
		return PAGE_RECOVER_ZERO;
	default:
		return PAGE_RECOVER_NOTHING;
	}
}
