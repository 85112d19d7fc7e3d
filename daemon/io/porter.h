/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How no descriptor of a client can stop hmmd. close(2) of a stranger's descriptor waits as long as the
 * stranger likes (a TCP socket that lingers; a file on FUSE, where not even SIGKILL ends the wait), so do
 * fstat(2) and read(2), and close(2) of a socket closes what lies unread in its queue. hmmd therefore never
 * installs a descriptor that it does not know, and never holds the last reference to a socket of a client:
 *
 *  - It looks at each packet where it lies (MSG_PEEK with no room for descriptors: fd_peek()). What
 *    carries none it takes itself, once it is answered: every request that programs wait for. Refusing descriptors in the kernel
 *    (SO_PASSRIGHTS) would spare the look, from 6.16 on only.
 *  - What carries some is received by another process, the porter, one for each user, which holds a duplicate
 *    of the socket of every connection of that user. It looks at them without asking them anything
 *    (daemon/mech/vet.c) and hands on the bytes and those of them that wait for nobody.
 *  - A porter closes nothing, so it never waits either: what it has received it keeps, what it has handed on
 *    too, and hmmd's close of that is not the last one. When it has received anything it is replaced: the next
 *    one gets duplicates of the sockets, this one is killed, and whatever waits at a close waits in its exit,
 *    where a lingering socket does not and a FUSE file harms nobody. Few of a user may be stuck there; after
 *    that its porter keeps what comes, and when that is too much its connections that send more are cut.
 *  - Killed hmmd closes no last reference, because the porters have duplicates and the lodge, their parent,
 *    lives until hmmd's process is gone; it has one of the listening socket too, where hmmd made that itself.
 *    With it go the packets of those who were not accepted yet.
 *
 * The lodge is forked before hmmd has threads, memory or descriptors, so that forking a porter is cheap and
 * a porter inherits nothing. Neither has a capability, a file or a terminal.
 */
#ifndef HMMD_IO_PORTER_H
#define HMMD_IO_PORTER_H

#include <stdint.h>
#include <sys/types.h>

#include "daemon/mech/vet.h"

enum porter_verb {
	/* to a porter; id: of a session */
	PORTER_HOLD,		/* here is a duplicate of its socket */
	PORTER_TAKE,		/* receive the packet at the head of its queue; answered */
	PORTER_DROP,		/* it has ended: close the duplicate, unless its queue carries descriptors */
	PORTER_BURY,		/* a socket that never became a session: keep it */
	/* to the lodge; id: of a porter */
	LODGE_SPAWN,		/* here is its end of the connection to hmmd */
	LODGE_END,		/* kill it; answered when it is gone */
	LODGE_LISTENER,		/* here is the socket that clients connect to */
	LODGE_BURY		/* a socket to be closed by somebody else than hmmd */
};

struct porter_letter {
	uint32_t verb;
	uint64_t id;
	struct vet_node node;	/* PORTER_TAKE */
};

/* From a porter (the bytes of the packet follow) and from the lodge (a porter is gone; only id counts). */
struct porter_note {
	uint64_t id;
	uint32_t verb;		/* PORTER_TAKE, or PORTER_DROP: the queue carried descriptors, it was kept */
	uint32_t result;	/* 0 or FD_E_* */
	uint32_t n_fds;		/* that the packet carried */
	uint32_t known;		/* bit i: the i-th of them comes with this note; HMM_LIMIT_FDS fit */
};

/* The process; `channel` is its end of a SOCK_SEQPACKET pair. Runs until it is killed. */
_Noreturn void porter_main(int channel);

struct lodge {
	int channel;		/* hmmd's end, not blocking */
	pid_t pid;
};
/* Forks it. For the time when hmmd has one thread. -errno. */
int lodge_start(struct lodge *ret);

#endif
