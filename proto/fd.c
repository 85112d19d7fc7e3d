// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sendmsg(2) and recvmsg(2) with SCM_RIGHTS. The kernel says in two flags that something was cut
 * off: MSG_TRUNC for bytes, MSG_CTRUNC for descriptors. After either the descriptors that did arrive are closed
 * and the caller gets a named outcome. Where there was a place for one more and none came, the process itself
 * has no room for it; the bytes still say what the packet was.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/limits.h"

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(HMM_LIMIT_FDS * sizeof(int))];
};

void fd_close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static void put_fds(struct msghdr *msg, union control *control, const int *fds, size_t n_fds)
{
	struct cmsghdr *cmsg;

	memset(control, 0, sizeof(*control));
	msg->msg_control = control->buf;
	msg->msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
}

int fd_send(int sock, const void *buf, size_t size, const int *fds, size_t n_fds, int flags)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	ssize_t n;

	if (n_fds > HMM_LIMIT_FDS)
		return -EINVAL;
	if (n_fds > 0)
		put_fds(&msg, &control, fds, n_fds);
	do
		n = sendmsg(sock, &msg, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
		return FD_E_CLOSED;
	return -errno;
}

/* All descriptors of the message, at most HMM_LIMIT_FDS: the control buffer holds no more. */
static size_t take_fds(struct msghdr *msg, int *fds)
{
	size_t total = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds + total, CMSG_DATA(c), n * sizeof(int));
		total += n;
	}
	return total;
}

static int receive(int sock, struct msghdr *msg, int flags, size_t *ret_size)
{
	ssize_t n;

	do
		n = recvmsg(sock, msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | flags);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != ECONNRESET && errno != ENOTCONN)
		return -errno;
	if (n < 0)
		return FD_E_CLOSED;
	*ret_size = (size_t)n;
	return 0;
}

int fd_recv(int sock, void *buf, size_t cap, int *fds, size_t cap_fds, size_t *ret_size,
	    size_t *ret_fds)
{
	struct iovec iov = { .iov_base = buf, .iov_len = cap };
	union control control;
	/* CMSG_LEN, not CMSG_SPACE: into the padding the kernel would put one more. */
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			      .msg_controllen = CMSG_LEN(cap_fds * sizeof(int)) };
	int got[HMM_LIMIT_FDS], r;
	size_t size = 0, n;

	if (cap_fds > HMM_LIMIT_FDS)
		return -EINVAL;
	r = receive(sock, &msg, 0, &size);
	if (r)
		return r;
	n = take_fds(&msg, got);
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || size == 0) {
		fd_close_all(got, n);
		if (msg.msg_flags & MSG_TRUNC)
			return FD_E_TRUNCATED;
		if (!(msg.msg_flags & MSG_CTRUNC))
			return FD_E_CLOSED;
		*ret_size = size;
		return n < cap_fds ? FD_E_NO_ROOM : FD_E_TOO_MANY;
	}
	if (n > 0)	/* who wants none may have no place for any */
		memcpy(fds, got, n * sizeof(int));
	*ret_size = size;
	*ret_fds = n;
	return 0;
}

/*
 * Looking does not take: the kernel says MSG_CTRUNC for descriptors that found no room, drops its own
 * extra references to them, and the queue keeps those it has, so none of these is the last one.
 */
int fd_peek(int sock, void *buf, size_t cap, size_t *ret_size)
{
	struct iovec iov = { .iov_base = buf, .iov_len = cap };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	size_t size = 0;
	int r = receive(sock, &msg, MSG_PEEK, &size);

	if (r)
		return r;
	if (msg.msg_flags & MSG_CTRUNC)
		return FD_E_CARRIES;
	if (size == 0)
		return FD_E_CLOSED;
	if (msg.msg_flags & MSG_TRUNC)
		return FD_E_TRUNCATED;
	*ret_size = size;
	return 0;
}

void fd_skip(int sock)
{
	while (recv(sock, NULL, 0, MSG_DONTWAIT) < 0 && errno == EINTR)
		;
}

/*
 * To recvmsg(2) an empty packet looks like the end of a queue, and an error of the socket comes before what is
 * in it. So the kernel is asked for the sender's credentials, which it has with each packet and not with the
 * end; they leave no room for a descriptor.
 */
int fd_drain(int sock)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	int on = 1;

	if (setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return FD_E_CARRIES;
	for (;;) {
		struct msghdr msg = { .msg_control = control.buf, .msg_controllen = sizeof(control.buf) };
		ssize_t n = recvmsg(sock, &msg, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n < 0 && (errno == EINTR || errno == ECONNRESET))
			continue;
		if (n < 0 || msg.msg_controllen == 0)
			return 0;
		if (msg.msg_flags & MSG_CTRUNC)
			return FD_E_CARRIES;
		fd_skip(sock);
	}
}
