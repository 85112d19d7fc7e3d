// SPDX-License-Identifier: GPL-2.0-or-later
/* Migrate and Exclusive of a client's own ranges. */
#include <errno.h>

#include "daemon/io/daemon.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/request_move.h"
#include "daemon/io/session_own.h"

int move_kind_to(const struct range *r, const struct tier *t, enum move_kind *ret)
{
	if (r->kind == RANGE_ADOPTED && !tier_is_resident(t))
		return 1;
	*ret = tier_is_resident(t) ? MOVE_NODE : MOVE_EVICT;
	return 0;
}

/* 0 or -1 (refused). */
int move_tier_takes(struct request *q, const struct tier *t)
{
	if (t->state == TIER_ONLINE)
		return 0;
	session_error(q->session, q->id, EBUSY, "tier %s %s", t->config.name,
		      t->state == TIER_FAILED ? "has failed"
					      : "is being drained; undrain it first");
	return -1;
}

void request_migrate(struct request *q)
{
	const Hmmd__Migrate *m = q->message->migrate;
	enum move_kind kind;
	struct tier *tier;
	struct span span;
	struct op *op;

	if (request_find_span(q, m->range, m->offset, m->length, &span) ||
	    request_find_tier(q, m->tier, &tier) || move_tier_takes(q, tier))
		return;
	if (move_kind_to(span.range, tier, &kind)) {
		session_error(q->session, q->id, EOPNOTSUPP,
			      "tier %s is a device of hmmd; adopted memory stays on NUMA nodes",
			      m->tier);
		return;
	}
	if (!request_op_new(q, kind, tier->index, &op) && !request_op_add(q, op, &span))
		request_op_start(q, op);
}

void request_exclusive(struct request *q)
{
	session_error(q->session, q->id, EOPNOTSUPP,
		      "exclusive access needs the kernel driver (/dev/hmm), which this machine "
		      "does not have");
}
