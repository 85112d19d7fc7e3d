// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the threads report, taken in on the loop: results of moves, and notes of faults, evictions and
 * losses. Each comes with a hold on its range, let go here. Works without a schedule too, at the very end.
 */
#include "daemon/core/adopted.h"
#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/pin.h"
#include "daemon/io/schedule_own.h"
#include "daemon/io/session.h"
#include "daemon/io/space_driver.h"

static struct heat *heat_of(struct range *r, uint64_t vpn)
{
	return r->heat ? &r->heat[vpn - range_first_vpn(r)] : NULL;
}

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
	if (op && op_done(op))
		schedule_end_done(d);
	else if (op && op->in_flight <= OP_IN_FLIGHT / 2)
		schedule_issue(d, op);
	if (was_planned(m))
		plan_result(d);
	schedule_stir(d);
	range_drop(m->range);
}

void schedule_move_done(struct daemon *d, const struct move *m, enum move_outcome outcome)
{
	struct op *op = m->op ? idmap_get(d->world->ops, m->op) : NULL;
	struct heat *heat = heat_of(m->range, m->vpn);

	if (outcome == MOVE_MOVED && (m->kind == MOVE_FILL || m->kind == MOVE_PIN) && heat)
		range_filled(m->range, m->vpn, daemon_now_us(d), false);
	if (outcome == MOVE_MOVED && d->schedule && was_planned(m))
		d->schedule->planned_moved++;
	if (op && outcome == MOVE_MOVED)
		schedule_moved(d, op, m);
	if (op)
		op_report(op, m, outcome, daemon_now_us(d));
	after(d, m, op);
}

static void pinned(const struct move *m, bool done)
{
	uint64_t addr, end;

	move_area(m, &addr, &end);
	pin_arrived(m->range, addr, end, done ? m->pin : 0);
}

void schedule_span_done(struct daemon *d, const struct move *m, const struct op_result *bytes)
{
	struct op *op = m->op ? idmap_get(d->world->ops, m->op) : NULL;

	adopted_settle(m->range, m->vpn, m->pages, daemon_now_us(d));
	if (m->kind == MOVE_PIN)
		pinned(m, bytes->moved > 0);
	if (bytes->moved && d->schedule && was_planned(m))
		d->schedule->planned_moved++;
	if (op)
		op_report_bytes(op, m, bytes);
	after(d, m, op);
}

static void page_lost(struct daemon *d, const struct fault_note *n)
{
	if (d->schedule)
		d->schedule->lost_untold++;
	session_lost(d, n->range, n->vpn, 1, "the device could not be read");
}

void schedule_fault_note(struct daemon *d, const struct fault_note *n)
{
	struct heat *heat = heat_of(n->range, n->vpn);

	if (n->lost)
		page_lost(d, n);
	else if (heat && n->evicted)
		heat_evicted(heat, n->at_us);
	else if (heat && (n->kind == FAULT_FILL || n->kind == FAULT_ZERO))
		range_filled(n->range, n->vpn, n->at_us, true);
	else if (heat && n->kind == FAULT_ABORT)
		heat_sample(heat, true);
	schedule_stir(d);
	range_drop(n->range);
}
