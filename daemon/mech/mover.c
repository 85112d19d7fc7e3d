// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mover's common part, and the short sequences: abort, check, discard, poison.
 *
 * The rules that make it right. A page is changed only by the thread whose step of the word said so.
 * Protection is taken away only in ABORTING (or FILLING, where there is none): were a plain RESIDENT page
 * unprotected, an eviction that began in between would copy a page that is being written. Whoever ends
 * a transitional state wakes the page afterwards, because faults met in it were dropped. The slot of an
 * eviction that was aborted is given back by the evictor, which may still be writing into it.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/mover_own.h"

struct mech_page mover_page(const struct range *r, uint64_t addr)
{
	return (struct mech_page){
		.uffd = r->space->uffd, .gate = r->space->gate, .file = r->backing, .addr = addr, .offset = range_offset(r, addr)
	};
}

int page_at(struct range *r, uint64_t vpn, struct page_at *ret)
{
	uint64_t first = range_first_vpn(r);
	radix_word *word;

	if (r->kind != RANGE_MANAGED || !r->addr || vpn < first || vpn - first >= range_pages(r))
		return -EINVAL;
	word = radix_find(&r->space->mirror, vpn);
	if (!word)
		return -EINVAL;
	*ret = (struct page_at){
		.range = r, .word = word, .seen = atomic_load(word), .page = mover_page(r, vpn << LEDGER_PAGE_SHIFT)
	};
	return 0;
}

void page_settle(struct page_at *a, enum page_state to, unsigned int tier, uint32_t slot)
{
	enum page_state ours = page_word_state(a->seen);

	while (!page_step(a->word, &a->seen, to, tier, slot))
		assert(page_word_state(a->seen) == ours);
}

struct pool *mover_pool(const struct range *r, unsigned int tier)
{
	return &r->space->account->pools[tier];
}

bool mover_has_slot(const struct mover_device *devices, uint64_t word)
{
	switch (page_word_state(word)) {
	case PAGE_COMMITTING:
	case PAGE_DEVICE:
	case PAGE_FILLING:
	case PAGE_DISCARDING:
		return devices[page_word_tier(word)].ops != NULL;
	default:
		return false;
	}
}

void mover_free_slot(struct mover_device *devices, unsigned int tier, uint32_t slot)
{
	struct mover_device *d = &devices[tier];

	if (d->ops->discard)
		d->ops->discard(d->device, slot);
	if (d->owners)
		atomic_store_explicit(&d->owners[slot], 0, memory_order_release);
	slots_give(d->slots, slot);
}

void mover_own_slot(struct mover_device *d, uint32_t slot, uint64_t client)
{
	if (d->owners)
		atomic_store_explicit(&d->owners[slot], client, memory_order_release);
}

void mover_release(struct mover_device *devices, uint64_t word)
{
	if (mover_has_slot(devices, word))
		mover_free_slot(devices, page_word_tier(word), page_word_slot(word));
}

void mover_place(struct mover *m, unsigned int tier)
{
	if (!m->numa || m->bound == tier)
		return;
	if (numa_map_bind(m->numa, tier) == 0)
		m->bound = tier;
}

bool mover_more(struct mover *m, int r)
{
	return (r == -ENOMEM || r == -ENOSPC) && m->more && m->more(m->userdata);
}

int mover_outcome_of(int r)
{
	switch (r) {
	case -ENOMEM:
		return MOVER_E_NO_MEMORY;
	case -EAGAIN:	/* the program unmaps memory */
		return MOVER_E_BUSY;
	case -ESRCH:
	case -ENOENT:
		return MOVER_E_GONE;
	default:
		return r;
	}
}

int mover_init(struct mover *m, struct mech *mech, struct mover_device *devices, struct numa_map *numa)
{
	void *whole = mmap(NULL, 2 * LEDGER_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t at;

	if (whole == MAP_FAILED)
		return -ENOMEM;
	at = ((uintptr_t)whole + LEDGER_PAGE_SIZE - 1) & ~(uintptr_t)(LEDGER_PAGE_SIZE - 1);
	if (at > (uintptr_t)whole)
		munmap(whole, at - (uintptr_t)whole);
	munmap((void *)(at + LEDGER_PAGE_SIZE), (uintptr_t)whole + LEDGER_PAGE_SIZE - at);
	/* One entry instead of 512 for every copy through it; base pages do as well, only slower. */
	(void)madvise((void *)at, LEDGER_PAGE_SIZE, MADV_HUGEPAGE);
	memset((void *)at, 0, LEDGER_PAGE_SIZE);
	*m = (struct mover){
		.mech = mech, .devices = devices, .staging = (void *)at, .numa = numa, .bound = TIER_NOWHERE
	};
	return 0;
}

void mover_done(struct mover *m)
{
	if (m->staging)
		munmap(m->staging, LEDGER_PAGE_SIZE);
	m->staging = NULL;
}

/* A page that we hold as ABORTING. A failed thaw leaves it protected: the writer, woken, faults again. */
static int thaw_and_settle(struct mover *m, struct page_at *a)
{
	int r = m->mech->ops->thaw(m->mech, &a->page);

	page_settle(a, PAGE_RESIDENT, page_word_tier(a->seen), 0);
	(void)m->mech->ops->wake(m->mech, &a->page);
	return mover_outcome_of(r);
}

int mover_abort(struct mover *m, struct range *r, uint64_t vpn)
{
	struct page_at a;
	enum page_state state;
	int rc = page_at(r, vpn, &a);

	if (rc)
		return rc;
	state = page_word_state(a.seen);
	if (state == PAGE_EVICTING || state == PAGE_RESIDENT) {
		if (!page_step(a.word, &a.seen, PAGE_ABORTING, page_word_tier(a.seen), 0))
			return MOVER_E_BUSY;
		rc = thaw_and_settle(m, &a);
		return !rc && state == PAGE_RESIDENT ? MOVER_E_ALREADY : rc;
	}
	if (state == PAGE_DEVICE || state == PAGE_ABSENT || state == PAGE_POISONED) {
		rc = mover_outcome_of(m->mech->ops->wake(m->mech, &a.page));
		return rc ? rc : MOVER_E_ALREADY;
	}
	return MOVER_E_BUSY;
}

int mover_check(struct mover *m, struct range *r, uint64_t vpn)
{
	struct page_at a;
	unsigned int tier;
	int rc = page_at(r, vpn, &a);

	if (rc)
		return rc;
	if (page_word_state(a.seen) != PAGE_RESIDENT)
		return MOVER_E_BUSY;
	tier = page_word_tier(a.seen);
	if (!page_step(a.word, &a.seen, PAGE_ZEROING, tier, 0))
		return MOVER_E_BUSY;
	mover_place(m, tier);
	do
		rc = m->mech->ops->zero(m->mech, &a.page);
	while (mover_more(m, rc));
	page_settle(&a, PAGE_RESIDENT, tier, 0);
	(void)m->mech->ops->wake(m->mech, &a.page);
	return rc == -EEXIST ? MOVER_DONE : mover_outcome_of(rc);
}

/* What could not be punched is still there with its old bytes: it stays a page of the program. */
static int undo_discard(struct mover *m, struct page_at *a, unsigned int tier, int rc)
{
	page_settle(a, PAGE_ABSENT, 0, 0);
	if (page_step(a->word, &a->seen, PAGE_ZEROING, tier, 0))
		page_settle(a, PAGE_RESIDENT, tier, 0);
	(void)m->mech->ops->wake(m->mech, &a->page);
	return mover_outcome_of(rc);
}

/* DISCARDING, ours. */
static int finish_discard(struct mover *m, struct page_at *a, uint64_t old)
{
	unsigned int tier = page_word_tier(old);
	int rc = m->mech->ops->punch(m->mech, &a->page);

	if (rc && page_word_state(old) == PAGE_RESIDENT)
		return undo_discard(m, a, tier, rc);
	page_settle(a, PAGE_ABSENT, 0, 0);
	if (page_word_state(old) == PAGE_DEVICE)
		mover_free_slot(m->devices, tier, page_word_slot(old));
	if (page_word_state(old) != PAGE_POISONED) {
		range_account(a->range, tier, TIER_NOWHERE);
		pool_give(mover_pool(a->range, tier), LEDGER_PAGE_SIZE);
	}
	(void)m->mech->ops->wake(m->mech, &a->page);
	return MOVER_DONE;
}

int mover_discard(struct mover *m, struct range *r, uint64_t vpn)
{
	struct page_at a;
	uint64_t old;
	int rc = page_at(r, vpn, &a);

	if (rc)
		return rc;
	old = a.seen;
	if (page_word_state(old) == PAGE_ABSENT)
		return MOVER_E_ALREADY;
	if (page_word_state(old) != PAGE_RESIDENT && page_word_state(old) != PAGE_DEVICE &&
	    page_word_state(old) != PAGE_POISONED)
		return MOVER_E_BUSY;
	if ((old & PAGE_PINNED) ||
	    !page_step(a.word, &a.seen, PAGE_DISCARDING, page_word_tier(old), page_word_slot(old)))
		return MOVER_E_BUSY;
	return finish_discard(m, &a, old);
}

int mover_repoison(struct mover *m, struct range *r, uint64_t vpn)
{
	struct page_at a;
	int rc = page_at(r, vpn, &a);

	if (rc)
		return rc;
	if (page_word_state(a.seen) != PAGE_POISONED)
		return MOVER_E_BUSY;
	rc = m->mech->ops->poison(m->mech, &a.page);
	if (rc)	/* whoever waits there has told it, and is not told of twice */
		(void)m->mech->ops->wake(m->mech, &a.page);
	return mover_outcome_of(rc);
}
