// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does the address space of a client that is away still live? Its process may go on without it, after
 * execve(2). Only an ioctl on its userfaultfd tells, or on the kernel driver's descriptor of one that has none, and
 * where it lives that takes its lock, which it may hold for ever: an errand asks, with a duplicate of its own. A client
 * that keeps the answer waiting counts as alive; its process's end is seen without asking.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/io/errand.h"
#include "daemon/io/log.h"
#include "daemon/io/resume_own.h"
#include "daemon/io/retire.h"
#include "daemon/mech/doors.h"
#include "daemon/mech/driver.h"

enum { BASE_PAGE = 4096 };

struct asking {
	struct errand errand;
	struct daemon *daemon;
	struct space *space;		/* is not freed before its descriptors are closed, which is an errand behind this one */
	int uffd, driver;
	uint64_t addr;			/* of something that the driver has */
	bool gone;
};

static void drop_descriptors(struct asking *a)
{
	if (a->uffd >= 0)
		close(a->uffd);
	if (a->driver >= 0)
		close(a->driver);
}

static void run(struct errand *e)
{
	struct asking *a = container_of(e, struct asking, errand);
	struct driver_seen seen;

	if (a->uffd >= 0)
		a->gone = uffd_gone(a->uffd);
	else
		a->gone = driver_look(a->daemon->driver, a->driver, a->addr, BASE_PAGE, &seen) == -ESRCH;
	drop_descriptors(a);
}

static struct resume *find_waiting(struct daemon *d, const struct space *s)
{
	LIST_EACH(node, &d->waiting_spaces) {
		struct resume *w = container_of(node, struct resume, node);

		if (w->space == s)
			return w;
	}
	return NULL;
}

/* It may have come back or been given up meanwhile. */
static void done(struct errand *e)
{
	struct asking *a = container_of(e, struct asking, errand);
	struct resume *w = find_waiting(a->daemon, a->space);

	a->space->asked = false;
	if (w && a->gone) {
		log_line(LOG_LEVEL_INFO, "client %llu (pid %d) ended before it came back",
			 (unsigned long long)w->who.client, (int)w->who.pid);
		retire_space(a->daemon, w->space);
	} else if (w && w->untold) {
		w->untold = false;
		daemon_client_event(a->daemon, EVENT_WARNING, w->who.client,
			     "the connection of client %llu (pid %d) ended, its memory waits for it",
			     (unsigned long long)w->who.client, (int)w->who.pid);
	}
	free(a);
}

/* Of what the kernel driver has. 0: nothing. */
static uint64_t first_addr(const struct space *s)
{
	LIST_EACH(node, &s->ranges) {
		const struct range *r = container_of(node, struct range, in_space);

		if (atomic_load(&r->adopted))
			return r->addr;
	}
	return 0;
}

static struct asking *asking_new(struct daemon *d, struct space *s)
{
	struct asking *a = malloc(sizeof(*a));

	if (!a)
		return NULL;
	*a = (struct asking){ .errand = { .run = run, .done = done }, .daemon = d, .space = s, .uffd = -1, .driver = -1,
			      .addr = s->uffd < 0 && s->driver >= 0 ? first_addr(s) : 0 };
	if (s->uffd >= 0)
		a->uffd = fcntl(s->uffd, F_DUPFD_CLOEXEC, 0);
	else if (a->addr)
		a->driver = fcntl(s->driver, F_DUPFD_CLOEXEC, 0);
	if (a->uffd >= 0 || a->driver >= 0)
		return a;
	free(a);
	return NULL;
}

void resume_ask(struct daemon *d, struct resume *w)
{
	struct asking *a = w->space->asked ? NULL : asking_new(d, w->space);

	if (!a)
		return;
	if (!errand_submit(d->errands, w->who.uid, &a->errand)) {
		w->space->asked = true;
		return;
	}
	drop_descriptors(a);
	free(a);
}
