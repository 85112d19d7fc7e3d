// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What operations may take of the workers (op.h): who pays for them, how much one user has handed out, and the
 * slices of adopted memory, of which a worker does as much as it has time for.
 */
#include <stdlib.h>

#include "daemon/core/adopted.h"
#include "daemon/core/op_own.h"
#include "daemon/core/world.h"

enum { OP_SLICE = 512 /* pages of adopted memory in one move: what can be looked through in some milliseconds */ };

int op_charge(struct op *op, struct account *a)
{
	if (charge_take(&op->charge, a, ACCOUNT_OPS, 1))
		return ACCOUNT_E_FULL;
	list_append(&a->ops, &op->in_account);
	return 0;
}

/* All workers but one may be busy with the slices of one user, and a single one is shared. */
static uint32_t weight_of(const struct move *m)
{
	uint32_t workers = m->range->space->world->config.workers;

	if (m->range->kind != RANGE_ADOPTED)
		return 1;
	return workers > 2 ? OP_USER_LOAD / (workers - 1) : OP_USER_LOAD;
}

void op_load_add(struct op *op, const struct move *m)
{
	op->in_flight++;
	op_held_add(op, m, weight_of(m));
	if (op->charge.account)
		op->charge.account->load += weight_of(m);
}

void op_load_sub(struct op *op, const struct move *m)
{
	op->in_flight--;
	op_held_sub(op, m, weight_of(m));
	if (op->charge.account)
		op->charge.account->load -= weight_of(m);
}

/* Adopted memory that is told to stay, and is to go elsewhere. */
static bool stays(const struct op *op, uint64_t vpn)
{
	uint64_t word = adopted_word(op->range, vpn);

	return (word & PAGE_STAY) && (op->kind == MOVE_EVICT || op->kind == MOVE_NODE) &&
	       (page_word_state(word) != PAGE_ADOPTED || page_word_tier(word) != op->tier);
}

/*
 * Where adopted memory ends that stays, or goes, as the first page of what is left, or the slice does. A pin has
 * no slices: it is one thing to whoever ends it.
 */
static uint64_t run_end(const struct op *op, bool stay)
{
	uint64_t vpn = op->next >> LEDGER_PAGE_SHIFT, last = (op->end - 1) >> LEDGER_PAGE_SHIFT;

	if (op->kind != MOVE_PIN && last - vpn >= OP_SLICE)
		last = vpn + OP_SLICE - 1;
	while (vpn < last && stays(op, vpn + 1) == stay)
		vpn++;
	return vpn < (op->end - 1) >> LEDGER_PAGE_SHIFT ? (vpn + 1) << LEDGER_PAGE_SHIFT : op->end;
}

bool op_adopted_area(struct op *op, struct move *m)
{
	bool stay = stays(op, m->vpn);
	uint64_t end = run_end(op, stay);

	if (stay) {
		op->result.busy += end - op->next;
		op->next = end;
	} else {
		move_set_area(m, op->next, end);
	}
	return stay;
}

/* At the front: it goes on where it stopped. */
static bool take_back(struct op *op, const struct move *m, uint64_t addr, uint64_t end)
{
	struct op_span *span = op->cancelled ? NULL : malloc(sizeof(*span));

	if (!span || !range_hold(m->range)) {
		free(span);
		return false;
	}
	*span = (struct op_span){ .range = m->range, .addr = addr, .end = end };
	list_append(op->rest.next, &span->node);
	drain_back(op, m, end - addr);
	return true;
}

void op_report_part(struct op *op, const struct move *m, const struct op_result *bytes, uint64_t stopped)
{
	struct move done = *m;
	uint64_t addr, end;

	move_area(m, &addr, &end);
	if (stopped < addr || stopped >= end || !take_back(op, m, stopped, end)) {
		op_report_bytes(op, m, bytes);
	} else if (stopped == addr) {
		op_load_sub(op, m);	/* not begun */
	} else {
		move_set_area(&done, addr, stopped);
		op_report_bytes(op, &done, bytes);
	}
}
