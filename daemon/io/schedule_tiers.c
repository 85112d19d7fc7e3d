// SPDX-License-Identifier: GPL-2.0-or-later
/* What tiers do by themselves is told: pressure, failure, the end of draining. */
#include "daemon/io/daemon.h"
#include "daemon/io/schedule_own.h"
#include "daemon/io/session.h"

/* Upwards, so that what is above a mark is above it here, too. */
static unsigned int percent_used(const struct tier *t)
{
	uint64_t capacity = tier_capacity(t);

	return capacity ? (unsigned int)((tier_used(t) * 100 + capacity - 1) / capacity) : 0;
}

/*
 * Clients hear it when the high mark is passed, and those who did hear when the use is down at the low one. Who comes
 * to use the tier meanwhile hears it within a second. Threads go on meanwhile: what is told has to be above the mark.
 */
static void watch_pressure(struct schedule *s, struct tier *t, bool second)
{
	bool above = tier_is_resident(t) && tier_above_high(t), was = s->above_high[t->index];
	unsigned int percent = percent_used(t);

	if (above && (!was || second) && percent > t->config.high) {
		s->above_high[t->index] = true;
		server_tell_pressure(s->daemon, t->index, percent);
	} else if ((was || second) && !tier_over_low(t)) {
		s->above_high[t->index] = false;
		server_tell_relief(s->daemon, t->index, percent);
	}
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

void schedule_watch_tiers(struct schedule *s, bool second)
{
	struct world *w = s->daemon->world;
	unsigned int i;

	for (i = 0; i < w->n_tiers; i++) {
		watch_device(s->daemon, &w->tiers[i]);
		watch_state(s, &w->tiers[i]);
		watch_pressure(s, &w->tiers[i], second);
	}
}
