/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket everybody connects to, and what all sessions share: one receive buffer, one decode arena. */
#ifndef HMMD_IO_SERVER_H
#define HMMD_IO_SERVER_H

#include <sys/types.h>
#include <uv.h>
#include "daemon/base/idmap.h"
#include "daemon/base/list.h"
#include "daemon/core/config.h"
#include "proto/arena.h"

struct daemon;
struct peer;
struct session;

struct server {
	struct daemon *daemon;
	uv_poll_t listen;
	uv_idle_t awake;		/* active for AWAKE_NS after each request: the loop does not sleep */
	uv_prepare_t turns;
	uint64_t turn;			/* of the loop: how many there were */
	uint64_t awake_until;		/* uv_hrtime() */
	int fd;
	int spare_fd;			/* closed for a moment to turn a client away when descriptors run out */
	char path[CONFIG_PATH];		/* "": systemd's socket, not ours to unlink */
	struct list_node sessions;
	struct idmap *by_id, *by_client;
	uint64_t next_id;
	unsigned int n_sessions;
	uint8_t *in, *out;		/* HMM_LIMIT_FRAME bytes each: the frame being read, being packed */
	void *decode;			/* HMM_LIMIT_DECODE bytes */
	void *page;			/* TABLE_BUFFER bytes: a page of a listing */
	struct arena arena;
	struct server_group {
		bool named, there;	/* in the configuration, on the machine; if not there nobody is in it */
		gid_t gid;
	} control_group, uffd_group;
};

/* From systemd's descriptor "client", or bound here. -EADDRINUSE: another daemon listens (logged). */
int server_new(struct server **ret, struct daemon *d);
/* Starts to accept. */
int server_start(struct server *s);
/* No new clients; those that are there stay. */
void server_stop(struct server *s);
/* Closes every connection; libuv frees the sessions in its next turn. Spaces stay. */
void server_close(struct server *s);
struct server *server_free(struct server *s);	/* after that turn */
/* The groups of the configuration, after a reload too. */
void server_set_groups(struct server *s, const struct config *c);
/* Root, hmmd's own user, and its members. A group that cannot be looked up has none. */
bool server_group_has(const struct server_group *g, const struct peer *p);
void server_add(struct server *s, struct session *session);
/* A request was served: the next is likely to follow before an idle CPU could wake up. */
void server_stay_awake(struct server *s);
void server_drop(struct server *s, struct session *session);
/* Looks whether the programs of some sessions, the next in turn, are still those that connected. */
void server_look(struct server *s);

#endif
