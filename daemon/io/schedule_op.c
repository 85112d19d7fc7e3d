// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations on their way: issued as room comes, reported, ended; and what their clients are told meanwhile. */
#include "daemon/core/adopted.h"
#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/drain.h"
#include "daemon/io/request.h"
#include "daemon/io/schedule_own.h"
#include "daemon/io/session.h"

enum { TURN_LOOKS = 8 /* operations of a user looked at when it has load again */ };

/* op_issue() hands out OP_IN_FLIGHT moves at most, so what is issued fits, but of an operation over several users. */
void schedule_issue(struct daemon *d, struct op *op)
{
	uint64_t now_us = daemon_now_us(d), due_us;
	const struct account *a = op->charge.account;
	struct plan *plan;
	size_t i;

	if (!d->crew || !d->schedule || op_done(op) ||
	    (op->range && !op_passes_by(op, op->range) && crew_room(d->crew, op->range->space) < OP_IN_FLIGHT))
		return;
	plan = &d->schedule->plan;
	plan->n = 0;
	op_issue(op, plan, now_us);
	for (i = 0; i < plan->n; i++)
		if (crew_submit(d->crew, &plan->moves[i])) {
			op_report(op, &plan->moves[i], MOVE_BUSY, now_us);
			range_drop(plan->moves[i].range);
		}
	due_us = op_due_us(op);
	/* One that waits for its user's load is issued when there is some again. */
	if (!op->in_flight && due_us != UINT64_MAX && (!a || a->load < OP_USER_LOAD))
		schedule_soon(d->schedule, due_us > now_us ? due_us - now_us : 0);
}

void schedule_end(struct daemon *d, struct op *op)
{
	if (drain_goes_on(d, op)) {
		schedule_issue(d, op);
		return;
	}
	if (d->schedule && d->schedule->moved.op == op->id)
		schedule_flush_moved(d);
	pin_ended(d, op);
	op_count_left(op);
	session_op_done(d, op);
	op_free(op, d->world);
}

/*
 * The operations of a user, one after another, as long as it has any load left. Those that wait for a time, not for
 * load, are passed by; the tick comes to them.
 */
void schedule_turn(struct daemon *d, struct account *a)
{
	struct op *op;

	for (unsigned int i = 0; i < TURN_LOOKS && a->load < OP_USER_LOAD && !list_empty(&a->ops); i++) {
		op = container_of(a->ops.next, struct op, in_account);
		list_remove(&op->in_account);
		list_append(&a->ops, &op->in_account);
		schedule_issue(d, op);
	}
}

void schedule_end_done(struct daemon *d)
{
	size_t cursor = 0;
	struct op *op;

	while ((op = idmap_each(d->world->ops, &cursor, NULL))) {
		if (!op_done(op))
			continue;
		schedule_end(d, op);
		cursor--;	/* another one may have come to its place */
	}
}

void schedule_op(struct daemon *d, struct op *op)
{
	if (!d->schedule)
		op_cancel(op);
	else
		d->schedule->active = true;
	schedule_issue(d, op);
	if (op_done(op))
		schedule_end(d, op);
	else if (d->schedule)
		schedule_soon(d->schedule, d->world->config.tick_us);
}

void schedule_session_gone(struct daemon *d, uint64_t session)
{
	size_t cursor = 0;
	struct op *op;

	while ((op = idmap_each(d->world->ops, &cursor, NULL)))
		if (op->session == session) {
			op->session = 0;
			if (op->from == TIER_NOWHERE)	/* a drain goes on */
				op_cancel(op);
		}
	schedule_end_done(d);
}

void schedule_flush_moved(struct daemon *d)
{
	struct moved_run *run = d->schedule ? &d->schedule->moved : NULL;
	struct session *s = run && run->range ? session_find(d, run->session) : NULL;
	Hmmd__Message m = HMMD__MESSAGE__INIT;
	Hmmd__Moved moved = HMMD__MOVED__INIT;

	if (s) {
		moved.range = run->range;
		moved.offset = run->offset;
		moved.length = run->length;
		moved.tier = d->world->tiers[run->tier].config.name;
		m.kind_case = HMMD__MESSAGE__KIND_MOVED;
		m.moved = &moved;
		session_send(s, 0, &m, NULL, 0);
	}
	if (run)
		*run = (struct moved_run){ 0 };
}

/*
 * What somebody asked for, whoever it was, and what undoes it: a program that wants to know of each page that a policy
 * moves, or that it touches itself, would hear of little else.
 */
void schedule_moved(struct daemon *d, uint64_t op, const struct range *r, uint64_t vpn, uint64_t pages)
{
	struct session *s = session_of_space(d, r->space);
	struct moved_run *run = d->schedule ? &d->schedule->moved : NULL;
	uint64_t addr = vpn << LEDGER_PAGE_SHIFT, length = range_clip(r, vpn, pages);
	uint64_t offset = addr < r->addr ? 0 : addr - r->addr;
	uint8_t tier = (uint8_t)page_word_tier(adopted_word(r, vpn));

	if (!run || !s)
		return;
	if (run->op == op && run->range == r->id && run->tier == tier && run->offset + run->length == offset) {
		run->length += length;
		return;
	}
	schedule_flush_moved(d);
	*run = (struct moved_run){ .session = session_id(s), .op = op, .range = r->id, .offset = offset,
				   .length = length, .tier = tier };
}
