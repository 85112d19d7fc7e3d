// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Most letters go at once: the queue of a channel has room for some hundred. The others are kept with a
 * duplicate of their descriptor. A channel whose other end is gone takes everything and keeps nothing; that
 * it is gone is said by the lodge.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/io/mailbox.h"
#include "proto/fd.h"

struct waiting {
	struct list_node in_box;
	struct porter_letter letter;
	int fd;
};

void mailbox_init(struct mailbox *m, int fd)
{
	m->fd = fd;
	list_init(&m->waiting);
}

bool mailbox_waits(const struct mailbox *m)
{
	return !list_empty(&m->waiting);
}

/* true: it is done with. */
static bool post(struct mailbox *m, const struct porter_letter *l, int fd)
{
	int r = fd_send(m->fd, l, sizeof(*l), &fd, fd >= 0, MSG_DONTWAIT);

	return r >= 0;
}

static int keep(struct mailbox *m, const struct porter_letter *l, int fd)
{
	struct waiting *w = malloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct waiting){ .letter = *l, .fd = fd };
	if (fd >= 0) {
		w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (w->fd < 0) {
			free(w);
			return -EMFILE;
		}
	}
	list_append(&m->waiting, &w->in_box);
	return 0;
}

int mailbox_send(struct mailbox *m, const struct porter_letter *l, int fd)
{
	if (list_empty(&m->waiting) && post(m, l, fd))
		return 0;
	return keep(m, l, fd);
}

static void drop_first(struct mailbox *m)
{
	struct waiting *w = container_of(m->waiting.next, struct waiting, in_box);

	list_remove(&w->in_box);
	fd_close_all(&w->fd, 1);
	free(w);
}

void mailbox_flush(struct mailbox *m)
{
	while (!list_empty(&m->waiting)) {
		struct waiting *w = container_of(m->waiting.next, struct waiting, in_box);

		if (!post(m, &w->letter, w->fd))
			return;
		drop_first(m);
	}
}

void mailbox_done(struct mailbox *m)
{
	while (!list_empty(&m->waiting))
		drop_first(m);
	fd_close_all(&m->fd, 1);
}
