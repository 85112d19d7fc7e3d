// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end (stop.h). Faults are served until the last moment, so programs run on while their pages come
 * back. Pages stay at rest where the next daemon finds them: on a device that systemd keeps for us, and on
 * a disk file when memory is short. Bringing back goes in rounds and ends when a round brings nothing: it
 * is bounded by progress, not by a clock. What only a memory device holds ends with this process and its keeper,
 * so while it has not come back the daemon goes on serving and tries again: an end that takes long is better
 * than a program that loses its memory. Who does not agree has SIGKILL. Memory that its program has unmapped
 * without freeing it cannot come back and is missed by nobody: when a round brings nothing, it is told apart.
 * A fault may still send another page away to make room, so before the last look nobody may evict any more.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/daemon_backing.h"
#include "daemon/io/hugepages.h"
#include "daemon/io/keeper.h"
#include "daemon/io/notify.h"
#include "daemon/io/resume.h"
#include "daemon/io/schedule.h"
#include "daemon/io/stop.h"
#include "daemon/mech/doors.h"

enum {
	STEP_MS = 10,			/* between two looks at what is under way */
	AGAIN_MS = 1000,		/* between two tries when memory is short */
	SPANS_PER_ROUND = 4096		/* runs of pages in one round: the list is what bringing back costs in memory */
};

struct stop {
	struct daemon *daemon;
	uv_timer_t timer;
	uint64_t op;			/* the round under way; 0: none yet */
	uint64_t left;			/* pages away when it began */
	bool stays[HMM_LIMIT_TIERS];	/* what rests there is left there */
	bool stuck;			/* a round brought nothing: from here the kernel is asked what is still mapped */
	uint64_t unmapped[HMM_LIMIT_TIERS];	/* bytes, as last looked at while stuck */
	uint64_t recovering[HMM_LIMIT_TIERS];	/* bytes of clients that are not at rest yet: the next daemon goes on with them */
	bool told_short, told_held;
};

static void on_closed(uv_handle_t *timer)
{
	free(timer->data);
}

static void cancel_ops(struct daemon *d)
{
	size_t cursor = 0;
	struct op *op;

	while ((op = idmap_each(d->world->ops, &cursor, NULL)))
		op_cancel(op);
	schedule_kick(d);
}

static bool kept_by_systemd(const struct tier *t)
{
	char name[HMM_LIMIT_TIER_NAME + 2];

	snprintf(name, sizeof(name), "d%s", t->config.name);
	return notify_survives_stop() && (t->device == TIER_FILE || notify_stored(name));
}

/* All that programs were promised may come back at once now, whatever the limits are. */
static void lift_limits(struct daemon *d)
{
	struct world *w = d->world;
	uint64_t managed = 0;
	unsigned int i;

	for (i = 0; i < w->n_tiers; i++) {
		if (!tier_is_resident(&w->tiers[i]))
			continue;
		atomic_store(&w->tiers[i].pool.limit, UINT64_MAX);
		atomic_store(&w->tiers[i].pool.draining, false);
		LIST_EACH(node, &w->accounts)
			atomic_store(&container_of(node, struct account, in_world)->pools[i].limit, UINT64_MAX);
	}
	LIST_EACH(node, &w->spaces)
		managed += container_of(node, struct space, in_world)->managed_bytes;
	hugepages_set(d->hugepages, w, managed);
}

static bool wanted_back(const struct stop *x, uint64_t word)
{
	enum page_state state = page_word_state(word);

	return (state == PAGE_DEVICE || state == PAGE_FILLING || state == PAGE_COMMITTING) &&
	       !x->stays[page_word_tier(word)];
}

static uint64_t word_at(const struct range *r, uint64_t vpn)
{
	return atomic_load_explicit(space_word(r->space, vpn << LEDGER_PAGE_SHIFT), memory_order_acquire);
}

struct round {
	struct op *op;			/* NULL: only counting */
	uint64_t left;
	unsigned int spans;
};

/* True: the page is to come back and can. */
static bool look_at_page(struct stop *x, const struct range *r, uint64_t vpn)
{
	uint64_t word = word_at(r, vpn);

	if (!wanted_back(x, word))
		return false;
	/* Asking takes the program's lock, and this is the loop. */
	if (!x->stuck || r->space->held_up || uffd_covers(r->space->uffd, vpn << LEDGER_PAGE_SHIFT))
		return true;
	x->unmapped[page_word_tier(word)] += LEDGER_PAGE_SIZE;
	return false;
}

static void look_at_range(struct stop *x, struct range *r, struct round *round)
{
	uint64_t vpn = range_first_vpn(r), end = vpn + range_pages(r), run = 0;

	for (; vpn <= end; vpn++) {
		if (vpn < end && look_at_page(x, r, vpn)) {
			run++;
			continue;
		}
		round->left += run;
		if (run && round->op && round->spans < SPANS_PER_ROUND && !op_add_span(round->op, r, vpn - run, run))
			round->spans++;
		run = 0;
	}
}

static void look_at_recovering(struct stop *x, const struct range *r)
{
	unsigned int i;

	for (i = 0; i < x->daemon->world->n_tiers; i++)
		x->recovering[i] += atomic_load(&r->tier_bytes[i]);
}

static void look_at_all(struct stop *x, struct round *round)
{
	memset(x->unmapped, 0, sizeof(x->unmapped));
	memset(x->recovering, 0, sizeof(x->recovering));
	LIST_EACH(s, &x->daemon->world->spaces) {
		struct space *space = container_of(s, struct space, in_world);

		LIST_EACH(node, &space->ranges) {
			struct range *r = container_of(node, struct range, in_space);

			if (r->kind == RANGE_MANAGED && r->addr && atomic_load(&r->dying))
				look_at_recovering(x, r);
			else if (r->kind == RANGE_MANAGED && r->addr)
				look_at_range(x, r, round);
		}
	}
}

/* Of a device, without what is unmapped or not ours to bring back yet. */
static uint64_t bytes_on(const struct stop *x, unsigned int tier)
{
	const struct tier *t = &x->daemon->world->tiers[tier];
	uint64_t used = atomic_load(&t->pool.used), not = x->unmapped[tier] + x->recovering[tier];

	/* What the kernel driver has stays in its care, whoever looks after it. */
	if (tier_is_resident(t) || !tier_is_managed(t))
		return 0;
	return used > not ? used - not : 0;
}

static void say_what_stays(struct stop *x)
{
	struct world *w = x->daemon->world;
	unsigned int i;

	for (i = 0; i < w->n_tiers; i++) {
		if (bytes_on(x, i))
			daemon_event(x->daemon, EVENT_INFO, "%" PRIu64 " MiB stay at rest on tier %s for the next hmmd",
				     bytes_on(x, i) >> 20, w->tiers[i].config.name);
		if (x->unmapped[i])
			daemon_event(x->daemon, EVENT_WARNING, "%" PRIu64 " MiB on tier %s are left there: their "
				     "programs have unmapped them without freeing them", x->unmapped[i] >> 20,
				     w->tiers[i].config.name);
	}
}

/* What ends with this process: a memory device that nobody keeps. One that has failed has nothing to give. */
static bool ends_with_us(const struct stop *x, unsigned int tier)
{
	return !x->stays[tier] && x->daemon->world->tiers[tier].device != TIER_FILE &&
	       !atomic_load(&x->daemon->devices[tier].failed) && bytes_on(x, tier);
}

/* True when something must come back that does not yet: said once. */
static bool memory_is_short(struct stop *x)
{
	struct world *w = x->daemon->world;
	struct round round = { 0 };
	unsigned int i;

	x->stuck = true;
	look_at_all(x, &round);
	for (i = 0; i < w->n_tiers && !ends_with_us(x, i); i++)
		;
	if (i == w->n_tiers)
		return false;
	if (!x->told_short)
		daemon_event(x->daemon, EVENT_ERROR, "memory is short: %" PRIu64 " MiB on tier %s cannot come back yet; "
			     "hmmd ends when they have, or when their programs have", bytes_on(x, i) >> 20,
			     w->tiers[i].config.name);
	x->told_short = true;
	return true;
}

static void finish(struct stop *x)
{
	struct daemon *d = x->daemon;

	say_what_stays(x);
	resume_sweep_ended(d);	/* a program that has ended meanwhile leaves no ledger behind */
	if (list_empty(&d->unreadable) && !resume_any_left(d))
		keeper_forget(d->keeper);
	uv_close((uv_handle_t *)&x->timer, on_closed);
	uv_stop(d->loop);
}

/* False: nothing is left to bring, or there is no memory even to ask for it. */
static bool begin_round(struct stop *x)
{
	struct daemon *d = x->daemon;
	struct round round = { 0 };

	if (op_new(&round.op, d->world, 0, MOVE_FILL, TIER_NOWHERE) < 0)
		return false;
	look_at_all(x, &round);
	if (!round.spans || (x->op && round.left >= x->left)) {
		op_free(round.op, d->world);
		return false;
	}
	x->left = round.left;
	x->op = round.op->id;
	schedule_op(d, round.op);
	return true;
}

static void on_step(uv_timer_t *timer);

/* The next round is a first one: no progress is asked of it. */
static void again(struct stop *x)
{
	x->op = 0;
	uv_timer_start(&x->timer, on_step, AGAIN_MS, STEP_MS);
}

/* Every thread has passed since the crew was sealed. */
static void last_look(void *userdata)
{
	struct stop *x = userdata;

	/* What a fault asked another user's workers for before the seal may still be under way. */
	if (!crew_busy(x->daemon->crew) && !memory_is_short(x)) {
		finish(x);
		return;
	}
	crew_seal(x->daemon->crew, false);
	again(x);
}

/* The kernel lets no process end whose thread is waiting for another one's lock, so nothing is gained by leaving sooner. */
static void tell_held(struct stop *x)
{
	LIST_EACH(node, &x->daemon->world->spaces) {
		struct space *s = container_of(node, struct space, in_world);

		if (!s->held_up)
			continue;
		daemon_client_event(x->daemon, EVENT_WARNING, s->client, "hmmd ends when pid %d (uid %u) lets it go on: its memory "
				    "is locked by itself, or its device takes long", (int)s->pid, (unsigned int)s->uid);
		x->told_held = true;
	}
}

static void on_step(uv_timer_t *timer)
{
	struct stop *x = timer->data;
	struct daemon *d = x->daemon;

	if (crew_busy(d->crew) || (x->op && idmap_get(d->world->ops, x->op))) {
		if (!x->told_held)
			tell_held(x);
		return;
	}
	if (begin_round(x))
		return;
	if (memory_is_short(x)) {
		again(x);
		return;
	}
	crew_seal(d->crew, true);
	if (crew_quiesce_all(d->crew, last_look, x) < 0)
		again(x);
	else
		uv_timer_stop(timer);
}

void stop_begin(struct daemon *d)
{
	struct stop *x;
	unsigned int i;

	if (d->stopping)
		return;
	d->stopping = true;
	notify_stopping();
	x = calloc(1, sizeof(*x));
	if (!x || uv_timer_init(d->loop, &x->timer) < 0) {
		free(x);
		d->exit_status = EXIT_FAILURE;
		uv_stop(d->loop);
		return;
	}
	x->daemon = d;
	x->timer.data = x;
	for (i = 0; i < d->world->n_tiers; i++)
		x->stays[i] = kept_by_systemd(&d->world->tiers[i]);
	cancel_ops(d);
	crew_stop_evicting(d->crew);
	lift_limits(d);
	uv_timer_start(&x->timer, on_step, 0, STEP_MS);
}
