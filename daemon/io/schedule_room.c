// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the machine withholds is told, looked for again and made good. A tier for which the kernel gives
 * less than was configured is probed, at most a hundred times a second and once a second while it stays
 * so; clients whose faults were left unread are read again; threads that do not get on are named.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/schedule_own.h"
#include "daemon/mech/limits.h"

static unsigned long long mib(uint64_t bytes)
{
	return (unsigned long long)(bytes >> 20);
}

static void find_limit(const struct daemon *d, struct tier *t, struct room_limit *ret)
{
	uint64_t whole = tier_promised(t), used = atomic_load(&t->pool.used);

	room_limit_find(d->mech->ops->huge, t->config.nodes, whole > used ? whole - used : 0, ret);
	atomic_store(&t->shortage.reason, (uint8_t)ret->reason);
}

void schedule_probed(struct daemon *d, unsigned int tier, bool given)
{
	struct tier *t = &d->world->tiers[tier];
	struct room_limit limit;

	find_limit(d, t, &limit);
	if (tier_probed(t, given, limit.free, daemon_now_us(d)))
		crew_room_changed(d->crew);
	if (d->schedule)
		d->schedule->probing &= ~(1U << tier);
	schedule_stir(d);
}

/* Limits with figures go before what the last refusal looked like: a limit may change while it is told of. */
static void tell_shortage(struct schedule *s, struct tier *t)
{
	struct daemon *d = s->daemon;
	bool on = atomic_load(&t->shortage.on), told = d->short_of[t->index].text[0];
	struct room_limit limit;

	if (!on && told) {
		d->short_of[t->index] = (struct short_of){ .text = "" };
		daemon_event(d, EVENT_INFO, "tier %s: the kernel gives all of its %llu MiB again", t->config.name,
			     mib(tier_promised(t)));
	}
	if (!on)
		return;
	find_limit(d, t, &limit);
	snprintf(d->short_of[t->index].text, sizeof(limit.text), "%s", limit.text);
	snprintf(d->short_of[t->index].remedy, sizeof(limit.remedy), "%s", limit.remedy);
	if (!told)
		daemon_event(d, EVENT_WARNING, "tier %s has %llu of %llu MiB: %s", t->config.name, mib(tier_capacity(t)),
			     mib(tier_promised(t)), limit.text);
}

static void tell_stuck(struct schedule *s, uint64_t now_us)
{
	unsigned int before = crew_stuck(s->daemon->crew), stuck = crew_watch(s->daemon->crew, now_us);

	if (stuck > before)
		daemon_event(s->daemon, EVENT_ERROR, "%u of the fault threads have made no progress for 5 s: programs wait "
			     "at them", stuck);
	else if (before && !stuck)
		daemon_event(s->daemon, EVENT_INFO, "the fault threads get on again");
}

void schedule_tell_room(struct schedule *s, uint64_t now_us)
{
	struct world *w = s->daemon->world;

	for (unsigned int i = 0; i < w->n_tiers; i++)
		if (tier_is_resident(&w->tiers[i]))
			tell_shortage(s, &w->tiers[i]);
	tell_stuck(s, now_us);
}

void schedule_room(struct schedule *s, uint64_t now_us)
{
	struct world *w = s->daemon->world;
	uint64_t in_us;

	for (unsigned int i = 0; i < w->n_tiers; i++) {
		if (tier_probe_due(&w->tiers[i], now_us, &in_us) && !(s->probing & 1U << i)) {
			s->probing |= 1U << i;
			crew_ask_probe(s->daemon->crew, i);
		}
		if (in_us && in_us != UINT64_MAX)
			schedule_soon(s, in_us);
	}
	schedule_parked(s->daemon);
}

void schedule_parked(struct daemon *d)
{
	uint64_t in_us = crew_unpark(d->crew);

	if (d->schedule && in_us != UINT64_MAX)
		schedule_soon(d->schedule, in_us);
}
