// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What fault service threads and workers share: bringing a page in when its place is full, which means
 * evicting a page that the loop has queued as a victim, and telling the loop what happened. Nothing here
 * waits and nothing allocates.
 */
#include <time.h>

#include "daemon/core/space.h"
#include "daemon/io/crew_threads.h"

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_USEC 1000ULL

enum { VICTIMS_FEW = POOL_VICTIMS / 4 /* below this the loop ranks again, in time before the queue is empty */ };

uint64_t crew_clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

void crew_want_victims(struct crew *c)
{
	if (!atomic_exchange(&c->wants_victims, true))
		uv_async_send(&c->wake);
}

void crew_note(struct crew_hand *h, struct range *r, uint64_t vpn, enum crew_note what, uint8_t answer)
{
	struct crew *c = h->crew;
	struct fault_note note = { .range = r, .vpn = vpn, .at_us = crew_clock_ns() / NSEC_PER_USEC, .kind = answer,
				   .lost = what == NOTE_LOST, .evicted = what == NOTE_EVICTED };

	if (what != NOTE_LOST && ring_count(c->notes) >= CREW_NOTES - CREW_NOTES_SPARE)
		return;
	if (!range_hold(r))
		return;
	if (!ring_push(c->notes, &note)) {
		range_drop(r);
		return;
	}
	if (!atomic_exchange(&c->noted, true) || what == NOTE_LOST)
		uv_async_send(&c->wake);
}

void crew_evicted(void *hand, struct range *r, uint64_t vpn)
{
	struct crew_hand *h = hand;

	tally_add(&h->tally.evicted, 1);
	crew_note(h, r, vpn, NOTE_EVICTED, 0);
}

static bool runs_short(const struct pool *p)
{
	uint64_t used = atomic_load_explicit(&p->used, memory_order_relaxed);
	uint64_t limit = atomic_load_explicit(&p->limit, memory_order_relaxed);

	return (used >= limit || limit - used < VICTIMS_FEW * LEDGER_PAGE_SIZE) && ring_count(p->victims) < VICTIMS_FEW;
}

static void watch_victims(struct crew *c, const struct range *r)
{
	const struct pool *p = &r->space->account->pools[atomic_load(&r->home)];

	if (runs_short(p) || (p->parent && runs_short(p->parent)))
		crew_want_victims(c);
}

/* When the kernel has no page, a page of anybody helps. */
static struct pool *whose_room(struct range *r)
{
	struct pool *p = &r->space->account->pools[atomic_load(&r->home)];

	return p->parent ? p->parent : p;
}

static enum wait_reason why(const struct crew *c, const struct pool *full)
{
	if (atomic_load_explicit(&full->draining, memory_order_relaxed))
		return WAIT_DRAIN;
	if (atomic_load_explicit(&c->sealed, memory_order_relaxed))
		return WAIT_SEALED;
	return full->parent ? WAIT_QUOTA : WAIT_TIER;
}

int crew_bring_in(struct crew_hand *h, struct range *r, uint64_t vpn, bool may_evict, enum wait_reason *ret_wait)
{
	radix_word *word = space_word(r->space, vpn << LEDGER_PAGE_SHIFT);
	bool lost_before = page_word_state(atomic_load_explicit(word, memory_order_relaxed)) == PAGE_POISONED;
	struct pool *full;
	int rc, i;

	for (i = 0; i < ROOM_TRIES; i++) {
		full = NULL;
		rc = mover_fill(&h->mover, r, vpn, &full);
		if (rc != MOVER_E_NO_ROOM && rc != MOVER_E_NO_MEMORY)
			break;
		if (!full)
			full = whose_room(r);
		if (!may_evict || atomic_load(&h->crew->sealed) || mover_make_room(&h->mover, full) != MOVER_DONE)
			break;
		tally_add(&h->tally.direct_evictions, 1);
	}
	if (rc == MOVER_E_POISONED && !lost_before) {
		tally_add(&h->tally.lost, 1);
		crew_note(h, r, vpn, NOTE_LOST, 0);
	}
	if (rc == MOVER_E_NO_ROOM || rc == MOVER_E_NO_MEMORY) {
		*ret_wait = rc == MOVER_E_NO_MEMORY ? WAIT_NODE : why(h->crew, full);
		crew_want_victims(h->crew);
	} else {
		watch_victims(h->crew, r);
	}
	return rc;
}

/* False: the allowance is used up or the range dies; guesses are worth no more effort. */
static bool send_ahead(struct crew *c, struct range *r, uint64_t vpn, unsigned int home)
{
	struct move m = { .range = r, .vpn = vpn, .pages = 1, .kind = MOVE_FILL, .reason = REASON_STREAM,
			  .tier = (uint8_t)home };

	if (atomic_fetch_add(&c->busy_ahead, 1) >= CREW_AHEAD)
		goto undo;
	if (!range_hold(r))
		goto undo;
	if (ring_push(c->ahead, &m)) {
		sem_post(&c->work);
		return true;
	}
	range_drop(r);
undo:
	atomic_fetch_sub(&c->busy_ahead, 1);
	return false;
}

void crew_read_ahead(struct crew_hand *h, struct range *r, uint64_t vpn)
{
	unsigned int home = atomic_load(&r->home);
	uint64_t last = range_first_vpn(r) + range_pages(r) - 1, i, pages, room;
	enum page_state state;

	pages = stream_fault(&r->stream, vpn, last, atomic_load_explicit(&r->advice, memory_order_relaxed));
	room = pages ? pool_free_bytes(&r->space->account->pools[home]) / LEDGER_PAGE_SIZE : 0;
	for (i = 1; i <= pages && room; i++) {
		state = page_word_state(atomic_load_explicit(space_word(r->space, (vpn + i) << LEDGER_PAGE_SHIFT),
							     memory_order_relaxed));
		if (state != PAGE_ABSENT && state != PAGE_DEVICE)
			continue;
		if (!send_ahead(h->crew, r, vpn + i, home))
			break;
		room--;
	}
}
