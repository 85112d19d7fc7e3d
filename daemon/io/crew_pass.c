// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Passing points. The loop takes an object out of the tables, counts the pass up and kicks the fault
 * service threads; each says at the top of its loop, where it holds nothing, which pass it has seen. When
 * all have seen it, none can have the object from before. A thread that serves a fault delays this by one
 * page, never more.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "daemon/io/crew_threads.h"

struct crew_waiter {
	struct list_node node;
	uint64_t pass;
	crew_passed_fn *fn;
	void *userdata;
};

static bool all_passed(const struct crew *c, uint64_t pass)
{
	unsigned int i;

	for (i = 0; i < c->n_faultds; i++)
		if (atomic_load(&c->faultds[i].passed) < pass)
			return false;
	return true;
}

/* A callback may wait for the next point; that comes to the end of the list. */
void crew_pass_check(struct crew *c)
{
	while (!list_empty(&c->waiters)) {
		struct crew_waiter *w = container_of(c->waiters.next, struct crew_waiter, node);

		if (!all_passed(c, w->pass))
			return;
		list_remove(&w->node);
		w->fn(w->userdata);
		free(w);
	}
}

int crew_quiesce(struct crew *c, crew_passed_fn *fn, void *userdata)
{
	struct crew_waiter *w = malloc(sizeof(*w));
	unsigned int i;

	if (!w)
		return -ENOMEM;
	*w = (struct crew_waiter){ .pass = atomic_fetch_add(&c->pass, 1) + 1, .fn = fn, .userdata = userdata };
	list_append(&c->waiters, &w->node);
	for (i = 0; i < c->n_faultds; i++)
		eventfd_write(c->faultds[i].kick, 1);
	uv_async_send(&c->wake);
	return 0;
}
