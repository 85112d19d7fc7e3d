// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sending a page away: slot, EVICTING, freeze, copy, COMMITTING, punch, DEVICE. The step to COMMITTING
 * compares the exact word, so a write, a pin or a hint that came in between wins, and the page stays.
 * From COMMITTING on the page is frozen and nobody may thaw it, so both copies are equal until the punch.
 */
#include <errno.h>

#include "daemon/mech/mover_own.h"

enum { VAIN_EVICTIONS = 8 };	/* that found no place below: the next ones will hardly find one */

struct eviction {
	unsigned int from, tier;
	uint32_t slot;
};

static int copy(struct mover *m, struct page_at *a, const struct eviction *e)
{
	struct mover_device *d = &m->devices[e->tier];
	void *dst = d->ops->map ? d->ops->map(d->device, e->slot) : NULL;
	int r = m->mech->ops->copy_out(m->mech, &a->page, dst ? dst : m->staging);

	if (r || dst)
		return r;
	do
		r = d->ops->write(d->device, e->slot, m->staging);
	while (mover_more(m, r));
	if (r == -EIO)
		d->failed = true;
	return r == -ENOSPC || r == -ENOMEM ? MOVER_E_NO_ROOM : r;
}

static void forget_slot(struct mover *m, struct range *r, const struct eviction *e)
{
	mover_free_slot(m->devices, e->tier, e->slot);
	pool_give(mover_pool(r, e->tier), LEDGER_PAGE_SIZE);
}

/* The next state, unless somebody else took the page; a changed flag alone is no reason unless it holds the page. */
static bool step_if_ours(struct page_at *a, enum page_state to, unsigned int tier, uint32_t slot, uint64_t holding)
{
	uint64_t mine = a->seen;

	while (!page_step(a->word, &a->seen, to, tier, slot)) {
		if (((a->seen ^ mine) & ~PAGE_FLAGS) || (a->seen & holding))
			return false;
	}
	return true;
}

/* The page stays where it is; when it is not ours any more, somebody else saw to that. */
static int undo(struct mover *m, struct page_at *a, const struct eviction *e, int r)
{
	if (step_if_ours(a, PAGE_ABORTING, e->from, 0, 0)) {
		(void)m->mech->ops->thaw(m->mech, &a->page);
		page_settle(a, PAGE_RESIDENT, e->from, 0);
		(void)m->mech->ops->wake(m->mech, &a->page);
	}
	forget_slot(m, a->range, e);
	return mover_outcome_of(r);
}

/*
 * COMMITTING, ours, and the punch failed. The copy on the device is whole, so the page goes to rest there
 * and comes straight back: what is left of it in the file stays, holes are filled, and it is thawed.
 */
static int undo_punch(struct mover *m, struct page_at *a, const struct eviction *e, int r)
{
	page_settle(a, PAGE_DEVICE, e->tier, e->slot);
	range_account(a->range, e->from, e->tier);
	if (page_step(a->word, &a->seen, PAGE_FILLING, e->tier, e->slot)) {
		/* The home's room was not given back yet: it is that of the page that comes back. */
		if (!mover_finish_fill(m, a, e->from))
			(void)mover_abort(m, a->range, a->page.addr >> LEDGER_PAGE_SHIFT);
	} else {
		pool_give(mover_pool(a->range, e->from), LEDGER_PAGE_SIZE);
	}
	return mover_outcome_of(r);
}

/* COMMITTING, ours: the point of no return was passed. */
static int commit(struct mover *m, struct page_at *a, const struct eviction *e)
{
	int r = m->mech->ops->punch(m->mech, &a->page);

	if (r)
		return undo_punch(m, a, e, r);
	page_settle(a, PAGE_DEVICE, e->tier, e->slot);
	range_account(a->range, e->from, e->tier);
	pool_give(mover_pool(a->range, e->from), LEDGER_PAGE_SIZE);
	(void)m->mech->ops->wake(m->mech, &a->page);
	if (m->evicted)
		m->evicted(m->userdata, a->range, a->page.addr >> LEDGER_PAGE_SHIFT);
	return MOVER_DONE;
}

/* EVICTING, ours as long as nobody changes the word. */
static int carry_out(struct mover *m, struct page_at *a, const struct eviction *e)
{
	uint64_t mine = a->seen;
	int r = m->mech->ops->freeze(m->mech, &a->page);

	if (!r)
		r = copy(m, a, e);
	if (r)
		return undo(m, a, e, r);
	if (step_if_ours(a, PAGE_COMMITTING, e->tier, e->slot, PAGE_PINNED | PAGE_STAY))
		return commit(m, a, e);
	if (!((a->seen ^ mine) & ~PAGE_FLAGS))
		return undo(m, a, e, MOVER_E_BUSY);
	forget_slot(m, a->range, e);
	return MOVER_E_ABORTED;
}

/* Room on the tier and a slot of its device; nothing is taken unless both are. */
static int reserve(struct mover *m, struct range *r, unsigned int tier, uint32_t *ret_slot)
{
	struct mover_device *d = &m->devices[tier];

	if (!d->ops || d->failed || d->held || pool_take(mover_pool(r, tier), LEDGER_PAGE_SIZE))
		return MOVER_E_NO_ROOM;
	if (slots_take(d->slots, ret_slot)) {
		pool_give(mover_pool(r, tier), LEDGER_PAGE_SIZE);
		return MOVER_E_NO_ROOM;
	}
	mover_own_slot(d, *ret_slot, r->space->client);
	return 0;
}

int mover_evict(struct mover *m, struct range *r, uint64_t vpn, uint64_t word, unsigned int tier)
{
	struct eviction e = { .tier = tier };
	struct page_at a;
	int rc = page_at(r, vpn, &a);

	if (rc)
		return rc;
	if (page_word_state(a.seen) == PAGE_DEVICE && page_word_tier(a.seen) == tier)
		return MOVER_E_ALREADY;
	if ((word && word != a.seen) || !page_evictable(a.seen))
		return MOVER_E_BUSY;
	e.from = page_word_tier(a.seen);
	rc = reserve(m, r, tier, &e.slot);
	if (rc)
		return rc;
	if (!page_step(a.word, &a.seen, PAGE_EVICTING, e.from, 0)) {
		forget_slot(m, r, &e);
		return MOVER_E_BUSY;
	}
	return carry_out(m, &a, &e);
}

/* A device that found out only at the write that it has no room has changed the word. */
int mover_evict_down(struct mover *m, struct range *r, uint64_t vpn, uint64_t word)
{
	int rc = MOVER_E_NO_ROOM;

	for (unsigned int i = 0; i < r->n_lower && rc == MOVER_E_NO_ROOM; i++)
		rc = mover_evict(m, r, vpn, i ? 0 : word, r->lower[i]);
	return rc;
}

int mover_make_room(struct mover *m, struct pool *full)
{
	enum victim_way way = VICTIM_OURS;
	unsigned int in_vain = 0;
	struct victim v;
	int rc;

	while (in_vain < VAIN_EVICTIONS && ring_pop(full->victims, &v)) {
		if (m->pass_on)
			way = m->pass_on(m->userdata, &v);
		if (way == VICTIM_LATER && !ring_push(full->victims, &v))
			range_drop(v.range);
		if (way == VICTIM_PASSED || way == VICTIM_LATER)
			break;
		rc = way == VICTIM_OURS ? mover_evict_down(m, v.range, v.vpn, v.word) : MOVER_E_NO_ROOM;
		range_drop(v.range);
		if (rc == MOVER_DONE)
			return MOVER_DONE;
		in_vain += rc == MOVER_E_NO_ROOM || rc < 0;
	}
	return MOVER_E_NO_ROOM;
}
