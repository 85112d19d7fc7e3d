// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Passing points. The loop takes an object out of the tables, counts its squad's pass up and kicks the fault
 * service threads; each says at the top of its loop, where it holds nothing, which pass it has seen. When
 * all have seen it, none can have the object from before, and other squads never had it. A thread that serves a fault delays this by one
 * page, never more.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "daemon/io/crew_threads.h"

struct crew_wait {
	crew_passed_fn *fn;
	void *userdata;
	unsigned int left;		/* squads that have not passed */
	struct crew_waiter {		/* one for each squad */
		struct list_node node;
		struct crew_wait *wait;
		uint64_t pass;
	} waiters[];
};

static bool all_passed(const struct squad *q, uint64_t pass)
{
	unsigned int i;

	for (i = 0; i < q->n_faultds && !q->gone; i++)
		if (atomic_load(&q->faultds[i].passed) < pass)
			return false;
	return true;
}

/* A callback may wait for the next point; that comes to the end of the list. */
static void check(struct squad *q)
{
	while (!list_empty(&q->waiters)) {
		struct crew_waiter *w = container_of(q->waiters.next, struct crew_waiter, node);
		struct crew_wait *wait = w->wait;

		if (!all_passed(q, w->pass))
			return;
		list_remove(&w->node);
		if (--wait->left)
			continue;
		wait->fn(wait->userdata);
		free(wait);
	}
}

void crew_pass_check(struct crew *c)
{
	CREW_EACH(q, c)
		check(q);
}

static void ask(struct squad *q, struct crew_waiter *w)
{
	w->pass = atomic_fetch_add(&q->pass, 1) + 1;
	list_append(&q->waiters, &w->node);
	for (unsigned int i = 0; i < q->n_faultds; i++)
		eventfd_write(q->faultds[i].kick, 1);
}

static int wait_for(struct squad *const *squads, unsigned int n, crew_passed_fn *fn, void *userdata)
{
	struct crew_wait *wait = malloc(sizeof(*wait) + n * sizeof(wait->waiters[0]));

	if (!wait)
		return -ENOMEM;
	*wait = (struct crew_wait){ .fn = fn, .userdata = userdata, .left = n };
	for (unsigned int i = 0; i < n; i++) {
		wait->waiters[i] = (struct crew_waiter){ .wait = wait };
		ask(squads[i], &wait->waiters[i]);
	}
	uv_async_send(&squads[0]->crew->wake);
	return 0;
}

int crew_quiesce(struct crew *c, struct space *s, crew_passed_fn *fn, void *userdata)
{
	struct squad *q = crew_squad(c, s);

	return wait_for(&q, 1, fn, userdata);
}

int crew_quiesce_all(struct crew *c, crew_passed_fn *fn, void *userdata)
{
	return wait_for(c->squads, atomic_load(&c->n_squads), fn, userdata);
}
