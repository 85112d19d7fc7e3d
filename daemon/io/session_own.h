/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of a session, for session*.c, server.c, dispatch.c and the requests alone. */
#ifndef HMMD_IO_SESSION_OWN_H
#define HMMD_IO_SESSION_OWN_H

#include <uv.h>
#include "daemon/base/list.h"
#include "daemon/core/account.h"
#include "daemon/io/session.h"

struct porter_user;

struct session {
	struct daemon *daemon;
	uint64_t id;
	struct list_node in_server;
	int fd;
	uv_poll_t socket_poll;
	uv_poll_t process_poll;		/* the peer's pidfd: a forked child may keep the socket open */
	unsigned int handles;		/* of these, not yet closed by libuv */
	int events;			/* what socket_poll waits for */
	struct peer peer;
	struct account *account;	/* of the peer's uid */
	struct share_peer share;	/* when it is heard */
	uint32_t pressed;		/* bit mask of tiers: it was told of pressure there, and not yet of its end */
	bool said_hello, control, subscribed, closing;
	const char *cut;		/* why nothing is sent to it any more; NULL: it is well */
	uint64_t features;		/* of Hello */
	struct space *space;		/* NULL: not asked for, or given to retire */
	bool unseen;			/* nobody can tell which of its pages are mapped */
	struct list_node queue;		/* of struct outgoing */
	size_t queued;			/* bytes in it */
	struct charge queued_charge;
	unsigned int ops;		/* unfinished operations */
	struct list_node awaited;	/* of struct awaited: requests answered when their operation ends */
	bool resuming;			/* Hello named a client of an earlier daemon, the last Resume did not come yet */
	unsigned int turns;		/* how often it was readable */
	bool batch;			/* frames come faster than one a turn */
	struct porter_user *user;	/* of porters.c; NULL: its socket is nobody else's yet */
	struct list_node of_user;
	uint64_t carrier;		/* the porter that was asked for its next packet; 0: none, it is read here */
};

/* Takes the descriptor and the peer over, also on failure. -errno. */
int session_new(struct session **ret, struct daemon *d, uint64_t id, int fd, const struct peer *peer);
/* Like session_close(), but the space lives on (the daemon stops; its ledger stays). */
void session_let_go(struct session *s);
/* Tells libuv what to wait for after the queue has changed. */
void session_watch(struct session *s);

#endif
