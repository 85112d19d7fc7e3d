// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the threads report, taken in on the loop: results of moves, and notes of faults, evictions and
 * losses. Each comes with a hold on its range, let go here. Works without a schedule too, at the very end.
 */
#include "daemon/core/adopted.h"
#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/pin.h"
#include "daemon/io/request_tables.h"
#include "daemon/io/schedule_own.h"
#include "daemon/io/session.h"
#include "daemon/io/space_driver.h"

/* The loop has something to decide soon, but no sooner than the next tick. */
void schedule_stir(struct daemon *d)
{
	struct schedule *s = d->schedule;

	if (!s)
		return;
	s->active = true;
	if (s->slow)
		schedule_soon(s, d->world->config.tick_us);
}

static bool was_planned(const struct move *m)
{
	return !m->op && m->reason != REASON_STREAM && m->reason != REASON_OWN;
}

/* A full plan that mostly worked has more behind it; one that did not is not repeated before its time. */
static void plan_result(struct daemon *d)
{
	struct schedule *s = d->schedule;

	if (!s || !s->planned_in_flight || --s->planned_in_flight)
		return;
	if (s->planned == PLAN_MOVES && s->planned_moved >= PLAN_MOVES / 2)
		schedule_kick(d);
}

static void after(struct daemon *d, const struct move *m, struct op *op)
{
	struct account *user = op ? op->charge.account : NULL;

	if (op && op_done(op))
		schedule_end(d, op);
	else if (op && op_wants_more(op))
		schedule_issue(d, op);
	if (user)
		schedule_turn(d, user);
	if (was_planned(m))
		plan_result(d);
	schedule_stir(d);
	range_drop(m->range);
}

void schedule_move_done(struct daemon *d, const struct move *m, enum move_outcome outcome)
{
	struct op *op = m->op ? idmap_get(d->world->ops, m->op) : NULL;
	struct heat *heat = range_heat(m->range, m->vpn);

	if (outcome == MOVE_MOVED && (m->kind == MOVE_FILL || m->kind == MOVE_PIN) && heat)
		range_filled(m->range, m->vpn, daemon_now_us(d), false);
	if (outcome == MOVE_MOVED && d->schedule && was_planned(m))
		d->schedule->planned_moved++;
	if (op && outcome == MOVE_MOVED && m->kind != MOVE_DISCARD)
		schedule_moved(d, op->id, m->range, m->vpn, 1);
	if (op)
		op_report(op, m, outcome, daemon_now_us(d));
	else if (outcome == MOVE_MOVED && was_planned(m))
		schedule_left(d, m->range, m->vpn, schedule_why(m));
	after(d, m, op);
}

/* Nobody else pins adopted memory. */
static void pinned(struct daemon *d, struct op *op, const struct move *m, bool done)
{
	struct op_whole *w = op ? op_find_whole(op, m) : NULL;

	if (!w)
		return;
	w->id = done ? m->pin : 0;
	w->under_way = false;
	w->none = !pin_arrived(d, m->range, (enum pin_owner)w->owner, w->addr, w->end, w->id);
}

/*
 * Of memory that nobody watches only what was moved whole is known; where some of it did not move, or is not there yet,
 * nothing. Where nothing moved it is where it was.
 */
static int book_moved(const struct move *m, const struct op_result *bytes, uint64_t whole)
{
	uint64_t addr, end;
	int rc = 0;

	move_area(m, &addr, &end);
	if (m->kind == MOVE_NODE && !m->leaves && !bytes->untouched && bytes->moved + bytes->already_there == end - addr)
		return adopted_moved(m->range, m->vpn, m->pages, m->tier, true);
	if (m->kind == MOVE_NODE && !m->leaves && bytes->moved + bytes->already_there)
		adopted_unknown(m->range, m->vpn, m->pages);
	for (unsigned int i = 0; whole && i < CREW_WHOLE && !rc; i++)
		if (whole >> i & 1)
			rc = adopted_moved(m->range, m->vpn + i, 1, m->tier, false);
	return rc;
}

/* Words say where adopted memory was last seen: where they cannot be had they say nothing. */
static void book(const struct move *m, const struct op_result *bytes, uint64_t whole)
{
	struct range *r = m->range;
	int rc;

	do {
		if (atomic_load(&r->dying))
			return;
		rc = atomic_load(&r->adopted) ? adopted_words(r, m->vpn, m->pages) : book_moved(m, bytes, whole);
	} while (rc == SPACE_E_TABLES && !request_grow_tables(r->space));
}

enum { SPAN_WORDS = 512 /* pages of a slice; a pin may have more, and moves nothing to where it was not */ };

static void look_at_words(const struct move *m, uint64_t *words)
{
	for (uint32_t i = 0; i < m->pages && i < SPAN_WORDS; i++)
		words[i] = adopted_word(m->range, m->vpn + i);
}

static bool is_elsewhere(uint64_t now, uint64_t before)
{
	return page_word_state(now) == PAGE_ADOPTED &&
	       (page_word_state(before) != PAGE_ADOPTED || page_word_tier(before) != page_word_tier(now));
}

/* Which pages the words did not name where they are now. */
static void tell_span(struct daemon *d, const struct move *m, const struct op *op, const uint64_t *before)
{
	for (uint32_t i = 0; i < m->pages; i++) {
		bool moved = i < SPAN_WORDS && is_elsewhere(adopted_word(m->range, m->vpn + i), before[i]);

		if (op)
			op_by_hand(op, m->range, m->vpn + i, moved, daemon_now_us(d));
		if (!moved)
			continue;
		if (op)
			schedule_moved(d, op->id, m->range, m->vpn + i, 1);
		else if (was_planned(m) || m->kind == MOVE_LOOK)
			schedule_left(d, m->range, m->vpn + i, schedule_why(m));
	}
}

/* What lies before the address at which the worker stopped; 0: all of it. */
static struct move part_done(const struct move *m, uint64_t stopped)
{
	struct move done = *m;
	uint64_t addr, end;

	move_area(m, &addr, &end);
	if (stopped > addr && stopped < end)
		move_set_area(&done, addr, stopped);
	else if (stopped == addr)
		done.pages = 0;
	return done;
}

void schedule_span_done(struct daemon *d, const struct move *m, const struct op_result *bytes, uint64_t stopped,
			uint64_t whole)
{
	struct op *op = m->op ? idmap_get(d->world->ops, m->op) : NULL;
	struct move done = part_done(m, stopped);
	uint64_t before[SPAN_WORDS];

	if (m->kind == MOVE_LOOK && !atomic_load(&m->range->adopted)) {
		schedule_found(d, m, whole);
		range_drop(m->range);
		return;
	}
	look_at_words(&done, before);
	book(&done, bytes, whole);
	adopted_settle(done.range, done.vpn, done.pages, daemon_now_us(d));
	tell_span(d, &done, op, before);
	if (m->kind == MOVE_PIN)
		pinned(d, op, m, bytes->moved > 0);
	if (bytes->moved && d->schedule && was_planned(m))
		d->schedule->planned_moved++;
	if (op)
		op_report_part(op, m, bytes, stopped);
	after(d, m, op);
}

static void page_lost(struct daemon *d, const struct fault_note *n)
{
	if (d->schedule)
		d->schedule->lost_untold++;
	session_lost(d, n->range, n->vpn, 1, "the device could not be read");
}

static void page_evicted(struct daemon *d, const struct fault_note *n, struct heat *heat)
{
	heat_evicted(heat, n->at_us);
	if (!n->asked)
		schedule_left(d, n->range, n->vpn, UNDONE_ROOM);
}

void schedule_fault_note(struct daemon *d, const struct fault_note *n)
{
	struct heat *heat = range_heat(n->range, n->vpn);

	if (n->lost)
		page_lost(d, n);
	else if (heat && n->evicted)
		page_evicted(d, n, heat);
	else if (heat && (n->kind == FAULT_FILL || n->kind == FAULT_ZERO))
		range_filled(n->range, n->vpn, n->at_us, true);
	else if (heat && n->kind == FAULT_ABORT)
		heat_sample(heat, true);
	schedule_stir(d);
	range_drop(n->range);
}
