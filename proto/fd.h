/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One packet with its descriptors over a SOCK_SEQPACKET socket. A library of its own because it is
 * the only part of proto/ that calls the kernel. No descriptor is ever lost: what arrives is either
 * handed to the caller, CLOEXEC from birth, or closed here.
 */
#ifndef HMM_PROTO_FD_H
#define HMM_PROTO_FD_H

#include <stddef.h>

enum {
	FD_E_CLOSED = 1,	/* the peer is gone */
	/* the packet was larger than the buffer; all its descriptors are closed */
	FD_E_TRUNCATED = 2,
	FD_E_TOO_MANY = 3,	/* more descriptors than cap_fds; all are closed */
	FD_E_CARRIES = 4,	/* descriptors come with the packet, which was left where it is */
	FD_E_NO_ROOM = 5	/* this process may not open so many descriptors; all are closed, the bytes are there */
};

/*
 * Sends one packet; flags as for sendmsg(2) (MSG_NOSIGNAL is always added). n_fds at most
 * HMM_LIMIT_FDS. 0, FD_E_CLOSED, -EAGAIN when it would block, -EMSGSIZE, -errno.
 */
int fd_send(int sock, const void *buf, size_t size, const int *fds, size_t n_fds, int flags);
/*
 * Receives one packet without blocking, at most cap bytes and cap_fds (at most HMM_LIMIT_FDS)
 * descriptors. 0, FD_E_*, -EAGAIN when nothing is there, -errno. *ret_size is also set with FD_E_NO_ROOM.
 */
int fd_recv(int sock, void *buf, size_t cap, int *fds, size_t cap_fds, size_t *ret_size,
	    size_t *ret_fds);
/*
 * Looks at the packet at the head of the queue without taking it; the first bytes of it are in buf whatever
 * comes back. 0: no descriptor comes with it, fd_skip() takes it away. FD_E_CARRIES: some do, and the queue
 * goes on holding them; nothing is installed or closed here. Nobody else may read from this socket meanwhile.
 */
int fd_peek(int sock, void *buf, size_t cap, size_t *ret_size);
void fd_skip(int sock);
/*
 * Before the last close of a socket that was shut down: its queue is read away up to the first packet
 * that carries descriptors. 0: it is empty, FD_E_CARRIES: it is not.
 */
int fd_drain(int sock);
/* Closes n descriptors and sets them to -1; those that are -1 are skipped. */
void fd_close_all(int *fds, size_t n);

#endif
