// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations as requests see them: made, filled with spans, begun. Their end is session_op_done().
 */
#include <errno.h>

#include "daemon/io/awaited.h"
#include "daemon/io/daemon.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/schedule.h"
#include "daemon/io/session_own.h"

int request_op_new(struct request *q, enum move_kind kind, unsigned int tier, struct op **ret)
{
	int r;

	if (q->session->ops >= HMM_LIMIT_OPS) {
		session_error(q->session, q->id, EBUSY,
			      "this client has %d unfinished operations; wait for one to end",
			      HMM_LIMIT_OPS);
		return -1;
	}
	r = op_new(ret, q->daemon->world, q->session->id, kind, (uint8_t)tier);
	if (!r && op_charge(*ret, q->session->space->account)) {
		op_free(*ret, q->daemon->world);
		session_error(q->session, q->id, EDQUOT,
			      "this user has %llu unfinished operations, the quota; wait for one to end",
			      (unsigned long long)q->session->space->account->limit[ACCOUNT_OPS]);
		return -1;
	}
	if (!r)
		return 0;
	reply_result(q->session, q->id, r, "a new operation");
	return -1;
}

int request_op_add(struct request *q, struct op *op, const struct span *span)
{
	int r = op_add_span(op, span->range, span->vpn, span->pages);

	if (!r)
		return 0;
	op_free(op, q->daemon->world);
	reply_result(q->session, q->id, r < 0 ? r : -EBUSY, "the operation");
	return -1;
}

/* The answer goes first: an operation with nothing to do may end at once. */
void request_op_start(struct request *q, struct op *op)
{
	q->session->ops++;
	reply_op_started(q->session, q->id, op->id);
	schedule_op(q->daemon, op);
}

void request_op_await(struct request *q, struct op *op)
{
	int r = awaited_add(q->session, op->id, q->id);

	if (r) {
		op_free(op, q->daemon->world);
		reply_result(q->session, q->id, r, "the operation");
		return;
	}
	q->session->ops++;
	schedule_op(q->daemon, op);
}

int op_start_silent(struct daemon *d, enum move_kind kind, unsigned int tier,
		    const struct span *span)
{
	struct op *op;
	int r = op_new(&op, d->world, 0, kind, (uint8_t)tier);

	if (r)
		return r;
	r = op_charge(op, span->range->space->account) ? -EDQUOT :
		op_add_span(op, span->range, span->vpn, span->pages);
	if (r) {
		op_free(op, d->world);
		return r < 0 ? r : -EBUSY;
	}
	schedule_op(d, op);
	return 0;
}
