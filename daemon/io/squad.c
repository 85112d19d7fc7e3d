// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Squads: the threads of one user (crew_threads.h). One is made when a user comes for whom there is none, and it
 * stays when the user has gone, for the next one: threads that nobody needs sleep. When as many users are there as
 * squads may be, all further ones share the last: who can be many users gets at those of nobody else. Loop thread,
 * but for crew_push().
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/core/world.h"
#include "daemon/io/crew_threads.h"
#include "daemon/io/log.h"

static int hand_init(struct crew_hand *h, struct squad *q)
{
	struct daemon *d = q->crew->daemon;
	int rc;

	h->crew = q->crew;
	h->squad = q;
	rc = mover_init(&h->mover, d->mech, d->devices, d->numa);
	if (rc < 0)
		return rc;
	h->mover.pass_on = crew_pass_on;
	h->mover.evicted = crew_evicted;
	h->mover.more = d->hugepages ? crew_more_pages : NULL;
	h->mover.userdata = h;
	return 0;
}

/* The kick is known by its empty pointer; a space is never at NULL. */
static int faultd_init(struct faultd *f, struct squad *q)
{
	struct epoll_event kick = { .events = EPOLLIN };
	int rc;

	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	f->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->epoll < 0 || f->kick < 0 || epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->kick, &kick) < 0)
		rc = -errno;
	else
		rc = hand_init(&f->hand, q);
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

static int start_all(struct squad *q)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < q->n_faultds && !rc; i++)
		rc = start(&q->faultds[i].hand, faultd_main, &q->faultds[i], "fault", i);
	for (i = 0; i < q->n_workers && !rc; i++)
		rc = start(&q->workers[i].hand, worker_main, &q->workers[i], "work", i);
	return rc;
}

/* Signals are for the loop alone. */
static int start_blocked(struct squad *q)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = start_all(q);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static int rings_init(struct squad *q)
{
	int rc = ring_new(&q->jobs, CREW_QUEUE, sizeof(struct move));

	if (!rc)
		rc = ring_new(&q->neighbours, CREW_NEIGHBOURS, sizeof(struct move));
	if (!rc)
		rc = ring_new(&q->ahead, CREW_AHEAD, sizeof(struct move));
	if (!rc)
		rc = ring_new(&q->results, CREW_RESULTS, sizeof(struct crew_result));
	if (!rc)
		rc = ring_new(&q->notes, CREW_NOTES, sizeof(struct fault_note));
	return rc;
}

static int squad_init(struct squad *q)
{
	unsigned int i;
	int rc = rings_init(q);

	for (i = 0; i < q->n_faultds && !rc; i++)
		rc = faultd_init(&q->faultds[i], q);
	for (i = 0; i < q->n_workers && !rc; i++)
		rc = hand_init(&q->workers[i].hand, q);
	return rc ? rc : start_blocked(q);
}

static struct squad *squad_make(struct crew *c)
{
	const struct config *config = &c->daemon->world->config;
	struct squad *q = calloc(1, sizeof(*q));
	unsigned int i;

	if (!q)
		return NULL;
	q->faultds = calloc(config->fault_threads, sizeof(*q->faultds));
	q->workers = calloc(config->workers, sizeof(*q->workers));
	if (!q->faultds || !q->workers) {
		free(q->faultds);
		free(q->workers);
		free(q);
		return NULL;
	}
	q->crew = c;
	q->n_faultds = config->fault_threads;
	q->n_workers = config->workers;
	for (i = 0; i < q->n_faultds; i++) {
		q->faultds[i].epoll = q->faultds[i].kick = -1;
		pthread_mutex_init(&q->faultds[i].listed, NULL);
	}
	for (i = 0; i < CREW_LOOKS; i++)
		pthread_mutex_init(&q->looks[i], NULL);
	list_init(&q->waiters);
	sem_init(&q->work, 0, 0);
	return q;
}

int squad_new(struct squad **ret, struct crew *c)
{
	struct squad *q = squad_make(c);
	int rc;

	if (!q)
		return -ENOMEM;
	rc = squad_init(q);
	if (rc < 0) {
		squad_dismiss(q);
		(void)squad_join(q, NULL);	/* nobody had anything to do yet */
		squad_free(q);
		return rc;
	}
	*ret = q;
	return 0;
}

void squad_dismiss(struct squad *q)
{
	unsigned int i;

	atomic_store(&q->leave, true);
	for (i = 0; i < q->n_faultds; i++)
		if (q->faultds[i].hand.running) {
			eventfd_write(q->faultds[i].kick, 1);
			pthread_kill(q->faultds[i].hand.thread, CREW_NUDGE);
		}
	for (i = 0; i < q->n_workers; i++)
		sem_post(&q->work);
}

static bool join(struct crew_hand *h, const struct timespec *until)
{
	if (h->running)
		h->running = (until ? pthread_timedjoin_np(h->thread, NULL, until) : pthread_join(h->thread, NULL)) != 0;
	return !h->running;
}

bool squad_join(struct squad *q, const struct timespec *until)
{
	bool all = true;
	unsigned int i;

	for (i = 0; i < q->n_faultds; i++)
		all &= join(&q->faultds[i].hand, until);
	for (i = 0; i < q->n_workers; i++)
		all &= join(&q->workers[i].hand, until);
	return all;
}

struct squad *squad_free(struct squad *q)
{
	unsigned int i;

	for (i = 0; i < q->n_faultds; i++) {
		mover_done(&q->faultds[i].hand.mover);
		if (q->faultds[i].epoll >= 0)
			close(q->faultds[i].epoll);
		if (q->faultds[i].kick >= 0)
			close(q->faultds[i].kick);
		pthread_mutex_destroy(&q->faultds[i].listed);
	}
	for (i = 0; i < q->n_workers; i++)
		mover_done(&q->workers[i].hand.mover);
	for (i = 0; i < CREW_LOOKS; i++)
		pthread_mutex_destroy(&q->looks[i]);
	sem_destroy(&q->work);
	ring_free(q->neighbours);
	ring_free(q->jobs);
	ring_free(q->ahead);
	ring_free(q->results);
	ring_free(q->notes);
	free(q->faultds);
	free(q->workers);
	free(q);
	return NULL;
}

/* The last one is for all who find none. */
static bool is_shared(const struct crew *c, const struct squad *q)
{
	return q == c->squads[CREW_SQUADS - 1];
}

/* The user's own; else one that nobody has; else NULL. */
static struct squad *find(struct crew *c, uint32_t uid)
{
	struct squad *unused = NULL;

	CREW_EACH(q, c) {
		if (q->spaces && q->uid == uid)
			return q;
		if (!q->spaces && !is_shared(c, q))
			unused = q;
	}
	return unused;
}

static struct squad *smallest(struct crew *c)
{
	struct squad *best = c->squads[0];

	CREW_EACH(q, c)
		if (q->spaces < best->spaces)
			best = q;
	return best;
}

static struct squad *another(struct crew *c, uint32_t uid)
{
	unsigned int n = atomic_load(&c->n_squads);
	int rc = n < CREW_SQUADS ? squad_new(&c->squads[n], c) : -EAGAIN;

	if (!rc) {
		atomic_store(&c->n_squads, n + 1);
		return c->squads[n];
	}
	if (n == CREW_SQUADS)
		return c->squads[CREW_SQUADS - 1];
	log_line(LOG_LEVEL_WARNING, "no threads for uid %u: %s; those of another user serve it", uid, strerror(-rc));
	return smallest(c);
}

struct squad *crew_squad(struct crew *c, struct space *s)
{
	struct squad *q = s->squad;

	if (q)
		return q;
	q = find(c, s->uid);
	if (!q)
		q = another(c, s->uid);
	if (!q->spaces)
		q->uid = s->uid;
	q->spaces++;
	s->squad = q;
	return q;
}

void crew_leave(struct space *s)
{
	if (s->squad)
		s->squad->spaces--;
	s->squad = NULL;
}

int crew_push(struct squad *q, const struct move *m)
{
	if (atomic_fetch_add(&q->busy, 1) >= CREW_QUEUE || !ring_push(q->jobs, m)) {
		atomic_fetch_sub(&q->busy, 1);
		return CREW_E_FULL;
	}
	sem_post(&q->work);
	return 0;
}
