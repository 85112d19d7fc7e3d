// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bringing a page in. The slot's memory is the source itself where the device can be used in place:
 * then the kernel's copy into the new page is the only one. The slot is given back only after the
 * word says RESIDENT, so a crash finds either the slot or the page.
 */
#include <errno.h>

#include "daemon/mech/mover_own.h"

int mover_load(struct mover *m, unsigned int tier, uint32_t slot, const void **ret_src)
{
	struct mover_device *d = &m->devices[tier];
	void *src = d->ops->map ? d->ops->map(d->device, slot) : NULL;
	int r = 0;

	if (!src) {
		src = m->staging;
		r = d->ops->read(d->device, slot, src);
	}
	if (r == -EIO)
		d->failed = true;
	if (!r)
		*ret_src = src;
	return r;
}

static void book(struct range *r, unsigned int from, unsigned int to)
{
	range_account(r, from, to);
	if (from != TIER_NOWHERE)
		pool_give(mover_pool(r, from), LEDGER_PAGE_SIZE);
}

/* The bytes are lost: later touches must not read zeros. The home's room was not used. */
static int give_up(struct mover *m, struct page_at *a, unsigned int home)
{
	unsigned int tier = page_word_tier(a->seen);
	uint32_t slot = page_word_slot(a->seen);

	page_settle(a, PAGE_POISONED, home, 0);
	mover_free_slot(m->devices, tier, slot);
	book(a->range, tier, TIER_NOWHERE);
	pool_give(mover_pool(a->range, home), LEDGER_PAGE_SIZE);
	if (m->mech->ops->poison(m->mech, &a->page))
		(void)m->mech->ops->wake(m->mech, &a->page);
	return MOVER_E_POISONED;
}

static int back_to_device(struct mover *m, struct page_at *a, unsigned int home, int r)
{
	page_settle(a, PAGE_DEVICE, page_word_tier(a->seen), page_word_slot(a->seen));
	pool_give(mover_pool(a->range, home), LEDGER_PAGE_SIZE);
	(void)m->mech->ops->wake(m->mech, &a->page);
	return mover_outcome_of(r);
}

/* Want of memory for the transfer is no loss of the bytes. */
static bool is_loss(int r)
{
	return r && r != -ENOMEM && r != -ENOSPC && r != -EINTR;
}

static int put_in_place(struct mover *m, struct page_at *a, const void *src)
{
	int r;

	do
		r = m->mech->ops->fill(m->mech, &a->page, src);
	while (mover_more(m, r));
	return r;
}

int mover_finish_fill(struct mover *m, struct page_at *a, unsigned int home)
{
	unsigned int tier = page_word_tier(a->seen);
	uint32_t slot = page_word_slot(a->seen);
	const void *src;
	int r = mover_load(m, tier, slot, &src);

	if (is_loss(r))
		return give_up(m, a, home);
	mover_place(m, home);
	if (!r)
		r = put_in_place(m, a, src);
	if (r)
		return back_to_device(m, a, home, r);
	return mover_filled(m, a, home);
}

int mover_filled(struct mover *m, struct page_at *a, unsigned int home)
{
	unsigned int tier = page_word_tier(a->seen);
	uint32_t slot = page_word_slot(a->seen);

	page_settle(a, PAGE_RESIDENT, home, 0);
	mover_free_slot(m->devices, tier, slot);
	book(a->range, tier, home);
	(void)m->mech->ops->wake(m->mech, &a->page);
	return MOVER_DONE;
}

/* ZEROING, ours. */
static int finish_zero(struct mover *m, struct page_at *a, unsigned int home)
{
	int r;

	mover_place(m, home);
	do
		r = m->mech->ops->zero(m->mech, &a->page);
	while (mover_more(m, r));
	if (r && r != -EEXIST) {
		page_settle(a, PAGE_ABSENT, 0, 0);
		pool_give(mover_pool(a->range, home), LEDGER_PAGE_SIZE);
	} else {
		r = 0;
		page_settle(a, PAGE_RESIDENT, home, 0);
		book(a->range, TIER_NOWHERE, home);
	}
	(void)m->mech->ops->wake(m->mech, &a->page);
	return mover_outcome_of(r);
}

static int fill_from(struct mover *m, struct page_at *a, unsigned int home, struct pool **ret_full)
{
	bool zeros = page_word_state(a->seen) == PAGE_ABSENT;
	struct pool *full = pool_take(mover_pool(a->range, home), LEDGER_PAGE_SIZE);
	bool ours;

	if (full) {
		*ret_full = full;
		return MOVER_E_NO_ROOM;
	}
	if (zeros)
		ours = page_step(a->word, &a->seen, PAGE_ZEROING, home, 0);
	else
		ours = page_step(a->word, &a->seen, PAGE_FILLING, page_word_tier(a->seen), page_word_slot(a->seen));
	if (!ours) {
		pool_give(mover_pool(a->range, home), LEDGER_PAGE_SIZE);
		return MOVER_E_BUSY;
	}
	return zeros ? finish_zero(m, a, home) : mover_finish_fill(m, a, home);
}

int mover_fill(struct mover *m, struct range *r, uint64_t vpn, unsigned int tier, struct pool **ret_full)
{
	struct page_at a;
	int rc = page_at(r, vpn, &a);

	if (rc)
		return rc;
	switch (page_word_state(a.seen)) {
	case PAGE_ABSENT:
	case PAGE_DEVICE:
		return fill_from(m, &a, tier, ret_full);
	case PAGE_RESIDENT:
		rc = mover_outcome_of(m->mech->ops->wake(m->mech, &a.page));
		return rc ? rc : MOVER_E_ALREADY;
	case PAGE_POISONED:
		return MOVER_E_POISONED;
	default:
		return MOVER_E_BUSY;
	}
}
