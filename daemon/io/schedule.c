// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tick (schedule.h). One clock read, then in this order: take in what the threads did, look at the
 * tiers, queue victims, decide, issue. While nothing happens a tick a second is all the daemon costs.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/drain.h"
#include "daemon/io/grave.h"
#include "daemon/io/hugepages.h"
#include "daemon/io/kernel_tier.h"
#include "daemon/io/outgoing.h"
#include "daemon/io/resume.h"
#include "daemon/io/schedule_own.h"
#include "daemon/io/server.h"
#include "daemon/io/space_driver.h"
#include "daemon/io/survey.h"
#include "daemon/io/waits.h"

#define USEC_PER_MSEC 1000ULL
#define IDLE_US 1000000ULL	/* a tick a second keeps the per-second figures honest */
#define ISSUE_US 2000ULL		/* 2 ms of a tick for operations; then whoever else waits has a turn */
#define RANK_AGAIN_US 1000ULL	/* 1 ms: ranking more often finds the same temperatures */

static void on_tick(uv_timer_t *timer);

static void arm(struct schedule *s, uint64_t in_us)
{
	s->slow = in_us >= IDLE_US;
	uv_timer_start(&s->tick, on_tick, (in_us + USEC_PER_MSEC - 1) / USEC_PER_MSEC, 0);
}

void schedule_soon(struct schedule *s, uint64_t in_us)
{
	if (uv_timer_get_due_in(&s->tick) * USEC_PER_MSEC > in_us)
		arm(s, in_us);
}

static void each_second(struct schedule *s, uint64_t now_us)
{
	struct world *w = s->daemon->world;
	unsigned int i;

	s->second_us = now_us;
	for (i = 0; i < w->n_tiers; i++)
		tier_report(&w->tiers[i], now_us);
	schedule_tell_room(s, now_us);
	waits_tell(s->daemon, now_us);
	schedule_tell_undone(s->daemon);
	hugepages_follow(s->daemon->hugepages);
	resume_sweep(s->daemon);
	kernel_tiers_watch(s->daemon);
	drain_each_second(s->daemon);
	graves_look(s->daemon);
	outgoing_trim();
	space_drivers_round(s->daemon);
	survey_round(s->daemon);
	if (s->daemon->server)	/* tests of the crew run without one */
		server_look(s->daemon->server);
	if (s->lost_untold)
		daemon_event(s->daemon, EVENT_ERROR, "%llu huge pages could not be read back and are lost to their programs",
			     (unsigned long long)s->lost_untold);
	s->lost_untold = 0;
	if (s->active)
		schedule_refill(s->daemon, now_us, false, true);
}

static void issue_all(struct daemon *d)
{
	struct schedule *s = d->schedule;
	uint64_t end_us = daemon_now_us(d) + ISSUE_US;
	struct op *op;

	while ((op = idmap_each(d->world->ops, &s->issue_cursor, NULL))) {
		schedule_issue(d, op);
		if (daemon_now_us(d) >= end_us)
			break;
	}
	if (op)
		schedule_soon(s, USEC_PER_MSEC);
	else
		s->issue_cursor = 0;
	schedule_end_done(d);
}

static void on_tick(uv_timer_t *timer)
{
	struct schedule *s = timer->data;
	struct daemon *d = s->daemon;
	uint64_t now_us = daemon_now_us(d);
	bool second = now_us - s->second_us >= IDLE_US;

	crew_collect(d->crew);
	if (second)
		each_second(s, now_us);
	schedule_watch_tiers(s, second);
	schedule_refill(d, now_us, s->rank_wanted, false);
	s->rank_wanted = false;
	schedule_flush_moved(d);
	if (!d->stopping)
		schedule_plan(s, now_us);
	arm(s, s->active || s->planned_in_flight || idmap_count(d->world->ops) ? d->world->config.tick_us : IDLE_US);
	s->active = false;
	schedule_room(s, now_us);
	issue_all(d);	/* may want the next tick sooner */
}

int schedule_start(struct daemon *d)
{
	struct schedule *s = calloc(1, sizeof(*s));
	unsigned int i;
	int rc;

	if (!s)
		return -ENOMEM;
	rc = uv_timer_init(d->loop, &s->tick);
	if (rc < 0) {
		free(s);
		return rc;
	}
	s->daemon = d;
	s->tick.data = s;
	for (i = 0; i < d->world->n_tiers; i++)
		s->told_state[i] = d->world->tiers[i].state;
	d->schedule = s;
	arm(s, d->world->config.tick_us);
	return 0;
}

static void on_closed(uv_handle_t *timer)
{
	free(timer->data);
}

/* What threads report from here on is only booked (schedule_result.c). */
void schedule_stop(struct daemon *d)
{
	if (!d->schedule)
		return;
	schedule_flush_moved(d);
	uv_close((uv_handle_t *)&d->schedule->tick, on_closed);
	d->schedule = NULL;
}

void schedule_kick(struct daemon *d)
{
	if (!d->schedule)
		return;
	d->schedule->active = true;
	schedule_soon(d->schedule, 0);
}

void schedule_wants_victims(struct daemon *d)
{
	struct schedule *s = d->schedule;
	uint64_t now_us = daemon_now_us(d);

	if (!s)
		return;
	s->active = true;
	if (now_us - s->ranked_us < RANK_AGAIN_US) {
		s->rank_wanted = true;
		schedule_soon(s, RANK_AGAIN_US);
		return;
	}
	schedule_refill(d, now_us, true, false);
	s->ranked_us = daemon_now_us(d);
}
