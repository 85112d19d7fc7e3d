/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The socket, and waiting on it. The descriptor is counted, because a thread may sleep in poll(2)
 * on it while another finds that the daemon is gone: it is closed when the last one has left.
 */
#ifndef HMM_LIBCLIENT_LINK_H
#define HMM_LIBCLIENT_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

struct hmm_client;
struct request;

struct link {
	int fd;
	unsigned int users;	/* guarded by the client's lock */
};

/*
 * Connects. wait: for room in a full backlog. -ETIMEDOUT when there is none; -errno of socket(2)
 * and connect(2). own_only: -EPERM when it is another user who listens. What is sent and received later never blocks.
 */
int link_open(const struct sockaddr_un *address, bool wait, bool own_only, struct link **ret);
struct link *link_unref(struct link *l);

/*
 * The rest with the client's lock held.
 *
 * One thread at a time reads: it sleeps on the socket, the others on the condition. While somebody
 * reads, the socket is not in the client's epoll set, so no frame wakes the helper for nothing.
 * Waits until something changed, the socket is writable (if asked), or the deadline; what arrives
 * is dispatched. 0: look again; -ETIMEDOUT; -ENOTCONN.
 */
int link_wait(struct hmm_client *c, const struct request *until, bool writable,
	      uint64_t deadline_us);
/* To be called when done with waiting: somebody else may have to go on reading. */
void link_wait_end(struct hmm_client *c);
void link_arm(struct hmm_client *c, bool armed);

#endif
