// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A connection can end while its client lives: cut off because it did not read, or dropped by a client that
 * waited too long for an answer. Its managed ranges are its memory, so they are not given up for that, and nor is
 * memory of its own that it has pinned. The client is known again as after a restart of the daemon. A process that
 * ends or calls execve(2) loses its address space before its sockets close, so it is told apart as soon as somebody has
 * looked (resume_gone.c).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/io/resume_own.h"
#include "daemon/io/retire.h"

/* What the program has mapped, and what of its own memory the kernel driver holds for it: moved, pinned, told to stay. */
static bool is_memory(const struct range *r)
{
	return r->kind == RANGE_MANAGED ? r->addr != 0 : atomic_load(&r->adopted) != NULL;
}

static size_t count_memory(const struct space *s)
{
	size_t n = 0;

	LIST_EACH(node, &s->ranges)
		n += is_memory(container_of(node, struct range, in_space));
	return n;
}

/* What the client tells anew when it is back, or never mapped. */
static void retire_others(struct daemon *d, struct space *s)
{
	LIST_EACH_SAFE(node, next, &s->ranges) {
		struct range *r = container_of(node, struct range, in_space);

		if (!is_memory(r))
			retire_ranges(d, &r, 1, NULL, NULL);
	}
}

static bool is_noted(const struct resume *w, const struct range *r)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->ranges[i].range == r)
			return true;
	return false;
}

/* Of one that was cut off while it came back, only what it had named by then and is on no record. */
static int note_ranges(struct resume *w, size_t most)
{
	struct resumed *longer = realloc(w->ranges, (w->n + most) * sizeof(*longer));
	size_t before = w->n;

	if (!longer)
		return -ENOMEM;
	w->ranges = longer;
	LIST_EACH(node, &w->space->ranges) {
		struct range *r = container_of(node, struct range, in_space);

		if (is_memory(r) && (!before || (r->kind == RANGE_ADOPTED && !is_noted(w, r))))
			w->ranges[w->n++] = (struct resumed){ .range = r, .addr = r->addr, .mapped = true, .live = true };
	}
	return 0;
}

static struct resume *park_new(struct space *s, const struct peer *peer)
{
	struct resume *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	list_init(&w->node);
	w->space = s;
	w->served = true;
	w->who = (struct ledger_identity){ .client = s->client, .start = peer->start, .pid = peer->pid,
					   .uid = peer->uid };
	w->pidfd = fcntl(peer->pidfd, F_DUPFD_CLOEXEC, 0);
	/* Without a descriptor now it is asked for again (resume_sweep_ended). */
	return w;
}

/* NULL: there is nothing to come back to, or no memory. */
static struct resume *find_or_new(struct daemon *d, struct space *s, const struct peer *peer)
{
	struct resume *w = resume_find(d, s), *known = w;
	size_t n = count_memory(s);

	if (!n)
		return w;
	w = w ? w : park_new(s, peer);
	if (w && note_ranges(w, n))
		return known ? known : resume_free(w);
	if (w && !known)
		retire_others(d, s);
	return w;
}

bool resume_park(struct daemon *d, struct space *s, const struct peer *peer)
{
	struct resume *w = process_ended(peer->pidfd) ? NULL : find_or_new(d, s, peer);
	size_t i;

	if (!w)
		return false;
	w->waiter = 0;
	w->named = false;
	for (i = 0; i < w->n; i++)
		w->ranges[i].came = false;
	list_remove(&w->node);
	list_append(&d->waiting_spaces, &w->node);
	w->untold = true;
	resume_ask(d, w);
	return true;
}
