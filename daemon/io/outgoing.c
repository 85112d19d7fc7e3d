// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The queue of frames a socket did not take at once. Descriptors are duplicated into it, so the
 * caller's may be closed; one frame goes out with exactly its own, since SOCK_SEQPACKET keeps
 * packets apart.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/io/outgoing.h"
#include "daemon/io/session_own.h"
#include "proto/fd.h"
#include "proto/limits.h"

enum { TRIM_FROM = 1024 * 1024 /* bytes: less is soon used again */ };

static size_t freed;	/* since the last trim; loop thread only */

struct outgoing {
	struct list_node in_queue;
	size_t size, n_fds;
	int fds[HMM_LIMIT_FDS];
	unsigned char frame[];
};

static struct outgoing *outgoing_free(struct outgoing *o)
{
	fd_close_all(o->fds, o->n_fds);
	free(o);
	return NULL;
}

int outgoing_add(struct session *s, const void *frame, size_t size, const int *fds, size_t n_fds)
{
	struct outgoing *o;

	if (!s->queued)
		charge_force(&s->queued_charge, s->account, ACCOUNT_QUEUED, size);
	else if (charge_take(&s->queued_charge, s->account, ACCOUNT_QUEUED, size))
		return -EDQUOT;
	o = malloc(sizeof(*o) + size);
	if (!o) {
		charge_shrink(&s->queued_charge, size);
		return -ENOMEM;
	}
	o->size = size;
	memcpy(o->frame, frame, size);
	for (o->n_fds = 0; o->n_fds < n_fds; o->n_fds++) {
		o->fds[o->n_fds] = fcntl(fds[o->n_fds], F_DUPFD_CLOEXEC, 0);
		if (o->fds[o->n_fds] >= 0)
			continue;
		outgoing_free(o);
		charge_shrink(&s->queued_charge, size);
		return -EMFILE;
	}
	list_append(&s->queue, &o->in_queue);
	s->queued += size;
	return 0;
}

static void drop_first(struct session *s)
{
	struct outgoing *o = container_of(s->queue.next, struct outgoing, in_queue);

	list_remove(&o->in_queue);
	s->queued -= o->size;
	charge_shrink(&s->queued_charge, o->size);
	freed += o->size;
	outgoing_free(o);
}

int outgoing_flush(struct session *s)
{
	while (!list_empty(&s->queue)) {
		struct outgoing *o = container_of(s->queue.next, struct outgoing, in_queue);
		int r = fd_send(s->fd, o->frame, o->size, o->fds, o->n_fds, MSG_DONTWAIT);

		if (r == -EAGAIN || r == -ENOBUFS)
			return 1;
		if (r)
			return r < 0 ? r : -EPIPE;
		drop_first(s);
	}
	return 0;
}

/* Frames lie between what lives longer, so the allocator keeps their pages until it is asked. */
void outgoing_trim(void)
{
	if (freed < TRIM_FROM)
		return;
	freed = 0;
	malloc_trim(0);
}

void outgoing_drop_all(struct session *s)
{
	while (!list_empty(&s->queue))
		drop_first(s);
}
