// SPDX-License-Identifier: GPL-2.0-or-later
/* From a plan to moves on their way: as many as fit; the rest is let go and planned again when it is still wanted. */
#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/schedule_own.h"

#define DRY_EVERY_US 1000000ULL	/* a dry run says at most one line a second */

static void drop_from(struct plan *plan, size_t first)
{
	size_t i;

	for (i = first; i < plan->n; i++)
		range_drop(plan->moves[i].range);
	plan->n = first;
}

static void tell(struct schedule *s, uint64_t now_us)
{
	unsigned int out = 0, in = 0, across = 0;
	size_t i;

	if (!s->plan.n || now_us - s->dry_told_us < DRY_EVERY_US)
		return;
	s->dry_told_us = now_us;
	for (i = 0; i < s->plan.n; i++) {
		out += s->plan.moves[i].kind == MOVE_EVICT;
		in += s->plan.moves[i].kind == MOVE_FILL;
		across += s->plan.moves[i].kind == MOVE_NODE;
	}
	daemon_event(s->daemon, EVENT_INFO, "dry run: would evict %u, bring back %u, move between nodes %u huge pages",
		     out, in, across);
}

/* Each user has a queue: one that takes no more is not in the others' way. */
static void submit(struct schedule *s)
{
	unsigned int sent = 0;
	struct move *m;

	for (m = s->plan.moves; m < s->plan.moves + s->plan.n; m++) {
		if (!crew_submit(s->daemon->crew, m))
			sent++;
		else
			range_drop(m->range);
	}
	s->planned = sent;
	s->planned_in_flight += sent;
	s->planned_moved = 0;
}

/*
 * Only when the last plan is carried out: until then the words say what they said, and it would be planned twice.
 * What a user holds up is not waited for; a page that is planned twice is where it should be at the second time.
 */
void schedule_plan(struct schedule *s, uint64_t now_us)
{
	if (s->planned_in_flight && !crew_any_held_up(s->daemon->crew))
		return;
	plan_make(s->daemon->world, now_us, &s->plan);
	if (s->daemon->world->dry_run) {
		tell(s, now_us);
		drop_from(&s->plan, 0);
	} else {
		submit(s);
	}
	s->plan.n = 0;
}
