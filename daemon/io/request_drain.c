// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Draining a tier. Whether it can be is asked first, and a refusal says what is missing: nothing is begun
 * that would keep programs waiting for room. The operation's bytes are what hmmctl shows.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/io/daemon.h"
#include "daemon/io/drain.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/schedule.h"
#include "daemon/io/session_own.h"

enum { FLAG_KEEP = 1 /* HMM_CONTROL_KEEP of the public header */ };

static void name_tiers(const struct world *w, uint32_t tiers, char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "no other tier");

	for (unsigned int i = 0, found = 0; i < w->n_tiers && n < size; i++) {
		if (!(tiers >> i & 1) || w->tiers[i].state != TIER_ONLINE)
			continue;
		n = found ? n : 0;
		n += (size_t)snprintf(buf + n, size - n, "%s%s", found++ ? ", " : "", w->tiers[i].config.name);
	}
}

static void name_range(const struct drain_lack *lack, unsigned int tier, char *buf, size_t size)
{
	const struct range *r = lack->range;
	uint64_t bytes = r ? atomic_load(&r->tier_bytes[tier]) : 0;

	if (!r)
		snprintf(buf, size, "none of it is there now");
	else if (lack->ranges == 1)
		snprintf(buf, size, "range %" PRIu64 " of pid %d (%s) has %" PRIu64 " MiB there", r->id, r->space->pid,
			 r->space->program, bytes >> 20);
	else
		snprintf(buf, size, "range %" PRIu64 " of pid %d (%s) has %" PRIu64 " MiB there, and %" PRIu64
			 " more have some", r->id, r->space->pid, r->space->program, bytes >> 20, lack->ranges - 1);
}

static void no_room(struct request *q, const struct tier *t, const struct drain_lack *lack)
{
	char tiers[HMM_LIMIT_TIERS * (HMM_LIMIT_TIER_NAME + 2) / 4], range[160], whose[48] = "";

	name_tiers(q->daemon->world, lack->tiers & ~(1U << t->index), tiers, sizeof(tiers));
	name_range(lack, t->index, range, sizeof(range));
	if (lack->uid != UINT32_MAX)
		snprintf(whose, sizeof(whose), " of uid %u", lack->uid);
	session_error(q->session, q->id, ENOSPC, "tier %s cannot be drained: %" PRIu64 " bytes%s need a place without "
		      "it, and %" PRIu64 " fit elsewhere (%s): %" PRIu64 " are missing; %s", t->config.name, lack->needed,
		      whose, lack->fits, tiers, lack->needed - lack->fits, range);
}

static void refuse(struct request *q, const struct tier *t, int why, const struct drain_lack *lack)
{
	char range[160];

	switch (why) {
	case DRAIN_E_LAST:
		session_error(q->session, q->id, EBUSY,
			      "tier %s is the last one in memory; its pages have nowhere to be used", t->config.name);
		break;
	case DRAIN_E_ROOM:
		no_room(q, t, lack);
		break;
	case DRAIN_E_HELD:
		name_range(lack, t->index, range, sizeof(range));
		session_error(q->session, q->id, EBUSY, "tier %s cannot be drained: %" PRIu64 " bytes there are pinned "
			      "or told to stay; %s; with --keep it goes on draining until they may leave",
			      t->config.name, lack->needed, range);
		break;
	default:
		reply_result(q->session, q->id, why, "a drain");
	}
}

/* The operation first: what can fail comes before the tier is touched. */
static void begin(struct request *q, struct tier *t, bool keep)
{
	struct world *w = q->daemon->world;
	struct op *op;
	int rc;

	if (request_op_new(q, MOVE_NODE, t->index, &op))
		return;
	op->from = (uint8_t)t->index;
	rc = drain_add_all(q->daemon, op);
	if (!rc)
		rc = world_drain(w, t->index);
	if (rc) {
		op_free(op, w);
		refuse(q, t, rc, NULL);
		return;
	}
	t->keep |= keep && t->state != TIER_FAILED;
	t->by_device = false;
	if (!t->pass)
		t->pass = op->id;
	daemon_event(q->daemon, EVENT_INFO, "tier %s is being drained", t->config.name);
	request_op_start(q, op);
	schedule_kick(q->daemon);
}

void request_drain(struct request *q)
{
	const Hmmd__Control *c = q->message->control;
	bool keep = c->flags & FLAG_KEEP;
	struct drain_lack lack;
	struct tier *tier;
	int rc;

	if (request_find_tier(q, c->tier, &tier))
		return;
	rc = world_may_drain(q->daemon->world, tier->index, keep, &lack);
	if (rc)
		refuse(q, tier, rc, &lack);
	else
		begin(q, tier, keep);
}
