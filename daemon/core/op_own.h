/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of an operation, for op*.c and drain_pass.c alone. */
#ifndef HMMD_CORE_OP_OWN_H
#define HMMD_CORE_OP_OWN_H

#include "daemon/core/op.h"
#include "daemon/core/range.h"
#include "daemon/core/space.h"

struct op_span {
	struct list_node node;
	struct range *range;	/* held */
	uint64_t addr, end;
};

static inline uint64_t op_word(const struct range *r, uint64_t vpn)
{
	return atomic_load_explicit(radix_find(&r->space->mirror, vpn), memory_order_relaxed);
}

/* op_left.c: what is to be in the tier. -ENOMEM. */
int op_piece_add(struct op *op, const struct range *r, uint64_t addr, uint64_t end);
void op_pieces_free(struct op *op);

/* op_held.c: users that are held up. */
/* Fewer moves are in flight than so many, and its user has load left. */
bool op_has_room(const struct op *op, uint32_t moves);
/* A move is handed out, and is reported: what it weighs. */
void op_held_add(struct op *op, const struct move *m, uint32_t weight);
void op_held_sub(struct op *op, const struct move *m, uint32_t weight);
/* The current span is left for later if its user is held up. 0 or -ENOMEM. */
int op_put_off(struct op *op);
struct op_span *op_next_span(struct op *op);	/* the first of the rest whose turn it is, or NULL */
bool op_has_spans(const struct op *op);		/* some whose turn it is */

static inline bool op_may_issue(const struct op *op, const struct plan *plan)
{
	return !op->cancelled && plan->n < PLAN_MOVES && op_has_room(op, OP_IN_FLIGHT);
}

static inline bool op_retry_waits(const struct op *op, const struct op_retry *retry)
{
	return retry->range && !retry->issued && !op_passes_by(op, retry->range);
}

/* op_slice.c */
/* The next slice of adopted memory into a move. True: what stays is counted, and nothing to hand out. */
bool op_adopted_area(struct op *op, struct move *m);
/* A move is handed out, and is reported. */
void op_load_add(struct op *op, const struct move *m);
void op_load_sub(struct op *op, const struct move *m);

/* op_retry.c */
unsigned int op_issue_retries(struct op *op, struct plan *plan, uint64_t now_us);
struct op_retry *op_retry_find(struct op *op, const struct range *r, uint64_t vpn);	/* r NULL: a free entry */
void op_retry_end(struct op_retry *retry);
/* True: the page will be tried again, so it counts for nothing yet. */
bool op_retry_later(struct op *op, const struct move *m, enum move_outcome outcome, uint64_t now_us);

/* drain_pass.c: of an operation that empties a tier (op.from). */
/* The next move of the current span. True: there is none here, what was looked at is counted. */
bool drain_next(struct op *op, struct move *m);
bool drain_gone(const struct op *op, const struct range *r, uint64_t vpn);	/* it is elsewhere by now */
/* Of adopted memory that nobody watches, what lay in the tier is known only when it has been tried. */
void drain_asked(struct op *op, const struct move *m, uint64_t bytes, uint64_t elsewhere);
/* Bytes of a move that was handed out come back: they are met again. */
void drain_back(struct op *op, const struct move *m, uint64_t bytes);

#endif
