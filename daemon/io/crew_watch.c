// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fault service threads are watched as the loop is. Each counts its turns and says whether it is asleep
 * for want of work; one that is neither asleep nor gets on is stuck in some call, and programs wait
 * at it. One is told of. A user can do that to its own threads. When those of all users are stuck, and there are
 * several, nobody's memory comes in any more, which is as bad as a loop that stands still, and it ends the same
 * way: the service manager's watchdog is not fed. One that sleeps in a read is woken.
 *
 * A squad is held up much sooner: when one of its threads has been at a page for a second. No room is expected of
 * its user's pages then, and no plan waits for them.
 */
#include <signal.h>

#include "daemon/core/world.h"
#include "daemon/io/crew_threads.h"

#define NUDGE_US 1000000ULL	/* 1 s */
#define STUCK_US 5000000ULL	/* 5 s: the slowest page, from a disk, takes a hundredth of it */
#define HELD_UP_NS 1000000000ULL	/* 1 s */

static bool gets_on(const struct faultd *f, uint64_t turns)
{
	return !atomic_load(&f->at_work) || turns != f->turns_seen || !f->seen_us;
}

/*
 * Before Linux 6.10 a client that takes O_NONBLOCK away between our look and our read puts the thread to sleep there. A
 * signal ends that; at its next look the userfaultfd says that it is a blocking one. A thread that is at a page reads
 * only what cannot put it to sleep (uffd_read_all).
 */
static void nudge(const struct faultd *f, uint64_t now_us)
{
	if (now_us - f->seen_us >= NUDGE_US && !atomic_load(&f->hand.at.client))
		pthread_kill(f->hand.thread, CREW_NUDGE);
}

static unsigned int stuck_of(struct squad *q, uint64_t now_us)
{
	unsigned int i, stuck = 0;

	for (i = 0; i < q->n_faultds; i++) {
		struct faultd *f = &q->faultds[i];
		uint64_t turns = atomic_load(&f->turns);

		if (gets_on(f, turns)) {
			f->turns_seen = turns;
			f->seen_us = now_us;
		}
		nudge(f, now_us);
		stuck += now_us - f->seen_us >= STUCK_US;
	}
	return stuck;
}

static bool is_long_at(const struct crew_at *at, uint64_t now_ns)
{
	return atomic_load(&at->client) && now_ns > atomic_load(&at->began_ns) + HELD_UP_NS;
}

static bool squad_held_up(const struct squad *q)
{
	uint64_t now_ns = crew_clock_ns();
	unsigned int i;

	for (i = 0; i < q->n_faultds; i++)
		if (is_long_at(&q->faultds[i].hand.at, now_ns))
			return true;
	for (i = 0; i < q->n_workers; i++)
		if (is_long_at(&q->workers[i].hand.at, now_ns))
			return true;
	return false;
}

unsigned int crew_watch(struct crew *c, uint64_t now_us)
{
	unsigned int stuck, users = 0, standing = 0;

	c->stuck = 0;
	CREW_EACH(q, c) {
		stuck = stuck_of(q, now_us);
		c->stuck += stuck;
		users += q->spaces > 0;
		standing += q->spaces && stuck == q->n_faultds;
	}
	c->all_stuck = users > 1 && standing == users;
	LIST_EACH(node, &c->daemon->world->spaces) {
		struct space *s = container_of(node, struct space, in_world);

		space_held_up(s, s->squad && squad_held_up(s->squad));
	}
	return c->stuck;
}

bool crew_any_held_up(const struct crew *c)
{
	CREW_EACH(q, c)
		if (squad_held_up(q))
			return true;
	return false;
}

unsigned int crew_stuck(const struct crew *c)
{
	return c->stuck;
}

bool crew_all_stuck(const struct crew *c)
{
	return c->all_stuck;
}
