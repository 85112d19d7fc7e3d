// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Operations and users that are held up. A drain, and what the daemon does of itself, is about the memory of many
 * users, each of whom has threads of its own. One whose program holds these up keeps its own pages waiting and
 * nobody else's: its moves that are under way do not count as the operation's, and what is left of it comes last,
 * when the threads get on again. What only finds out how much stays (op.h, `dry`) waits for nobody.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/core/op_own.h"
#include "daemon/core/world.h"

static bool is_about_all(const struct op *op)
{
	return op->from != TIER_NOWHERE || !op->charge.account;
}

/* Moves of what others asked for: with them the user would take room that is not its own. */
static bool is_of_others(const struct op *op, const struct space *s)
{
	return is_about_all(op) || op->charge.account != s->account;
}

bool op_has_room(const struct op *op, uint32_t moves)
{
	const struct account *a = op->charge.account;
	bool all = is_about_all(op);

	return op->in_flight < moves + (all ? op->world->held_moves : 0) &&
	       (!a || a->load < OP_USER_LOAD + (all ? op->world->held_weight : 0));
}

bool op_wants_more(const struct op *op)
{
	return op_has_room(op, OP_IN_FLIGHT / 2 + 1);
}

void op_held_add(struct op *op, const struct move *m, uint32_t weight)
{
	struct space *s = m->range->space;

	if (!is_of_others(op, s))
		return;
	s->op_moves++;
	s->op_weight += weight;
	op->world->held_moves += s->held_up;
	op->world->held_weight += s->held_up ? weight : 0;
}

void op_held_sub(struct op *op, const struct move *m, uint32_t weight)
{
	struct space *s = m->range->space;

	if (!is_of_others(op, s))
		return;
	s->op_moves--;
	s->op_weight -= weight;
	op->world->held_moves -= s->held_up;
	op->world->held_weight -= s->held_up ? weight : 0;
}

bool op_passes_by(const struct op *op, const struct range *r)
{
	return r->space->held_up && is_about_all(op) && !(op->dry && op->from != TIER_NOWHERE);
}

int op_put_off(struct op *op)
{
	struct op_span *span;

	if (!op->range || !op_passes_by(op, op->range))
		return 0;
	span = malloc(sizeof(*span));
	if (!span)
		return -ENOMEM;
	*span = (struct op_span){ .range = op->range, .addr = op->next, .end = op->end };	/* with its hold */
	list_append(&op->rest, &span->node);
	op->range = NULL;
	return 0;
}

/* Those passed by go to the end, each once. */
struct op_span *op_next_span(struct op *op)
{
	struct op_span *span, *passed = NULL;

	while (!list_empty(&op->rest)) {
		span = container_of(op->rest.next, struct op_span, node);
		if (!op_passes_by(op, span->range))
			return span;
		if (span == passed)
			break;
		passed = passed ? passed : span;
		list_remove(&span->node);
		list_append(&op->rest, &span->node);
	}
	return NULL;
}

bool op_has_spans(const struct op *op)
{
	if (op->range && !op_passes_by(op, op->range))
		return true;
	LIST_EACH(node, &op->rest)
		if (!op_passes_by(op, container_of(node, struct op_span, node)->range))
			return true;
	return false;
}
