// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Operations (op.h). A page is in exactly one of four places: not looked at yet (the current span
 * and the rest), handed out, waiting to be tried again, or counted in the result; so the result
 * adds up.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/core/op_own.h"
#include "daemon/core/world.h"

enum { OP_LOOK = 4096 /* pages looked at in one turn: about 50 us */ };

int op_new(struct op **ret, struct world *w, uint64_t session, enum move_kind kind, uint8_t tier)
{
	struct op *op = calloc(1, sizeof(*op));
	int rc;

	if (!op)
		return -ENOMEM;
	op->world = w;
	op->id = w->next_id;
	op->session = session;
	op->kind = kind;
	op->tier = tier;
	op->from = TIER_NOWHERE;
	list_init(&op->rest);
	list_init(&op->pieces);
	list_init(&op->in_account);
	rc = idmap_put(w->ops, op->id, op);
	if (rc < 0)
		return free(op), rc;
	w->next_id++;
	*ret = op;
	return 0;
}

int op_add_bytes(struct op *op, struct range *r, uint64_t addr, uint64_t length)
{
	struct op_span *span = malloc(sizeof(*span));
	int rc = span ? op_piece_add(op, r, addr, addr + length) : -ENOMEM;

	if (rc)
		return free(span), rc;
	if (!range_hold(r))
		return free(span), 1;
	*span = (struct op_span){ .range = r, .addr = addr, .end = addr + length };
	list_append(&op->rest, &span->node);
	op->result.asked += op->from == TIER_NOWHERE ? length : 0;
	return 0;
}

int op_add_span(struct op *op, struct range *r, uint64_t vpn, uint64_t pages)
{
	uint64_t addr = vpn << LEDGER_PAGE_SHIFT;

	return op_add_bytes(op, r, addr < r->addr ? r->addr : addr, range_clip(r, vpn, pages));
}

/* What was asked for and is not handed out any more. */
static void not_handed_out(struct op *op, uint64_t bytes)
{
	op->result.failed += op->from == TIER_NOWHERE ? bytes : 0;
}

/* The current span is over: its range is let go, what is left of it counts as failed. */
static void span_end(struct op *op)
{
	if (!op->range)
		return;
	not_handed_out(op, op->end - op->next);
	range_drop(op->range);
	op->range = NULL;
}

static bool span_next(struct op *op)
{
	struct op_span *span = op_next_span(op);

	if (!span)
		return false;
	list_remove(&span->node);
	op->range = span->range;
	op->next = span->addr;
	op->end = span->end;
	free(span);
	return true;
}

/* What the word alone tells: moving such a page would change nothing. */
static bool already_there(const struct op *op, uint64_t word)
{
	enum page_state state = page_word_state(word);

	switch (op->kind) {
	case MOVE_EVICT:
		return state == PAGE_ABSENT ||
		       (state == PAGE_DEVICE && page_word_tier(word) == op->tier);
	case MOVE_NODE:
		return state == PAGE_ABSENT ||	/* where there are several nodes it is looked at again */
		       (state == PAGE_RESIDENT && page_word_tier(word) == op->tier && !op->world->many_nodes);
	case MOVE_FILL:
		return state == PAGE_RESIDENT;
	case MOVE_DISCARD:
		return state == PAGE_ABSENT;
	default:
		break;
	}
	return false;
}

static bool is_untouched(const struct range *r, uint64_t vpn)
{
	return page_word_state(op_word(r, vpn)) == PAGE_ABSENT;
}

static uint64_t bytes_of(const struct move *m)
{
	uint64_t addr, end;

	move_area(m, &addr, &end);
	return end - addr;
}

/*
 * One move of the current span, of one page or of as much adopted memory as may go together. False:
 * nothing handed out.
 */
static bool issue_here(struct op *op, struct plan *plan, uint64_t now_us)
{
	struct move m = { .range = op->range,
			  .vpn = op->next >> LEDGER_PAGE_SHIFT,
			  .pages = 1,
			  .kind = (uint8_t)op->kind,
			  .reason = REASON_REQUEST,
			  .tier = op->tier,
			  .op = op->id };

	if (op->from != TIER_NOWHERE) {
		if (drain_next(op, &m))
			return false;
	} else if (op->range->kind == RANGE_ADOPTED) {
		if (op_adopted_area(op, &m))
			return false;
	} else if (already_there(op, op_word(op->range, m.vpn))) {
		op_by_hand(op, m.range, m.vpn, false, now_us);
		op->result.already_there += LEDGER_PAGE_SIZE;
		op->result.untouched += is_untouched(op->range, m.vpn) ? LEDGER_PAGE_SIZE : 0;
		op->next += LEDGER_PAGE_SIZE;
		return false;
	}
	if (plan_add(plan, &m)) {
		span_end(op);
		return false;
	}
	op->next += bytes_of(&m);
	op_load_add(op, &m);
	return true;
}

unsigned int op_issue(struct op *op, struct plan *plan, uint64_t now_us)
{
	unsigned int n = 0, looked = 0;

	if (op_put_off(op) < 0)
		return 0;	/* later */
	while (op_may_issue(op, plan) && looked++ < OP_LOOK) {
		if (!op->range && !span_next(op))
			break;
		n += issue_here(op, plan, now_us);
		if (op->range && op->next == op->end)
			span_end(op);
	}
	return n + op_issue_retries(op, plan, now_us);
}

uint64_t op_due_us(const struct op *op)
{
	uint64_t due = UINT64_MAX;
	unsigned int i;

	if (op_has_spans(op))
		return 0;
	for (i = 0; i < OP_IN_FLIGHT; i++)
		if (op_retry_waits(op, &op->retries[i]) && op->retries[i].due_us < due)
			due = op->retries[i].due_us;
	return due;
}

static bool is_busy(const struct move *m, enum move_outcome outcome)
{
	return outcome == MOVE_BUSY || (outcome == MOVE_NO_ROOM && m->kind != MOVE_EVICT);
}

void op_report(struct op *op, const struct move *m, enum move_outcome outcome, uint64_t now_us)
{
	uint64_t bytes = bytes_of(m);
	struct op_result r = { 0 };

	if (op_retry_later(op, m, outcome, now_us)) {
		op_load_sub(op, m);
		return;
	}
	op->dry |= outcome == MOVE_NO_ROOM;
	op->dry &= outcome != MOVE_MOVED;
	if (outcome == MOVE_MOVED || outcome == MOVE_ALREADY)
		op_by_hand(op, m->range, m->vpn, outcome == MOVE_MOVED, now_us);
	r.no_room = outcome == MOVE_NO_ROOM ? bytes : 0;
	r.untouched = outcome == MOVE_ALREADY && is_untouched(m->range, m->vpn) ? bytes : 0;
	*(outcome == MOVE_MOVED ? &r.moved : outcome == MOVE_ALREADY ? &r.already_there :
	  is_busy(m, outcome) ? &r.busy : &r.failed) = bytes;
	op_report_bytes(op, m, &r);
}

/* At most what is left of the move. */
static uint64_t part(uint64_t *left, uint64_t bytes)
{
	if (bytes > *left)
		bytes = *left;
	*left -= bytes;
	return bytes;
}

void op_report_bytes(struct op *op, const struct move *m, const struct op_result *bytes)
{
	struct op_retry *retry = op_retry_find(op, m->range, m->vpn);
	uint64_t left = bytes_of(m);

	op_load_sub(op, m);
	if (retry && retry->issued)
		op_retry_end(retry);
	op->result.moved += part(&left, bytes->moved);
	op->result.untouched += left < bytes->untouched ? left : bytes->untouched;
	op->result.already_there += part(&left, bytes->already_there);
	op->result.no_room += left < bytes->no_room ? left : bytes->no_room;
	op->result.busy += part(&left, bytes->busy);
	op->result.failed += left;
	drain_asked(op, m, bytes_of(m), bytes->already_there);
}

bool op_done(const struct op *op)
{
	unsigned int i;

	if (op->in_flight || op->range || !list_empty(&op->rest))
		return false;
	for (i = 0; i < OP_IN_FLIGHT; i++)
		if (op->retries[i].range)
			return false;
	return true;
}

/* All that was not handed out, of one range or (NULL) of all, counts as failed. */
static void give_up(struct op *op, const struct range *r)
{
	unsigned int i;

	LIST_EACH_SAFE(node, next, &op->rest) {
		struct op_span *span = container_of(node, struct op_span, node);

		if (r && span->range != r)
			continue;
		not_handed_out(op, span->end - span->addr);
		range_drop(span->range);
		list_remove(node);
		free(span);
	}
	if (!r || op->range == r)
		span_end(op);
	for (i = 0; i < OP_IN_FLIGHT; i++) {
		if (!op->retries[i].range || (r && op->retries[i].range != r))
			continue;
		if (!op->retries[i].issued)
			op->result.failed += LEDGER_PAGE_SIZE;
		op_retry_end(&op->retries[i]);
	}
}

void op_leave(struct op *op, struct range *r)
{
	give_up(op, r);
}

void op_cancel(struct op *op)
{
	op->cancelled = true;
	give_up(op, NULL);
}

struct op *op_free(struct op *op, struct world *w)
{
	if (!op)
		return NULL;
	give_up(op, NULL);
	idmap_take(w->ops, op->id);
	list_remove(&op->in_account);
	charge_give(&op->charge);
	op_pieces_free(op);
	free(op->wholes);
	free(op);
	return NULL;
}
