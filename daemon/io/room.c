// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What fault service threads and workers share: bringing a page in when its place is full, which means
 * evicting a page that the loop has queued as a victim, and telling the loop what happened. Nothing here
 * waits and nothing allocates.
 */
#include <sys/eventfd.h>
#include <time.h>

#include "daemon/core/world.h"
#include "daemon/io/crew_threads.h"
#include "daemon/io/hugepages.h"

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
	struct squad *q = h->squad;
	struct fault_note note = { .range = r, .vpn = vpn, .at_us = crew_clock_ns() / NSEC_PER_USEC, .kind = answer,
				   .lost = what == NOTE_LOST, .evicted = what == NOTE_EVICTED || what == NOTE_SENT,
				   .asked = what == NOTE_SENT };

	if (what != NOTE_LOST && ring_count(q->notes) >= CREW_NOTES - CREW_NOTES_SPARE)
		return;
	if (!range_hold(r))
		return;
	if (!ring_push(q->notes, &note)) {
		range_drop(r);
		return;
	}
	if (!atomic_exchange(&h->crew->noted, true) || what == NOTE_LOST)
		uv_async_send(&h->crew->wake);
}

/* Who waits for room is told once until it has looked. */
void crew_room_changed(struct crew *c)
{
	struct faultd *f;

	atomic_fetch_add(&c->changes, 1);
	CREW_EACH(q, c)
		for (f = q->faultds; f < q->faultds + q->n_faultds; f++)
			if (atomic_load(&f->waits) && !atomic_exchange(&f->told, true))
				eventfd_write(f->kick, 1);
}

static bool ask_neighbour(struct squad *q, const struct move *m)
{
	if (atomic_fetch_add(&q->busy_neighbours, 1) < CREW_NEIGHBOURS && ring_push(q->neighbours, m)) {
		sem_post(&q->work);
		return true;
	}
	atomic_fetch_sub(&q->busy_neighbours, 1);
	return false;
}

/*
 * The hold goes with the move, and the fault that wants the room waits until there is some: each fault that waits,
 * and this one, asks for one page. Once sealed nobody is asked any more.
 */
enum victim_way crew_pass_on(void *hand, const struct victim *v)
{
	struct crew_hand *h = hand;
	struct crew *c = h->crew;
	struct squad *q = v->range->space->squad;
	struct move m = { .range = v->range, .vpn = v->vpn, .pages = 1, .kind = MOVE_EVICT, .reason = REASON_OWN,
			  .tier = TIER_NOWHERE };

	if (atomic_load(&c->sealed))
		return VICTIM_LEFT;
	if (q == h->squad)
		return VICTIM_OURS;
	if (atomic_fetch_add(&c->passed_on, 1) > atomic_load(&c->deferred)) {
		atomic_fetch_sub(&c->passed_on, 1);
		return VICTIM_LATER;
	}
	if (q && ask_neighbour(q, &m))
		return VICTIM_PASSED;
	atomic_fetch_sub(&c->passed_on, 1);
	return VICTIM_LEFT;
}

/* It is the page that the hand's operation is about, not one that makes room for it. */
static bool is_asked(const struct crew_at *at, const struct space *s, uint64_t vpn)
{
	return atomic_load_explicit(&at->asked, memory_order_relaxed) &&
	       atomic_load_explicit(&at->vpn, memory_order_relaxed) == vpn &&
	       atomic_load_explicit(&at->client, memory_order_relaxed) == s->client;
}

void crew_evicted(void *hand, struct range *r, uint64_t vpn)
{
	struct crew_hand *h = hand;
	unsigned int tier = page_word_tier(atomic_load_explicit(space_word(r->space, vpn << LEDGER_PAGE_SHIFT),
								memory_order_relaxed));

	hugepages_watch(h->crew->daemon->hugepages, tier, &h->crew->daemon->world->tiers[tier].pool);
	tally_add(&h->tally.evicted, 1);
	crew_room_changed(h->crew);
	crew_note(h, r, vpn, is_asked(&h->at, r->space, vpn) ? NOTE_SENT : NOTE_EVICTED, 0);
}

static bool runs_short(const struct pool *p)
{
	uint64_t used = atomic_load_explicit(&p->used, memory_order_relaxed);
	uint64_t limit = atomic_load_explicit(&p->limit, memory_order_relaxed);

	return (used >= limit || limit - used < VICTIMS_FEW * LEDGER_PAGE_SIZE) && ring_count(p->victims) < VICTIMS_FEW;
}

static void watch_pools(struct crew *c, const struct range *r)
{
	unsigned int home = atomic_load(&r->home);
	const struct pool *p = &r->space->account->pools[home];

	hugepages_watch(c->daemon->hugepages, home, p->parent);
	if (runs_short(p) || (p->parent && runs_short(p->parent)))
		crew_want_victims(c);
}

/* Which tier a pool is of: one of the range's account, or the parent of one. */
static unsigned int pool_tier(const struct range *r, const struct pool *p)
{
	const struct pool *pools = r->space->account->pools;
	unsigned int i = 0;

	while (&pools[i] != p && pools[i].parent != p)
		i++;
	return i;
}

static struct tier *tier_at(const struct crew *c, unsigned int tier)
{
	return &c->daemon->world->tiers[tier];
}

static bool is_short(const struct crew *c, unsigned int tier)
{
	return atomic_load_explicit(&tier_at(c, tier)->shortage.on, memory_order_relaxed);
}

static bool crowded(int rc)
{
	return rc == MOVER_E_NO_ROOM || rc == MOVER_E_NO_MEMORY;
}

/*
 * The kernel's refusal is judged by a page that we take ourselves: where there is none the tier has no more
 * than is used, and it is full; where there is one, it is the client's own mapping that takes none.
 */
static int fill_in(struct crew_hand *h, struct range *r, uint64_t vpn, unsigned int tier, struct pool **ret_full)
{
	int rc = mover_fill(&h->mover, r, vpn, tier, ret_full);

	if (rc != MOVER_E_NO_MEMORY)
		return rc;
	if (crew_probe(h, tier))
		return mover_fill(&h->mover, r, vpn, tier, ret_full);
	tier_short(tier_at(h->crew, tier));
	crew_want_victims(h->crew);
	*ret_full = &tier_at(h->crew, tier)->pool;
	return MOVER_E_NO_ROOM;
}

/* Another tier of memory that the range may be in, when the kernel gives less at home than was configured. */
static int fill_elsewhere(struct crew_hand *h, struct range *r, uint64_t vpn, unsigned int home)
{
	uint32_t reach = atomic_load_explicit(&r->reach, memory_order_relaxed) & ~(1U << home);
	struct pool *full;
	unsigned int i;
	int rc = MOVER_E_NO_ROOM;

	for (; reach && crowded(rc); reach &= reach - 1) {
		i = (unsigned int)__builtin_ctz(reach);
		if (tier_is_resident(tier_at(h->crew, i)) &&
		    pool_free_bytes(&r->space->account->pools[i]) >= LEDGER_PAGE_SIZE)
			rc = fill_in(h, r, vpn, i, &full);
	}
	return rc;
}

static int fill(struct crew_hand *h, struct range *r, uint64_t vpn, struct pool **ret_full)
{
	unsigned int home = atomic_load(&r->home);
	int rc = fill_in(h, r, vpn, home, ret_full), other;

	if (rc != MOVER_E_NO_ROOM || !is_short(h->crew, home))
		return rc;
	other = fill_elsewhere(h, r, vpn, home);
	return crowded(other) ? rc : other;
}

/*
 * Where the kernel is short the user's own pages go first, and those of others only when there is no page to be
 * had at this moment; when there is, nobody needs to go.
 */
static bool make_room(struct crew_hand *h, struct range *r, struct pool *full)
{
	struct tier *t;

	if (full->parent || !is_short(h->crew, pool_tier(r, full)))
		return mover_make_room(&h->mover, full) == MOVER_DONE;
	t = tier_at(h->crew, pool_tier(r, full));
	if (mover_make_room(&h->mover, &r->space->account->pools[t->index]) == MOVER_DONE)
		return true;
	if (!ring_count(full->victims))
		return false;
	if (crew_probe(h, t->index)) {
		tier_relax(t);
		return true;
	}
	return mover_make_room(&h->mover, full) == MOVER_DONE;
}

static enum wait_reason why(const struct crew *c, const struct range *r, const struct pool *full)
{
	if (!full)
		return WAIT_OWN;
	if (atomic_load_explicit(&full->draining, memory_order_relaxed))
		return WAIT_DRAIN;
	if (full->parent)
		return WAIT_QUOTA;
	if (is_short(c, pool_tier(r, full)))
		return atomic_load_explicit(&tier_at(c, pool_tier(r, full))->shortage.reason, memory_order_relaxed);
	return atomic_load_explicit(&c->sealed, memory_order_relaxed) ? WAIT_SEALED : WAIT_TIER;
}

static void note_lost(struct crew_hand *h, struct range *r, uint64_t vpn)
{
	tally_add(&h->tally.lost, 1);
	crew_note(h, r, vpn, NOTE_LOST, 0);
}

int crew_bring_in(struct crew_hand *h, struct range *r, uint64_t vpn, bool may_evict, enum wait_reason *ret_wait)
{
	radix_word *word = space_word(r->space, vpn << LEDGER_PAGE_SHIFT);
	bool lost_before = page_word_state(atomic_load_explicit(word, memory_order_relaxed)) == PAGE_POISONED;
	struct pool *full;
	int rc, i;

	for (i = 0; i < ROOM_TRIES; i++) {
		full = NULL;
		rc = fill(h, r, vpn, &full);
		if (rc != MOVER_E_NO_ROOM)
			break;
		if (!may_evict || atomic_load(&h->crew->sealed) || !make_room(h, r, full))
			break;
		tally_add(&h->tally.direct_evictions, 1);
	}
	if (rc == MOVER_E_POISONED && !lost_before)
		note_lost(h, r, vpn);
	if (crowded(rc))
		*ret_wait = why(h->crew, r, full);
	if (rc == MOVER_E_NO_ROOM)
		crew_want_victims(h->crew);
	else
		watch_pools(h->crew, r);
	return rc;
}

/* False: the allowance is used up or the range dies; guesses are worth no more effort. */
static bool send_ahead(struct squad *q, struct range *r, uint64_t vpn, unsigned int home)
{
	struct move m = { .range = r, .vpn = vpn, .pages = 1, .kind = MOVE_FILL, .reason = REASON_STREAM,
			  .tier = (uint8_t)home };

	if (atomic_fetch_add(&q->busy_ahead, 1) >= CREW_AHEAD)
		goto undo;
	if (!range_hold(r))
		goto undo;
	if (ring_push(q->ahead, &m)) {
		sem_post(&q->work);
		return true;
	}
	range_drop(r);
undo:
	atomic_fetch_sub(&q->busy_ahead, 1);
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
		if (!send_ahead(h->squad, r, vpn + i, home))
			break;
		room--;
	}
}
