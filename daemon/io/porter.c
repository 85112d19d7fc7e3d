// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A porter (porter.h). Only what cannot wait is called here, but for its own channel: it closes the duplicate
 * of a socket when the queue is empty, and else nothing at all. What it keeps without a session it need not
 * remember: its end closes everything.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/io/porter.h"
#include "proto/fd.h"
#include "proto/limits.h"

enum { KERNEL_FDS = 253 };	/* SCM_MAX_FD: more does not come with one packet */

struct held {
	uint64_t id;
	int fd;
};

struct porter {
	int channel;
	struct held *held;
	size_t n, cap;
	int fds[KERNEL_FDS];	/* of the packet being received */
	struct {
		struct porter_note head;
		uint8_t packet[HMM_LIMIT_FRAME];
	} note;
};

static struct held *find(struct porter *p, uint64_t id)
{
	for (size_t i = p->n; i > 0; i--)
		if (p->held[i - 1].id == id)
			return &p->held[i - 1];
	return NULL;
}

/* Without memory the descriptor is kept all the same, and the session will be told that its packet cannot be had. */
static void hold(struct porter *p, uint64_t id, int fd)
{
	size_t cap = p->cap ? p->cap * 2 : 16;
	struct held *longer;

	if (p->n == p->cap) {
		longer = realloc(p->held, cap * sizeof(*longer));
		if (!longer)
			return;
		p->held = longer;
		p->cap = cap;
	}
	p->held[p->n++] = (struct held){ .id = id, .fd = fd };
}

static void tell(struct porter *p, size_t size, const int *fds, size_t n_fds)
{
	fd_send(p->channel, &p->note, sizeof(p->note.head) + size, fds, n_fds, 0);
}

static size_t take_fds(struct porter *p, struct msghdr *msg)
{
	size_t total = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || n > KERNEL_FDS - total)
			continue;
		memcpy(p->fds + total, CMSG_DATA(c), n * sizeof(int));
		total += n;
	}
	return total;
}

/* The size of the packet; result and number of descriptors go into the note. */
static size_t receive(struct porter *p, int sock)
{
	static union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(KERNEL_FDS * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = p->note.packet, .iov_len = sizeof(p->note.packet) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	ssize_t n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	size_t fds = n < 0 ? 0 : take_fds(p, &msg);

	p->note.head.n_fds = (uint32_t)fds;
	if (n <= 0)
		p->note.head.result = FD_E_CLOSED;
	else if (fds > HMM_LIMIT_FDS)
		p->note.head.result = FD_E_TOO_MANY;
	else if (msg.msg_flags & MSG_CTRUNC)
		p->note.head.result = FD_E_NO_ROOM;
	else if (msg.msg_flags & MSG_TRUNC)
		p->note.head.result = FD_E_TRUNCATED;
	return n < 0 ? 0 : (size_t)n;
}

static void take(struct porter *p, const struct porter_letter *l)
{
	struct held *h = find(p, l->id);
	int known[HMM_LIMIT_FDS];
	size_t size, n = 0;

	p->note.head = (struct porter_note){ .id = l->id, .verb = PORTER_TAKE };
	if (!h) {
		p->note.head.result = FD_E_CLOSED;
		tell(p, 0, NULL, 0);
		return;
	}
	size = receive(p, h->fd);
	for (uint32_t i = 0; !p->note.head.result && i < p->note.head.n_fds; i++) {
		if (!vet_known(p->fds[i], &l->node))
			continue;
		p->note.head.known |= 1U << i;
		known[n++] = p->fds[i];
	}
	tell(p, size, known, n);
}

static void drop(struct porter *p, uint64_t id)
{
	struct held *h = find(p, id);

	if (!h)
		return;
	if (fd_drain(h->fd) == 0) {
		close(h->fd);
	} else {
		p->note.head = (struct porter_note){ .id = id, .verb = PORTER_DROP };
		tell(p, 0, NULL, 0);
	}
	memmove(h, h + 1, (size_t)(p->held + --p->n - h) * sizeof(*h));
}

static void obey(struct porter *p, const struct porter_letter *l, const int *fds, size_t n_fds)
{
	if (l->verb == PORTER_HOLD && n_fds == 1)
		hold(p, l->id, fds[0]);
	else if (l->verb == PORTER_TAKE)
		take(p, l);
	else if (l->verb == PORTER_DROP)
		drop(p, l->id);
}

/* When hmmd has gone the lodge says what is next, not the channel: hmmd's other descriptors may not be closed yet. */
static _Noreturn void wait_for_the_end(void)
{
	for (;;)
		pause();
}

_Noreturn void porter_main(int channel)
{
	struct porter *p = calloc(1, sizeof(*p));
	struct porter_letter l;
	size_t size, n_fds;
	int fds[1], r;

	if (!p)
		_exit(1);
	p->channel = channel;
	do {
		poll(&(struct pollfd){ channel, POLLIN, 0 }, 1, -1);
		r = fd_recv(channel, &l, sizeof(l), fds, 1, &size, &n_fds);
		if (r == 0 && size == sizeof(l))
			obey(p, &l, fds, n_fds);
	} while (r != FD_E_CLOSED);
	wait_for_the_end();
}
