// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does the address space of a client that is away still live? Its process may go on without it, after
 * execve(2). Only an ioctl on its userfaultfd tells, and where it lives that takes its lock, which it may
 * hold for ever: an errand asks, with a duplicate of its own. A client that keeps the answer waiting counts
 * as alive; its process's end is seen without asking.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/io/errand.h"
#include "daemon/io/log.h"
#include "daemon/io/resume_own.h"
#include "daemon/io/retire.h"
#include "daemon/mech/doors.h"

struct asking {
	struct errand errand;
	struct daemon *daemon;
	struct space *space;		/* is not freed before its descriptors are closed, which is an errand behind this one */
	int uffd;
	bool gone;
};

static void run(struct errand *e)
{
	struct asking *a = container_of(e, struct asking, errand);

	a->gone = uffd_gone(a->uffd);
	close(a->uffd);
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
		daemon_event(a->daemon, EVENT_WARNING,
			     "the connection of client %llu (pid %d) ended, its memory waits for it",
			     (unsigned long long)w->who.client, (int)w->who.pid);
	}
	free(a);
}

void resume_ask(struct daemon *d, struct resume *w)
{
	struct asking *a;

	if (w->space->asked || w->space->uffd < 0)
		return;
	a = malloc(sizeof(*a));
	if (!a)
		return;
	*a = (struct asking){ .errand = { .run = run, .done = done }, .daemon = d, .space = w->space,
			      .uffd = fcntl(w->space->uffd, F_DUPFD_CLOEXEC, 0) };
	if (a->uffd >= 0 && !errand_submit(d->errands, w->who.uid, &a->errand)) {
		w->space->asked = true;
		return;
	}
	if (a->uffd >= 0)
		close(a->uffd);
	free(a);
}
