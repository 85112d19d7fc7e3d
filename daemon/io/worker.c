// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A worker: carries out moves, one huge page at a time (of adopted memory as much as there is time for), and puts each result into the queue to the loop.
 * Background moves only take room that is free; what somebody asked for may evict to make room.
 */
#include <errno.h>

#include "daemon/core/space.h"
#include "daemon/io/crew_threads.h"
#include "daemon/io/worker_driver.h"
#include "daemon/io/worker_look.h"
#include "daemon/io/worker_node.h"

#define SLICE_NS 5000000ULL	/* 5 ms: what the others wait for */

enum { RESULTS_MANY = 32 /* results that wake the loop while more moves are queued: about 5 ms of copying */ };

static enum move_outcome outcome_of(int rc)
{
	switch (rc) {
	case MOVER_DONE:
		return MOVE_MOVED;
	case MOVER_E_ALREADY:
		return MOVE_ALREADY;
	case MOVER_E_BUSY:
	case MOVER_E_ABORTED:
		return MOVE_BUSY;
	case MOVER_E_NO_ROOM:
	case MOVER_E_NO_MEMORY:
		return MOVE_NO_ROOM;
	default:
		return MOVE_FAILED;
	}
}

static bool may_evict(const struct worker *w, const struct move *m)
{
	bool asked = m->reason == REASON_REQUEST || m->reason == REASON_DRAIN || m->kind == MOVE_PIN;

	return asked && !atomic_load(&w->hand.crew->stay);
}

/* To the range's home, and on to another node when the move names one (TIER_NOWHERE: the home will do). */
static enum move_outcome fill(struct worker *w, const struct move *m)
{
	bool to_node = m->tier < HMM_LIMIT_TIERS && !w->hand.mover.devices[m->tier].ops;
	radix_word *word = space_word(m->range->space, m->vpn << LEDGER_PAGE_SHIFT);
	enum page_state before = page_word_state(atomic_load_explicit(word, memory_order_acquire));
	enum wait_reason wait;
	uint64_t after;
	int rc = crew_bring_in(&w->hand, m->range, m->vpn, may_evict(w, m), &wait);

	if (rc == MOVER_DONE && before == PAGE_DEVICE)
		tally_add(&w->hand.tally.prefetched, 1);
	if (rc != MOVER_DONE && rc != MOVER_E_ALREADY)
		return outcome_of(rc);
	after = atomic_load_explicit(word, memory_order_acquire);
	if (to_node && page_word_state(after) == PAGE_RESIDENT &&
	    (page_word_tier(after) != m->tier || (rc == MOVER_E_ALREADY && w->hand.crew->daemon->world->many_nodes)))
		return worker_move_page(w, m);
	return outcome_of(rc);
}

/*
 * The loop has set the flag, so no eviction of the page can begin, and one under way finds a changed word and gives
 * up; or it has taken it off again meanwhile, and that is not ours to undo.
 */
static enum move_outcome pin(struct worker *w, const struct move *m)
{
	radix_word *word = space_word(m->range->space, m->vpn << LEDGER_PAGE_SHIFT);
	enum move_outcome outcome = fill(w, m);

	if (outcome != MOVE_MOVED && outcome != MOVE_ALREADY)
		return outcome;
	return page_word_state(atomic_load_explicit(word, memory_order_acquire)) == PAGE_RESIDENT ? outcome : MOVE_BUSY;
}

static enum move_outcome evict(struct worker *w, const struct move *m)
{
	if (crew_is_neighbours(m))
		return atomic_load(&w->hand.crew->sealed) ? MOVE_BUSY : outcome_of(mover_evict_down(&w->hand.mover, m->range, m->vpn, 0));
	return outcome_of(mover_evict(&w->hand.mover, m->range, m->vpn, 0, m->tier));
}

/* A request for a node brings in what is on a device, too; any other move has been overtaken by events there. */
static enum move_outcome to_node(struct worker *w, const struct move *m)
{
	radix_word *word = space_word(m->range->space, m->vpn << LEDGER_PAGE_SHIFT);
	enum page_state state = page_word_state(atomic_load_explicit(word, memory_order_acquire));

	if (state == PAGE_ABSENT)
		return MOVE_ALREADY;
	return m->reason == REASON_REQUEST ? fill(w, m) : worker_move_page(w, m);
}

static enum move_outcome carry_out(struct worker *w, const struct move *m)
{
	switch (m->kind) {
	case MOVE_EVICT:
		return evict(w, m);
	case MOVE_FILL:
		return fill(w, m);
	case MOVE_PIN:
		return pin(w, m);
	case MOVE_NODE:
		return to_node(w, m);
	case MOVE_DISCARD:
		return outcome_of(mover_discard(&w->hand.mover, m->range, m->vpn));
	default:
		return MOVE_FAILED;
	}
}

/* The loop is woken when there is nothing more to do for now, or much to tell. */
static void report(struct squad *q, const struct crew_result *result)
{
	ring_push(q->results, result);
	if ((!ring_count(q->jobs) && !ring_count(q->ahead) && !ring_count(q->neighbours)) || ring_count(q->results) >= RESULTS_MANY)
		uv_async_send(&q->crew->wake);
}

bool worker_time_is_over(const struct worker *w)
{
	return w->slice_ends_ns && crew_clock_ns() >= w->slice_ends_ns;
}

static void work(struct worker *w, const struct move *m)
{
	struct crew_result result = { .move = *m, .outcome = MOVE_FAILED };

	crew_at(&w->hand, m->range->space, m->vpn, crew_clock_ns(), m->op || m->kind == MOVE_PIN);
	if (m->kind == MOVE_LOOK && !atomic_load(&m->range->adopted)) {
		result.span = 1;
		worker_look(w, m, &result);
	} else if (m->range->kind == RANGE_ADOPTED) {
		result.span = 1;
		w->slice_ends_ns = m->op && m->kind != MOVE_PIN ? crew_clock_ns() + SLICE_NS : 0;
		worker_adopted(w, m, &result);
	} else if (!atomic_load(&m->range->dying)) {
		result.outcome = (uint8_t)carry_out(w, m);
		if (result.outcome == MOVE_MOVED && (m->kind == MOVE_NODE || m->kind == MOVE_DISCARD))
			crew_room_changed(w->hand.crew);
	}
	crew_at_none(&w->hand, m->range->space);
	report(w->hand.squad, &result);
}

static bool next_move(struct squad *q, struct move *ret)
{
	return ring_pop(q->neighbours, ret) || ring_pop(q->ahead, ret) || ring_pop(q->jobs, ret);
}

void *worker_main(void *worker)
{
	struct worker *w = worker;
	struct squad *q = w->hand.squad;
	struct move m;

	while (!atomic_load(&q->leave)) {
		while (sem_wait(&q->work) < 0 && errno == EINTR)
			;
		/* All that is there: a pop that fails because a push before it is unfinished is made good by that push's post. */
		while (!atomic_load(&q->leave) && next_move(q, &m))
			work(w, &m);
	}
	return NULL;
}
