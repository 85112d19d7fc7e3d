// SPDX-License-Identifier: GPL-2.0-or-later
/* What tiers do by themselves is told: pressure, failure, the end of draining. */
#include "daemon/io/daemon.h"
#include "daemon/io/schedule_own.h"
#include "daemon/io/session.h"

static unsigned int percent_used(const struct tier *t)
{
	uint64_t capacity = tier_capacity(t);

	return capacity ? (unsigned int)(tier_used(t) * 100 / capacity) : 0;
}

/* Clients hear it when the high mark is passed, and again when it is over. */
static void watch_pressure(struct schedule *s, struct tier *t)
{
	bool above = tier_is_resident(t) && tier_above_high(t);

	if (above == s->above_high[t->index] || (!above && tier_over_low(t)))
		return;
	s->above_high[t->index] = above;
	server_broadcast_pressure(s->daemon, t->index, percent_used(t));
}

/* An I/O error was seen: nothing is written there any more; what it has is read as long as that works. */
static void watch_device(struct daemon *d, struct tier *t)
{
	if (t->state == TIER_FAILED || !atomic_load(&d->devices[t->index].failed))
		return;
	t->state = TIER_FAILED;
	atomic_store(&t->pool.draining, true);
	daemon_event(d, EVENT_ERROR, "tier %s failed: nothing more is moved there", t->config.name);
}

static void watch_state(struct schedule *s, const struct tier *t)
{
	if (t->state == s->told_state[t->index])
		return;
	s->told_state[t->index] = t->state;
	if (t->state == TIER_DRAINED)
		daemon_event(s->daemon, EVENT_INFO, "tier %s is drained", t->config.name);
}

void schedule_watch_tiers(struct schedule *s)
{
	struct world *w = s->daemon->world;
	unsigned int i;

	for (i = 0; i < w->n_tiers; i++) {
		watch_device(s->daemon, &w->tiers[i]);
		watch_state(s, &w->tiers[i]);
		watch_pressure(s, &w->tiers[i]);
	}
}
