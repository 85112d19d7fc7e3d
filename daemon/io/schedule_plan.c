// SPDX-License-Identifier: GPL-2.0-or-later
/* From a plan to moves on their way: as many as fit; the rest is let go and planned again when it is still wanted. */
#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/schedule_own.h"

#define DRY_EVERY_US 1000000ULL	/* between two plans that a dry run tells */
enum { DRY_LINES = 8 };		/* of one plan */

static void drop_from(struct plan *plan, size_t first)
{
	size_t i;

	for (i = first; i < plan->n; i++)
		range_drop(plan->moves[i].range);
	plan->n = first;
}

/* Moves of one kind, of one range, to one tier. */
struct dry_group {
	const struct range *range;
	uint8_t kind, tier;
	unsigned long pages;
};

static bool in_group(const struct dry_group *g, const struct move *m)
{
	return g->range == m->range && g->kind == m->kind && g->tier == m->tier;
}

static void tell_group(struct daemon *d, const struct dry_group *g)
{
	static const char *const verbs[] = { [MOVE_EVICT] = "evict", [MOVE_FILL] = "bring back", [MOVE_NODE] = "move" };
	const struct space *space = g->range->space;

	daemon_client_event(d, EVENT_INFO, space->client,
			    "dry run: would %s %lu huge pages of %.16s (pid %d), range %llu%s%.31s, to %s",
			    g->kind <= MOVE_NODE ? verbs[g->kind] : "change", g->pages, space->program, (int)space->pid,
			    (unsigned long long)g->range->id, g->range->name[0] ? " " : "", g->range->name,
			    d->world->tiers[g->tier].config.name);
}

static void tell(struct schedule *s, uint64_t now_us)
{
	struct dry_group groups[DRY_LINES] = { { .range = NULL } };
	const struct move *m;
	size_t n = 0, left = 0, g;

	if (!s->plan.n || now_us - s->dry_told_us < DRY_EVERY_US)
		return;
	s->dry_told_us = now_us;
	for (m = s->plan.moves; m < s->plan.moves + s->plan.n; m++) {
		for (g = 0; g < n && !in_group(&groups[g], m); g++)
			;
		if (g == n && n < DRY_LINES)
			groups[n++] = (struct dry_group){ .range = m->range, .kind = m->kind, .tier = m->tier };
		if (g < n)
			groups[g].pages += m->pages;
		else
			left++;
	}
	for (g = 0; g < n; g++)
		tell_group(s->daemon, &groups[g]);
	if (left)
		daemon_event(s->daemon, EVENT_INFO, "dry run: and %zu moves of other ranges", left);
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
