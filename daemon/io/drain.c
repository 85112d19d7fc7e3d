// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Passes of a drain (drain.h). What is busy gets some rounds within one operation, so that its result tells
 * what really stays; pages that land in the tier after a pass went by get another pass, a second later. A tier
 * that ends up neither empty nor wanted empty at any price goes back into use (world_drain_passed()), and that
 * is said: a drain that goes on unasked takes the room that somebody's fault may wait for.
 */
#include <inttypes.h>

#include "daemon/io/daemon.h"
#include "daemon/io/drain.h"
#include "daemon/io/schedule.h"

enum { ROUNDS = 3 };

/* Where adopted memory is that nobody watches only the kernel knows, and only nodes can have it. */
static bool may_have(const struct world *w, struct range *r, unsigned int tier)
{
	if (!r->addr || atomic_load(&r->dying))
		return false;
	if (r->kind == RANGE_ADOPTED && !atomic_load(&r->adopted))
		return tier_is_resident(&w->tiers[tier]);
	return atomic_load(&r->tier_bytes[tier]);
}

int drain_add_all(struct daemon *d, struct op *op)
{
	int rc = 0;

	LIST_EACH(pos, &d->world->spaces) {
		struct space *s = container_of(pos, struct space, in_world);

		LIST_EACH(pos2, &s->ranges) {
			struct range *r = container_of(pos2, struct range, in_space);

			if (rc >= 0 && may_have(d->world, r, op->from))
				rc = op_add_bytes(op, r, r->addr, r->size);
		}
	}
	return rc < 0 ? rc : 0;
}

static struct tier *tier_of(struct daemon *d, const struct op *op)
{
	struct tier *t = op->from == TIER_NOWHERE ? NULL : &d->world->tiers[op->from];

	return t && t->pass == op->id ? t : NULL;
}

static bool another_round(struct daemon *d, const struct tier *t, struct op *op)
{
	if (d->stopping || op->cancelled || t->state != TIER_DRAINING || !op->result.busy || op->result.no_room ||
	    ++op->rounds >= ROUNDS || drain_add_all(d, op) < 0)
		return false;
	op->result.asked -= op->result.busy;	/* met again, and asked again */
	op->result.busy = 0;
	return true;
}

static void tell(struct daemon *d, const struct tier *t, const struct op *op, bool drained)
{
	const struct op_result *r = &op->result;

	if (!drained)
		daemon_event(d, EVENT_WARNING, "tier %s was not drained and takes pages again: of %" PRIu64
			     " MiB there was no room elsewhere for %" PRIu64 ", %" PRIu64
			     " are busy or must stay, %" PRIu64 " could not be moved", t->config.name,
			     r->asked >> 20, r->no_room >> 20, (r->busy + r->failed - r->no_room) >> 20,
			     r->failed >> 20);
	else if (t->state == TIER_DRAINING && t->left && (op->session || r->moved))
		daemon_event(d, EVENT_INFO, "tier %s goes on draining: %" PRIu64 " MiB must stay for now",
			     t->config.name, t->left >> 20);
}

bool drain_goes_on(struct daemon *d, struct op *op)
{
	struct tier *t = tier_of(d, op);

	if (!t)
		return false;
	if (another_round(d, t, op))
		return true;
	if (op->cancelled)
		t->pass = 0;
	else
		tell(d, t, op, world_drain_passed(d->world, t->index, &op->result));
	return false;
}

void drain_cancel(struct daemon *d, struct tier *t)
{
	struct op *op = t->pass ? idmap_get(d->world->ops, t->pass) : NULL;

	if (op)
		op_cancel(op);
}

static void pass(struct daemon *d, struct tier *t)
{
	struct op *op;

	if (op_new(&op, d->world, 0, MOVE_NODE, (uint8_t)t->index) < 0)
		return;
	op->from = (uint8_t)t->index;
	if (drain_add_all(d, op) < 0) {
		op_free(op, d->world);
		return;
	}
	t->pass = op->id;
	schedule_op(d, op);
}

void drain_each_second(struct daemon *d)
{
	for (unsigned int i = 0; i < d->world->n_tiers && !d->stopping; i++)
		if (d->world->tiers[i].state == TIER_DRAINING && !d->world->tiers[i].pass)
			pass(d, &d->world->tiers[i]);
}
