// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recovery in steps. A client's pages are brought to rest by errands of its user (errand.h), because that takes the
 * client's mmap lock and reads devices: a few milliseconds of it, then it is the next one's turn among the clients of
 * that user. So the loop is never kept, a client with little is served while one with much is still under way, and one
 * that holds its own lock keeps only its user's waiting. Until a client is at rest as a whole its ranges refuse work as
 * if they were dying, and nobody reads its faults. A page of which the kernel does not say whether it is in memory is
 * asked about again each second, before anything is made of it.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/io/crew.h"
#include "daemon/io/errand.h"
#include "daemon/io/request.h"
#include "daemon/io/resume_own.h"

#define STEP_US 20000ULL	/* and one page more */
#define LONG_US 1000000ULL	/* who waits longer is told what for */

struct step {
	struct errand errand;
	struct daemon *daemon;
	struct space *space;		/* is not freed before its ranges, one of which is held */
	struct range *range;		/* by its resume, or by us if that is forgotten meanwhile */
	unsigned int n_tiers;
	uint64_t next, end;		/* page of the range: the next one */
	uint64_t lost;
	bool unknown;			/* nothing more can be told now */
};

/* Loop thread: under way. */
static unsigned int steps;

unsigned int resume_steps(void)
{
	return steps;
}

/* On the user's thread. At least one page. */
static void run(struct errand *e)
{
	struct step *s = container_of(e, struct step, errand);
	uint64_t first = range_first_vpn(s->range), until = daemon_now_us(s->daemon) + STEP_US;
	struct mover m = { .staging = NULL };
	int rc = mover_init(&m, s->daemon->mech, s->daemon->devices, s->daemon->numa);

	while (rc >= 0 && s->next < s->end) {
		rc = resume_page(s->daemon, &m, s->n_tiers, s->range, first + s->next);
		if (rc < 0)
			break;
		s->lost += (uint64_t)rc;
		s->next++;
		if (daemon_now_us(s->daemon) >= until)
			break;
	}
	s->unknown = rc < 0;
	mover_done(&m);
}

void resume_unrecovered(struct daemon *d, struct range *r, uint64_t next)
{
	if (!d->keep)
		resume_release(d, r->space, r->addr + (next << LEDGER_PAGE_SHIFT), range_pages(r) - next);
}

/* Once for a client: the operator and, when it is there, the program learn what it waits for. */
static void tell_waiting(struct daemon *d, struct resume *w, bool unknown)
{
	uint64_t left = resume_pages_left(w);

	if (w->told || (!unknown && daemon_now_us(d) - w->begun_us < LONG_US))
		return;
	w->told = true;
	daemon_client_event(d, unknown ? EVENT_WARNING : EVENT_INFO, w->who.client, "client %llu (pid %d) waits: %llu pages "
			    "are not at rest yet after the restart%s", (unsigned long long)w->who.client, (int)w->who.pid,
			    (unsigned long long)left, unknown ? ", the kernel does not say where they are" : "");
	if (w->waiter)
		request_resume_waits(d, w->waiter, left);
}

static void done(struct errand *e)
{
	struct step *s = container_of(e, struct step, errand);
	struct daemon *d = s->daemon;
	struct resume *w = resume_find(d, s->space);
	bool unknown = s->unknown;

	steps--;
	if (w) {
		w->step = NULL;
		w->ranges[w->at].next = s->next;
		w->ranges[w->at].lost += s->lost;
	} else {
		resume_unrecovered(d, s->range, s->next);
		range_drop(s->range);
	}
	free(s);
	if (!w)
		return;
	tell_waiting(d, w, unknown);
	if (w->named)
		resume_named(d, w);
	else if (!unknown)
		resume_go_on(d, w);
}

/* Without memory it is tried again each second. */
static void submit(struct daemon *d, struct resume *w, struct resumed *x)
{
	struct step *s = malloc(sizeof(*s));

	if (!s)
		return;
	*s = (struct step){ .errand = { .run = run, .done = done }, .daemon = d, .space = w->space, .range = x->range,
			    .n_tiers = d->world->n_tiers, .next = x->next, .end = range_pages(x->range) };
	if (errand_submit(d->errands, w->who.uid, &s->errand)) {
		free(s);
		return;
	}
	w->step = s;
	steps++;
}

/* Every page is at rest: its ranges take work, and its faults are served. */
static void complete(struct daemon *d, struct resume *w)
{
	int rc = 0;
	size_t i;

	w->recovering = false;
	for (i = 0; i < w->n; i++) {
		struct resumed *x = &w->ranges[i];

		if (!x->range || x->live)
			continue;
		x->live = true;
		atomic_store(&x->range->dying, false);
		range_drop(x->range);
	}
	if (!w->served && w->space->uffd >= 0)
		rc = crew_serve(d->crew, w->space);
	w->served |= !rc;
	resume_complete(d, w, rc);
}

/* At the end of the daemon nobody goes on. */
void resume_go_on(struct daemon *d, struct resume *w)
{
	if (!w->recovering || w->step || !d->crew)
		return;
	for (; w->at < w->n; w->at++) {
		struct resumed *x = &w->ranges[w->at];

		if (!x->range || x->live || x->next == range_pages(x->range))
			continue;
		submit(d, w, x);
		return;
	}
	complete(d, w);
}
