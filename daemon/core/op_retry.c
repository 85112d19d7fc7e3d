// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages of an operation (op.h) that could not be moved yet. Each waits in a place of its own, twice as long
 * every time: what keeps it is somebody else's move, or room that others are about to leave.
 */
#include "daemon/core/op_own.h"
#include "daemon/core/world.h"

void op_retry_end(struct op_retry *retry)
{
	range_drop(retry->range);
	retry->range = NULL;
}

unsigned int op_issue_retries(struct op *op, struct plan *plan, uint64_t now_us)
{
	struct move m = { .pages = 1,
			  .kind = (uint8_t)op->kind,
			  .reason = REASON_REQUEST,
			  .tier = op->tier,
			  .op = op->id };
	unsigned int i, n = 0;

	for (i = 0; i < OP_IN_FLIGHT && op_may_issue(op, plan); i++) {
		if (!op_retry_waits(op, &op->retries[i]) || op->retries[i].due_us > now_us)
			continue;
		m.range = op->retries[i].range;
		m.vpn = op->retries[i].vpn;
		if (drain_gone(op, m.range, m.vpn)) {
			op->result.already_there += LEDGER_PAGE_SIZE;
			op_retry_end(&op->retries[i]);
			continue;
		}
		if (op->from != TIER_NOWHERE)
			drain_way(m.range, op->from, &m);
		if (plan_add(plan, &m)) {
			op->result.failed += LEDGER_PAGE_SIZE;
			op_retry_end(&op->retries[i]);
			continue;
		}
		op->retries[i].issued = true;
		op_load_add(op, &m);
		n++;
	}
	return n;
}

struct op_retry *op_retry_find(struct op *op, const struct range *r, uint64_t vpn)
{
	unsigned int i;

	for (i = 0; i < OP_IN_FLIGHT; i++)
		if (op->retries[i].range == r && (!r || op->retries[i].vpn == vpn))
			return &op->retries[i];
	return NULL;
}

/* The page is told to stay where it is: no wait will change that. */
static bool is_held(const struct op *op, const struct move *m)
{
	return m->range->kind == RANGE_MANAGED &&
	       (m->kind == MOVE_EVICT || m->kind == MOVE_DISCARD ||
		(m->kind == MOVE_NODE && op->from != TIER_NOWHERE)) &&
	       (op_word(m->range, m->vpn) & (PAGE_PINNED | PAGE_STAY));
}

/* Of room in memory, where others go as time passes; a device that is full stays so. */
static bool may_come_right(const struct op *op, const struct move *m, enum move_outcome outcome)
{
	bool memory = m->kind != MOVE_EVICT || op->from != TIER_NOWHERE;

	return outcome == MOVE_BUSY || (outcome == MOVE_NO_ROOM && memory && !op->dry);
}

bool op_retry_later(struct op *op, const struct move *m, enum move_outcome outcome, uint64_t now_us)
{
	struct op_retry *retry = op_retry_find(op, m->range, m->vpn);

	if (!may_come_right(op, m, outcome))
		return false;
	if (!retry) {
		retry = op_retry_find(op, NULL, 0);
		if (!retry || op->cancelled || m->pages != 1 || !range_hold(m->range))
			return false;
		*retry = (struct op_retry){ .range = m->range, .vpn = m->vpn };
	}
	if (op->cancelled || is_held(op, m) || ++retry->tries > OP_RETRIES) {
		op_retry_end(retry);
		return false;
	}
	retry->issued = false;
	retry->due_us = now_us + ((uint64_t)OP_RETRY_US << (retry->tries - 1));
	return true;
}
