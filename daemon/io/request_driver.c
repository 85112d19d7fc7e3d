// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests that only the kernel driver can carry out: its descriptor, exclusive access, pins of
 * adopted memory. What was asked for is meant to the byte here, not to the huge page.
 */
#include <errno.h>

#include "daemon/io/daemon.h"
#include "daemon/io/kernel_tier.h"
#include "daemon/io/pin.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/request_driver.h"
#include "daemon/io/session_own.h"
#include "daemon/io/space_driver.h"
#include "daemon/mech/driver.h"

void request_attach_driver(struct request *q)
{
	struct session *s = q->session;
	int r;

	if (!kernel_tiers_open(q->daemon)) {
		session_error(s, q->id, EOPNOTSUPP,
			      "AttachDriver: this hmmd has no tier of the kernel driver");
		return;
	}
	r = driver_check(q->daemon->driver, q->fds[0]);
	if (r > 0) {
		session_error(s, q->id, EBADF,
			      "AttachDriver: the descriptor is not the driver's node, open for "
			      "reading and "
			      "writing with O_NONBLOCK");
		return;
	}
	if (!r) {
		r = space_driver_attach(q->daemon, s->space, q->fds[0]);
		q->fds[0] = -1;
	}
	if (r)
		reply_result(s, q->id, r, "AttachDriver");
	else
		reply_ok(s, q->id);
}

/*
 * The piece in bytes; its range is adopted and its client has sent the descriptor. 0 or -1
 * (refused).
 */
static int find_piece(struct request *q, uint64_t range, uint64_t offset, uint64_t length,
		      const char *what, struct op_piece *ret)
{
	struct span span;

	if (request_find_span(q, range, offset, length, &span))
		return -1;
	*ret = (struct op_piece) { span.range, span.range->addr + offset, length };
	if (span.range->kind != RANGE_ADOPTED)
		session_error(q->session, q->id, EOPNOTSUPP,
			      "range %llu is managed; %s is for adopted ranges",
			      (unsigned long long)range, what);
	else if (!atomic_load(&span.range->adopted))
		session_error(q->session, q->id, EOPNOTSUPP,
			      "%s of adopted memory needs the kernel driver: hmmctl doctor says "
			      "what is missing",
			      what);
	else
		return 0;
	return -1;
}

/* 0 or -1 (refused; the op is freed). */
static int start(struct request *q, struct op *op, const struct op_piece *p)
{
	int r = op_add_bytes(op, p->range, p->addr, p->length);

	if (!r) {
		request_op_start(q, op);
		return 0;
	}
	op_free(op, q->daemon->world);
	reply_result(q->session, q->id, r < 0 ? r : -EBUSY, "the operation");
	return -1;
}

void request_migrate_adopted(struct request *q, struct range *range, enum move_kind kind,
			     unsigned int tier)
{
	const Hmmd__Migrate *m = q->message->migrate;
	struct op_piece p = { range, range->addr + m->offset, m->length };
	struct op *op;

	if (!request_op_new(q, kind, tier, &op))
		start(q, op, &p);
}

/* The device that the range's memory would go to first. */
static int first_device(struct request *q, const struct range *r, unsigned int *ret_tier)
{
	const struct world *w = q->daemon->world;

	for (unsigned int i = 0; i < r->n_lower; i++)
		if (w->tiers[r->lower[i]].state == TIER_ONLINE) {
			*ret_tier = r->lower[i];
			return 0;
		}
	session_error(q->session, q->id, ENODEV,
		      "policy %s has no tier of the kernel driver that is online",
		      r->policy->config.name);
	return -1;
}

void request_exclusive(struct request *q)
{
	const Hmmd__Exclusive *e = q->message->exclusive;
	struct op_piece p;
	unsigned int tier;
	struct op *op;

	if (find_piece(q, e->range, e->offset, e->length, "exclusive access", &p))
		return;
	if (!(q->daemon->driver->features & HMMDEV_FEATURE_EXCLUSIVE)) {
		session_error(q->session, q->id, EOPNOTSUPP,
			      "exclusive access needs a kernel of 6.18 or later");
		return;
	}
	if (!first_device(q, p.range, &tier) &&
	    !request_op_new(q, e->end ? MOVE_SHARED : MOVE_EXCLUSIVE, tier, &op))
		start(q, op, &p);
}

void request_pin_adopted(struct request *q)
{
	const Hmmd__Pin *m = q->message->pin;
	struct tier *tier = NULL;
	struct op_piece p;
	struct op *op;
	int r;

	if (find_piece(q, m->range, m->offset, m->length, "a pin", &p))
		return;
	if (m->tier[0] && request_find_tier(q, m->tier, &tier))
		return;
	if (tier) {
		session_error(q->session, q->id, EOPNOTSUPP,
			      "adopted memory is pinned where it is; migrate it to %s first",
			      m->tier);
		return;
	}
	if (request_op_new(q, MOVE_PIN, atomic_load(&p.range->home), &op))
		return;
	r = pin_take(p.range, PIN_OF_PROGRAM, p.addr, p.addr + p.length);
	if (r) {
		op_free(op, q->daemon->world);
		reply_result(q->session, q->id, r, "a pin");
	} else if (!request_pin_note(q, op, PIN_OF_PROGRAM, p.range, p.addr, p.addr + p.length) && start(q, op, &p)) {
		pin_undo(p.range, PIN_OF_PROGRAM, p.addr, p.addr + p.length);
	}
}

void request_unpin_adopted(struct request *q)
{
	const Hmmd__Unpin *u = q->message->unpin;
	struct op_piece p;

	if (find_piece(q, u->range, u->offset, u->length, "a pin", &p))
		return;
	reply_unpin(q, pin_drop(q->daemon, p.range, PIN_OF_PROGRAM, p.addr, p.addr + p.length));
}
