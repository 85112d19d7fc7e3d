// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clients whose faults are not read for a while. A thread that cannot keep one more fault takes the client's
 * userfaultfd out of its own epoll set: what is not read waits in the kernel, in any number, and costs
 * nobody anything. The loop puts it back, since only the loop knows that the client is still there: when
 * its time is over, or at once when one of its pages came in. Another thread that still reads it finds out
 * for itself.
 */
#include <sys/epoll.h>

#include "daemon/core/world.h"
#include "daemon/io/crew_threads.h"

#define NSEC_PER_USEC 1000ULL

void crew_park(struct faultd *f, struct space *s, enum wait_reason why)
{
	struct crew *c = f->hand.crew;
	uint64_t now = crew_clock_ns();

	epoll_ctl(f->epoll, EPOLL_CTL_DEL, s->uffd, NULL);
	setback_unread(&s->setback, why, now);
	if (why == WAIT_SHUT)
		setback_shut(&s->setback, now);
	else
		setback_read(&s->setback, now);
	atomic_store(&s->setback.parked, true);
	atomic_store(&c->parked, true);
	uv_async_send(&c->wake);
}

void crew_came_in(struct crew *c, struct space *s)
{
	if (setback_end(&s->setback) && atomic_load(&s->setback.parked))
		uv_async_send(&c->wake);
}

uint64_t crew_unpark(struct crew *c)
{
	uint64_t now = crew_clock_ns(), at, soonest = UINT64_MAX;

	if (!atomic_exchange(&c->parked, false))
		return UINT64_MAX;
	LIST_EACH(node, &c->daemon->world->spaces) {
		struct space *s = container_of(node, struct space, in_world);

		if (!s->served || !atomic_load(&s->setback.parked))
			continue;
		at = atomic_load(&s->setback.read_ns);
		if (at <= now) {
			atomic_store(&s->setback.parked, false);
			if (!crew_read(s))
				continue;
			setback_read(&s->setback, now);
			atomic_store(&s->setback.parked, true);
			at = atomic_load(&s->setback.read_ns);
		}
		soonest = at < soonest ? at : soonest;
	}
	if (soonest == UINT64_MAX)
		return UINT64_MAX;
	atomic_store(&c->parked, true);
	return (soonest - now) / NSEC_PER_USEC + 1;
}
