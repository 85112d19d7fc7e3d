// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The crew: its threads' lives, the way in for moves and the way out for results and notes (crew.h).
 * Everything in this file runs on the loop thread.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/core/world.h"
#include "daemon/io/crew_threads.h"
#include "daemon/io/log.h"

enum { BASE_PAGE = 4096 };

/* 0: at the end. */
static uint64_t stopped_at(const struct crew_result *r)
{
	uint64_t addr, end;

	move_area(&r->move, &addr, &end);
	return r->left ? end - (uint64_t)r->left * BASE_PAGE : 0;
}

static void one_result(struct crew *c, const struct crew_result *r)
{
	const struct op_result bytes = {
		.moved = (uint64_t)r->moved * BASE_PAGE, .already_there = (uint64_t)r->already * BASE_PAGE,
		.busy = (uint64_t)r->busy * BASE_PAGE, .failed = (uint64_t)r->failed * BASE_PAGE,
		.no_room = (uint64_t)r->no_room * BASE_PAGE,
	};

	atomic_fetch_sub(r->move.reason == REASON_STREAM ? &c->busy_ahead : &c->busy, 1);
	if (r->span)
		schedule_span_done(c->daemon, &r->move, &bytes, stopped_at(r), r->whole);
	else
		schedule_move_done(c->daemon, &r->move, (enum move_outcome)r->outcome);
}

static void take_in(struct crew *c)
{
	struct crew_result result;
	struct fault_note note;

	while (ring_pop(c->results, &result))
		one_result(c, &result);
	while (ring_pop(c->notes, &note))
		schedule_fault_note(c->daemon, &note);
}

void crew_collect(struct crew *c)
{
	atomic_store(&c->noted, false);
	take_in(c);
}

static void on_wake(uv_async_t *wake)
{
	struct crew *c = wake->data;

	/* Victims first: a move that was busy for want of room is issued again when its result is taken in. */
	if (atomic_exchange(&c->wants_victims, false))
		schedule_wants_victims(c->daemon);
	crew_probes_taken(c);
	take_in(c);
	crew_pass_check(c);
}

static int hand_init(struct crew_hand *h, struct crew *c)
{
	struct daemon *d = c->daemon;
	int rc;

	h->crew = c;
	rc = mover_init(&h->mover, d->mech, d->devices, d->numa);
	if (rc < 0)
		return rc;
	h->mover.evicted = crew_evicted;
	h->mover.more = d->hugepages ? crew_more_pages : NULL;
	h->mover.userdata = h;
	return 0;
}

/* The kick is known by its empty pointer; a space is never at NULL. */
static int faultd_init(struct faultd *f, struct crew *c)
{
	struct epoll_event kick = { .events = EPOLLIN };
	int rc;

	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	f->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->epoll < 0 || f->kick < 0 || epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->kick, &kick) < 0)
		rc = -errno;
	else
		rc = hand_init(&f->hand, c);
	return rc;
}

static int start(struct crew_hand *h, void *(*entry)(void *), void *arg, const char *kind, unsigned int i)
{
	char name[16];	/* the kernel's limit */
	int rc = pthread_create(&h->thread, NULL, entry, arg);

	if (rc)
		return -rc;
	h->running = true;
	snprintf(name, sizeof(name), "hmmd-%s%u", kind, (uint8_t)i);
	pthread_setname_np(h->thread, name);
	return 0;
}

static int start_all(struct crew *c)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < c->n_faultds && !rc; i++)
		rc = start(&c->faultds[i].hand, faultd_main, &c->faultds[i], "fault", i);
	for (i = 0; i < c->n_workers && !rc; i++)
		rc = start(&c->workers[i].hand, worker_main, &c->workers[i], "work", i);
	return rc;
}

/* Signals are for the loop alone. */
static int start_blocked(struct crew *c)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = start_all(c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static int rings_init(struct crew *c)
{
	int rc = ring_new(&c->jobs, CREW_QUEUE, sizeof(struct move));

	if (!rc)
		rc = ring_new(&c->ahead, CREW_AHEAD, sizeof(struct move));
	if (!rc)
		rc = ring_new(&c->results, CREW_RESULTS, sizeof(struct crew_result));
	if (!rc)
		rc = ring_new(&c->notes, CREW_NOTES, sizeof(struct fault_note));
	return rc;
}

static int crew_init(struct crew *c)
{
	unsigned int i;
	int rc = rings_init(c);

	for (i = 0; i < c->n_faultds && !rc; i++)
		rc = faultd_init(&c->faultds[i], c);
	for (i = 0; i < c->n_workers && !rc; i++)
		rc = hand_init(&c->workers[i].hand, c);
	return rc ? rc : start_blocked(c);
}

static struct crew *crew_make(struct daemon *d)
{
	const struct config *config = &d->world->config;
	struct crew *c = calloc(1, sizeof(*c));
	unsigned int i;

	if (!c)
		return NULL;
	c->daemon = d;
	c->n_faultds = config->fault_threads;
	c->n_workers = config->workers;
	assert(c->n_faultds <= CREW_THREADS && c->n_workers <= CREW_THREADS);
	for (i = 0; i < CREW_THREADS; i++) {
		c->faultds[i].epoll = c->faultds[i].kick = -1;
		pthread_mutex_init(&c->faultds[i].listed, NULL);
	}
	for (i = 0; i < CREW_LOOKS; i++)
		pthread_mutex_init(&c->looks[i], NULL);
	list_init(&c->waiters);
	sem_init(&c->work, 0, 0);
	return c;
}

static void crew_unmake(struct crew *c)
{
	for (unsigned int i = 0; i < CREW_THREADS; i++)
		pthread_mutex_destroy(&c->faultds[i].listed);
	for (unsigned int i = 0; i < CREW_LOOKS; i++)
		pthread_mutex_destroy(&c->looks[i]);
	sem_destroy(&c->work);
	free(c);
}

int crew_new(struct crew **ret, struct daemon *d)
{
	struct crew *c = crew_make(d);
	int rc;

	if (!c)
		return -ENOMEM;
	rc = uv_async_init(d->loop, &c->wake, on_wake);
	if (rc < 0) {
		crew_unmake(c);
		return rc;
	}
	c->wake.data = c;
	rc = crew_init(c);
	if (rc < 0) {
		crew_free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

static void join_all(struct crew *c)
{
	unsigned int i;

	atomic_store(&c->ending, true);
	for (i = 0; i < c->n_faultds; i++)
		if (c->faultds[i].hand.running)
			eventfd_write(c->faultds[i].kick, 1);
	for (i = 0; i < c->n_workers; i++)
		sem_post(&c->work);
	for (i = 0; i < c->n_faultds; i++)
		if (c->faultds[i].hand.running)
			pthread_join(c->faultds[i].hand.thread, NULL);
	for (i = 0; i < c->n_workers; i++)
		if (c->workers[i].hand.running)
			pthread_join(c->workers[i].hand.thread, NULL);
	c->n_faultds = c->n_workers = 0;	/* nobody is left to pass */
}

static void give_back_queued(struct crew *c, struct ring *queue)
{
	struct crew_result result = { .outcome = MOVE_FAILED };

	while (queue && ring_pop(queue, &result.move)) {
		result.span = result.move.range->kind == RANGE_ADOPTED;
		one_result(c, &result);
	}
}

static void release_threads(struct crew *c)
{
	unsigned int i;

	for (i = 0; i < CREW_THREADS; i++) {
		mover_done(&c->faultds[i].hand.mover);
		mover_done(&c->workers[i].hand.mover);
		if (c->faultds[i].epoll >= 0)
			close(c->faultds[i].epoll);
		if (c->faultds[i].kick >= 0)
			close(c->faultds[i].kick);
	}
}

static void on_closed(uv_handle_t *wake)
{
	struct crew *c = wake->data;

	ring_free(c->jobs);
	ring_free(c->ahead);
	ring_free(c->results);
	ring_free(c->notes);
	crew_unmake(c);
}

/* The memory goes when libuv has closed the handle: the loop has to run once more. */
struct crew *crew_free(struct crew *c)
{
	if (!c)
		return NULL;
	join_all(c);
	give_back_queued(c, c->jobs);
	give_back_queued(c, c->ahead);
	if (c->results && c->notes)
		take_in(c);
	crew_pass_check(c);
	release_threads(c);
	uv_close((uv_handle_t *)&c->wake, on_closed);
	return NULL;
}

int crew_serve(struct crew *c, struct space *s)
{
	/* EXCLUSIVE: one message wakes one thread, not all. */
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = s };
	unsigned int i;
	int rc;

	for (i = 0; i < c->n_faultds; i++)
		if (epoll_ctl(c->faultds[i].epoll, EPOLL_CTL_ADD, s->uffd, &event) < 0) {
			rc = -errno;
			crew_unserve(c, s);
			return rc;
		}
	s->served = true;
	return 0;
}

void crew_unserve(struct crew *c, struct space *s)
{
	unsigned int i;

	s->served = false;
	for (i = 0; i < c->n_faultds && s->uffd >= 0; i++)
		epoll_ctl(c->faultds[i].epoll, EPOLL_CTL_DEL, s->uffd, NULL);
}

int crew_submit(struct crew *c, const struct move *m)
{
	if (atomic_load(&c->busy) >= CREW_QUEUE)
		return CREW_E_FULL;
	atomic_fetch_add(&c->busy, 1);
	if (!ring_push(c->jobs, m)) {
		atomic_fetch_sub(&c->busy, 1);
		return CREW_E_FULL;
	}
	sem_post(&c->work);
	return 0;
}

unsigned int crew_room(const struct crew *c)
{
	return CREW_QUEUE - atomic_load(&c->busy);
}

unsigned int crew_busy(const struct crew *c)
{
	return atomic_load(&c->busy) + atomic_load(&c->busy_ahead);
}

void crew_stop_evicting(struct crew *c)
{
	atomic_store(&c->stay, true);
}

void crew_seal(struct crew *c, bool sealed)
{
	atomic_store(&c->sealed, sealed);
}
