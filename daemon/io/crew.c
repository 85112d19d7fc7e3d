// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The crew: all squads together, the way in for moves and the way out for results and notes (crew.h).
 * Everything in this file runs on the loop thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "daemon/core/world.h"
#include "daemon/io/crew_threads.h"
#include "daemon/io/schedule.h"

enum { BASE_PAGE = 4096 };
#define END_NS 500000000L	/* 500 ms: for what threads are in the middle of when the daemon ends */
#define NSEC_PER_SEC 1000000000L

/* 0: at the end. */
static uint64_t stopped_at(const struct crew_result *r)
{
	uint64_t addr, end;

	move_area(&r->move, &addr, &end);
	return r->left ? end - (uint64_t)r->left * BASE_PAGE : 0;
}

/*
 * Somebody has asked for memory of the range to be somewhere; what leaves a tier goes along wherever it lies. What policy
 * and pressure move is not among them: it would keep a busy range from ever being looked at. Only the loop asks for such.
 */
static bool is_asked_for(const struct move *m)
{
	return m->op && m->kind == MOVE_NODE && !m->leaves;
}

static void one_result(struct squad *q, const struct crew_result *r)
{
	struct daemon *d = q->crew->daemon;
	const struct op_result bytes = {
		.moved = (uint64_t)r->moved * BASE_PAGE, .already_there = (uint64_t)r->already * BASE_PAGE,
		.busy = (uint64_t)r->busy * BASE_PAGE, .failed = (uint64_t)r->failed * BASE_PAGE,
		.no_room = (uint64_t)r->no_room * BASE_PAGE,
		.untouched = (uint64_t)r->untouched * BASE_PAGE,
	};

	if (crew_is_neighbours(&r->move)) {
		atomic_fetch_sub(&q->busy_neighbours, 1);
		atomic_fetch_sub(&q->crew->passed_on, 1);
	} else {
		atomic_fetch_sub(r->move.reason == REASON_STREAM ? &q->busy_ahead : &q->busy, 1);
	}
	if (is_asked_for(&r->move))
		r->move.range->under_way--;
	if (r->span)
		schedule_span_done(d, &r->move, &bytes, stopped_at(r), r->whole);
	else
		schedule_move_done(d, &r->move, (enum move_outcome)r->outcome);
}

static void take_in(struct squad *q)
{
	struct crew_result result;
	struct fault_note note;

	while (ring_pop(q->results, &result))
		one_result(q, &result);
	while (ring_pop(q->notes, &note))
		schedule_fault_note(q->crew->daemon, &note);
}

static void take_in_all(struct crew *c)
{
	CREW_EACH(q, c)
		take_in(q);
}

void crew_collect(struct crew *c)
{
	atomic_store(&c->noted, false);
	take_in_all(c);
}

static void on_wake(uv_async_t *wake)
{
	struct crew *c = wake->data;

	/* Victims first: a move that was busy for want of room is issued again when its result is taken in. */
	if (atomic_exchange(&c->wants_victims, false))
		schedule_wants_victims(c->daemon);
	crew_probes_taken(c);
	take_in_all(c);
	crew_pass_check(c);
	if (atomic_load(&c->parked))
		schedule_parked(c->daemon);
}

static void on_closed(uv_handle_t *wake)
{
	free(wake->data);
}

/* That it comes is all: the call that it finds the thread in ends. */
static void on_nudge(int number)
{
	(void)number;
}

int crew_new(struct crew **ret, struct daemon *d)
{
	struct crew *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->daemon = d;
	rc = uv_async_init(d->loop, &c->wake, on_wake);
	if (rc < 0) {
		free(c);
		return rc;
	}
	c->wake.data = c;
	sigaction(CREW_NUDGE, &(struct sigaction){ .sa_handler = on_nudge }, NULL);
	rc = squad_new(&c->squads[0], c);
	if (rc < 0) {
		uv_close((uv_handle_t *)&c->wake, on_closed);
		return rc;
	}
	atomic_store(&c->n_squads, 1);
	*ret = c;
	return 0;
}

static void give_back_queued(struct squad *q, struct ring *queue)
{
	struct crew_result result = { .outcome = MOVE_FAILED };

	while (ring_pop(queue, &result.move)) {
		result.span = result.move.range->kind == RANGE_ADOPTED;
		one_result(q, &result);
	}
}

bool crew_end(struct crew *c)
{
	struct timespec until;
	bool all = true;

	clock_gettime(CLOCK_REALTIME, &until);	/* the only clock of pthread_timedjoin_np() */
	until.tv_nsec += END_NS;
	until.tv_sec += until.tv_nsec / NSEC_PER_SEC;
	until.tv_nsec %= NSEC_PER_SEC;
	CREW_EACH(q, c)
		squad_dismiss(q);
	CREW_EACH(q, c)
		all &= squad_join(q, &until);
	return all;
}

/* The memory goes when libuv has closed the handle: the loop has to run once more. */
struct crew *crew_free(struct crew *c)
{
	if (!c)
		return NULL;
	CREW_EACH(q, c) {
		q->gone = true;
		give_back_queued(q, q->neighbours);
		give_back_queued(q, q->jobs);
		give_back_queued(q, q->ahead);
		take_in(q);
	}
	crew_pass_check(c);
	CREW_EACH(q, c)
		squad_free(q);
	atomic_store(&c->n_squads, 0);
	uv_close((uv_handle_t *)&c->wake, on_closed);
	return NULL;
}

/* In every epoll set of its squad, but those in which it is. 0, -errno: some thread does not read it. */
int crew_read(struct space *s)
{
	/* EXCLUSIVE: one message wakes one thread, not all. */
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = s };

	for (unsigned int i = 0; i < s->squad->n_faultds; i++)
		if (epoll_ctl(s->squad->faultds[i].epoll, EPOLL_CTL_ADD, s->uffd, &event) < 0 && errno != EEXIST)
			return -errno;
	return 0;
}

int crew_serve(struct crew *c, struct space *s)
{
	int rc;

	(void)crew_squad(c, s);
	rc = crew_read(s);
	if (rc)
		crew_unserve(c, s);
	else
		s->served = true;
	return rc;
}

void crew_unserve(struct crew *c, struct space *s)
{
	struct squad *q = crew_squad(c, s);

	s->served = false;
	for (unsigned int i = 0; i < q->n_faultds && s->uffd >= 0; i++)
		epoll_ctl(q->faultds[i].epoll, EPOLL_CTL_DEL, s->uffd, NULL);
}

int crew_submit(struct crew *c, const struct move *m)
{
	int rc = crew_push(crew_squad(c, m->range->space), m);

	if (!rc && is_asked_for(m)) {
		m->range->under_way++;
		m->range->given++;
	}
	return rc;
}

unsigned int crew_room(struct crew *c, struct space *s)
{
	unsigned int busy = atomic_load(&crew_squad(c, s)->busy);

	return busy < CREW_QUEUE ? CREW_QUEUE - busy : 0;
}

static unsigned int busy(const struct squad *q)
{
	return atomic_load(&q->busy) + atomic_load(&q->busy_ahead) + atomic_load(&q->busy_neighbours);
}

unsigned int crew_busy(const struct crew *c)
{
	unsigned int n = 0;

	CREW_EACH(q, c)
		n += busy(q);
	return n;
}

void crew_stop_evicting(struct crew *c)
{
	atomic_store(&c->stay, true);
}

void crew_seal(struct crew *c, bool sealed)
{
	atomic_store(&c->sealed, sealed);
}
