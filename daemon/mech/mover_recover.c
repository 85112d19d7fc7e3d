// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * After a restart: every page word to rest, as page_recovery() says, and into the books, which start
 * empty. Words are reserved first, for all clients (mover_reserve), so that no slot with contents is handed
 * out; then recovered one by one. Doing it twice is harmless, so dying in the middle is too.
 */
#include <errno.h>

#include "daemon/mech/mover_own.h"

int mover_reserve(struct mover_device *devices, uint64_t word)
{
	if (!mover_has_slot(devices, word))
		return 0;
	if (devices[page_word_tier(word)].fresh)
		return -ERANGE;
	return slots_take_at(devices[page_word_tier(word)].slots, page_word_slot(word));
}

static void book(struct page_at *a)
{
	unsigned int tier = page_word_tier(a->seen);

	pool_force(mover_pool(a->range, tier), LEDGER_PAGE_SIZE);
	range_account(a->range, TIER_NOWHERE, tier);
}

static int rest_and_wake(struct mover *m, struct page_at *a)
{
	int r = m->mech->ops->wake(m->mech, &a->page);

	if (page_word_state(a->seen) == PAGE_RESIDENT || page_word_state(a->seen) == PAGE_DEVICE)
		book(a);
	return mover_outcome_of(r);
}

static int recover_thaw(struct mover *m, struct page_at *a)
{
	unsigned int tier = page_word_tier(a->seen);
	int r = m->mech->ops->thaw(m->mech, &a->page);

	if (page_word_state(a->seen) == PAGE_EVICTING)
		page_settle(a, PAGE_ABORTING, tier, 0);
	if (page_word_state(a->seen) == PAGE_ABORTING)
		page_settle(a, PAGE_RESIDENT, tier, 0);
	return rest_and_wake(m, a) ?: mover_outcome_of(r);
}

/* A page that cannot be punched equals its slot and stays frozen: the next write fault fills and thaws it. */
static int recover_punch(struct mover *m, struct page_at *a)
{
	int r = m->mech->ops->punch(m->mech, &a->page);

	if (page_word_state(a->seen) == PAGE_COMMITTING)
		page_settle(a, PAGE_DEVICE, page_word_tier(a->seen), page_word_slot(a->seen));
	return rest_and_wake(m, a) ?: mover_outcome_of(r);
}

/* What is whole in the file may have been written since, and is not put in place again: that could be refused. */
static int recover_fill(struct mover *m, struct page_at *a, bool in_file)
{
	unsigned int home = atomic_load(&a->range->home);

	book(a);
	pool_force(mover_pool(a->range, home), LEDGER_PAGE_SIZE);
	if (!in_file)
		return mover_finish_fill(m, a, home);
	(void)m->mech->ops->thaw(m->mech, &a->page);
	return mover_filled(m, a, home);
}

static int recover_zero(struct mover *m, struct page_at *a, bool in_file)
{
	unsigned int tier = page_word_tier(a->seen);
	uint64_t old = a->seen;
	int r = 0;

	if (page_word_state(old) == PAGE_DISCARDING) {
		r = m->mech->ops->punch(m->mech, &a->page);
		page_settle(a, PAGE_ABSENT, 0, 0);
		if (mover_has_slot(m->devices, old))
			mover_free_slot(m->devices, tier, page_word_slot(old));
	} else if (in_file) {
		page_settle(a, PAGE_RESIDENT, tier, 0);
	} else {
		page_settle(a, PAGE_ABSENT, 0, 0);
	}
	return rest_and_wake(m, a) ?: mover_outcome_of(r);
}

static void to_filling(struct page_at *a)
{
	unsigned int tier = page_word_tier(a->seen);
	uint32_t slot = page_word_slot(a->seen);

	if (page_word_state(a->seen) == PAGE_COMMITTING)
		page_settle(a, PAGE_DEVICE, tier, slot);
	if (page_word_state(a->seen) == PAGE_DEVICE)
		page_settle(a, PAGE_FILLING, tier, slot);
}

/* The slot is not on the device any more: what is whole in the file is kept, all else is gone. */
static int recover_lost(struct mover *m, struct page_at *a, bool in_file)
{
	unsigned int home = atomic_load(&a->range->home);

	if (page_word_state(a->seen) == PAGE_DISCARDING) {
		(void)m->mech->ops->punch(m->mech, &a->page);
		page_settle(a, PAGE_ABSENT, 0, 0);
		return rest_and_wake(m, a);
	}
	to_filling(a);
	if (in_file) {
		(void)m->mech->ops->thaw(m->mech, &a->page);
		page_settle(a, PAGE_RESIDENT, home, 0);
		return rest_and_wake(m, a);
	}
	page_settle(a, PAGE_POISONED, home, 0);
	if (m->mech->ops->poison(m->mech, &a->page))
		(void)m->mech->ops->wake(m->mech, &a->page);
	return MOVER_E_POISONED;
}

static bool slot_is_there(struct mover *m, uint64_t word)
{
	return mover_reserve(m->devices, word) != -ERANGE;
}

int mover_recover(struct mover *m, struct range *r, uint64_t vpn)
{
	struct page_at a;
	int in_file, rc = page_at(r, vpn, &a);

	if (rc)
		return rc;
	if (page_recovery(a.seen, false) == PAGE_RECOVER_NOTHING)
		return mover_outcome_of(m->mech->ops->wake(m->mech, &a.page));
	in_file = m->mech->ops->present(m->mech, &a.page);
	if (in_file < 0)
		return MOVER_E_UNKNOWN;
	if (!slot_is_there(m, a.seen))
		return recover_lost(m, &a, in_file);
	switch (page_recovery(a.seen, in_file)) {
	case PAGE_RECOVER_THAW:
		return recover_thaw(m, &a);
	case PAGE_RECOVER_PUNCH:
		return recover_punch(m, &a);
	case PAGE_RECOVER_FILL:
		return recover_fill(m, &a, in_file);
	case PAGE_RECOVER_ZERO:
		return recover_zero(m, &a, in_file);
	default:
		return rest_and_wake(m, &a);
	}
}
