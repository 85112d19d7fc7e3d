// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fault service threads are watched as the loop is. Each counts its turns and says whether it is asleep
 * for want of work; one that is neither asleep nor gets on is stuck in some call, and programs wait
 * at it. One is told of. When all are stuck nobody's memory comes in any more, which is as bad as a loop
 * that stands still, and it ends the same way: the service manager's watchdog is not fed.
 */
#include "daemon/io/crew_threads.h"

#define STUCK_US 5000000ULL	/* 5 s: the slowest page, from a disk, takes a hundredth of it */

static bool gets_on(const struct faultd *f, uint64_t turns)
{
	return !atomic_load(&f->at_work) || turns != f->turns_seen || !f->seen_us;
}

unsigned int crew_watch(struct crew *c, uint64_t now_us)
{
	unsigned int i, stuck = 0;

	for (i = 0; i < c->n_faultds; i++) {
		struct faultd *f = &c->faultds[i];
		uint64_t turns = atomic_load(&f->turns);

		if (gets_on(f, turns)) {
			f->turns_seen = turns;
			f->seen_us = now_us;
		}
		stuck += now_us - f->seen_us >= STUCK_US;
	}
	c->stuck = stuck;
	return stuck;
}

unsigned int crew_stuck(const struct crew *c)
{
	return c->stuck;
}

bool crew_all_stuck(const struct crew *c)
{
	return c->stuck && c->stuck == c->n_faultds;
}
