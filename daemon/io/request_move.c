// SPDX-License-Identifier: GPL-2.0-or-later
/* Migrate of a client's own ranges. */
#include <errno.h>

#include "daemon/io/daemon.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/request_driver.h"
#include "daemon/io/request_move.h"
#include "daemon/io/session_own.h"

int move_kind_to(const struct range *r, const struct tier *t, enum move_kind *ret)
{
	bool watched = r->kind == RANGE_ADOPTED && atomic_load(&r->adopted);

	if (!tier_is_resident(t) && tier_is_managed(t) != (r->kind == RANGE_MANAGED))
		return 1;
	if (!tier_is_managed(t) && !watched)
		return 1;
	*ret = tier_is_resident(t) ? MOVE_NODE : MOVE_EVICT;
	return 0;
}

static const char *why_not(const struct range *r, const struct tier *t)
{
	if (r->kind == RANGE_MANAGED)
		return "is a device of the kernel driver; managed memory cannot go there";
	if (tier_is_managed(t))
		return "is a device of hmmd; adopted memory goes to NUMA nodes and devices of the kernel driver";
	return "is a device of the kernel driver, and the client could not open its node";
}

/* 0 or -1 (refused). */
int move_tier_takes(struct request *q, const struct tier *t)
{
	if (t->state == TIER_ONLINE)
		return 0;
	session_error(q->session, q->id, t->state == TIER_FAILED ? EIO : EBUSY, "tier %s %s", t->config.name,
		      t->state == TIER_FAILED ? "has failed"
					      : "is being drained; undrain it first");
	return -1;
}

/* Whether the kernel has to be told whose memory it is. */
static bool goes_by_pid(const struct request *q, const struct range *r, const struct tier *t)
{
	return r->kind == RANGE_MANAGED ? tier_is_resident(t) && q->daemon->world->many_nodes : !atomic_load(&r->adopted);
}

/* 0 or -1 (refused). */
static int is_known(struct request *q, const struct range *r, const struct tier *t)
{
	if (session_look(q->session))
		return -1;
	if (q->session->peer.image.mark || !goes_by_pid(q, r, t))
		return 0;
	session_error(q->session, q->id, EPERM, "hmmd cannot be sure whose memory pid %d has: the client did not say the "
		      "mark of its address space (its library is older, or has no /proc), or hmmd may not read it "
		      "(CAP_SYS_PTRACE)", (int)q->session->peer.pid);
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
	    request_find_tier(q, m->tier, &tier) || move_tier_takes(q, tier) || is_known(q, span.range, tier))
		return;
	if (move_kind_to(span.range, tier, &kind)) {
		session_error(q->session, q->id, EOPNOTSUPP, "tier %s %s", m->tier, why_not(span.range, tier));
		return;
	}
	if (span.range->kind == RANGE_ADOPTED)
		request_migrate_adopted(q, span.range, kind, tier->index);
	else if (!request_op_new(q, kind, tier->index, &op) && !request_op_add(q, op, &span))
		request_op_start(q, op);
}
