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
	/* more descriptors than cap_fds or than this process may open; all are closed */
	FD_E_TOO_MANY = 3
};

/*
 * Sends one packet; flags as for sendmsg(2) (MSG_NOSIGNAL is always added). n_fds at most
 * HMM_LIMIT_FDS. 0, FD_E_CLOSED, -EAGAIN when it would block, -EMSGSIZE, -errno.
 */
int fd_send(int sock, const void *buf, size_t size, const int *fds, size_t n_fds, int flags);
/*
 * Receives one packet without blocking, at most cap bytes and cap_fds (at most HMM_LIMIT_FDS)
 * descriptors. 0, FD_E_*, -EAGAIN when nothing is there, -errno.
 */
int fd_recv(int sock, void *buf, size_t cap, int *fds, size_t cap_fds, size_t *ret_size,
	    size_t *ret_fds);
/* Closes n descriptors and sets them to -1; those that are -1 are skipped. */
void fd_close_all(int *fds, size_t n);

#endif
