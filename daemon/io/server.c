// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Accepting. Who a peer is comes from the kernel, once, here. Limits of connections are enforced
 * before anything is kept for a peer.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/io/daemon.h"
#include "daemon/io/log.h"
#include "daemon/io/notify.h"
#include "daemon/io/options.h"
#include "daemon/io/porters.h"
#include "daemon/io/query_table.h"
#include "daemon/io/server.h"
#include "daemon/io/server_socket.h"
#include "daemon/io/session_own.h"
#include "proto/fd.h"
#include "proto/frame.h"

#define AWAKE_NS 50000ULL	/* 50 us: what going to sleep and waking up costs on an idle machine */

enum {
	ACCEPTS_PER_TURN = 16,		/* then others get their turn */
	LOOKS = 64,			/* of one second: about a millisecond */
	CLIENTS_RESERVED = 64		/* connections for root and hmmd's own user */
};

void server_add(struct server *s, struct session *session)
{
	list_append(&s->sessions, &session->in_server);
	s->n_sessions++;
}

void server_drop(struct server *s, struct session *session)
{
	list_remove(&session->in_server);
	s->n_sessions--;
	idmap_take(s->by_id, session->id);
	if (session->space && idmap_get(s->by_client, session->space->client) == session)
		idmap_take(s->by_client, session->space->client);
}

/* A child keeps the socket of a program that has called execve(2), and says nothing. */
void server_look(struct server *s)
{
	struct list_node *node = s->sessions.next, *next;

	for (unsigned int i = s->n_sessions < LOOKS ? s->n_sessions : LOOKS; i > 0; i--, node = next) {
		next = node->next;
		list_remove(node);
		list_append(&s->sessions, node);
		session_look(container_of(node, struct session, in_server));
	}
}

static unsigned int sessions_of(const struct server *s, uid_t uid)
{
	unsigned int n = 0;

	LIST_EACH(pos, &s->sessions)
		n += container_of(pos, struct session, in_server)->peer.uid == uid;
	return n;
}

/* The client has not said anything yet, so the answer carries id 0. */
static void turn_away(struct server *s, int fd, uid_t uid, int code, const char *text)
{
	Hmmd__Message m = HMMD__MESSAGE__INIT;
	Hmmd__Error error = HMMD__ERROR__INIT;
	size_t size;

	error.code = (uint32_t)code;
	error.text = (char *)(uintptr_t)text;
	m.kind_case = HMMD__MESSAGE__KIND_ERROR;
	m.error = &error;
	if (frame_pack(0, &m, s->out, HMM_LIMIT_FRAME, &size) == 0)
		fd_send(fd, s->out, size, NULL, 0, MSG_DONTWAIT);
	porters_bury(s->daemon->porters, fd, uid);
}

static void too_many(struct server *s, int fd, uid_t uid, const char *whose, unsigned int limit)
{
	char text[96];

	snprintf(text, sizeof(text), "hmmd serves its %u connections%s already", limit, whose);
	turn_away(s, fd, uid, EUSERS, text);
}

static void no_descriptor(struct server *s, int fd, uid_t uid)
{
	turn_away(s, fd, uid, EMFILE, "hmmd has no descriptor left for one more connection (LimitNOFILE=)");
}

static void admit(struct server *s, int fd, const struct peer *peer)
{
	struct session *session;
	int r = session_new(&session, s->daemon, s->next_id, fd, peer);

	if (!r) {
		s->next_id++;
		server_add(s, session);
		r = idmap_put(s->by_id, session->id, session);
		if (r)
			session_close(session, "there is no memory for it");
	}
	if (r)
		log_line(LOG_LEVEL_WARNING, "a connection of pid %d is not taken: %s",
			 (int)peer->pid, strerror(-r));
}

/* Whose porter closes it. */
static uid_t uid_of(int fd)
{
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(who);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size);
	return who.uid;
}

/* The last ones are for those who have to see what is going on. */
static unsigned int places(uid_t uid)
{
	return uid == 0 || uid == geteuid() ? HMM_LIMIT_CLIENTS : HMM_LIMIT_CLIENTS - CLIENTS_RESERVED;
}

/* Nothing about it can be looked up by a number that it does not have here. */
static void outside(struct server *s, int fd, uid_t uid)
{
	static const char text[] = "hmmd runs in a pid namespace of its own, in which this program's process is not: start "
				   "hmmd in the namespace of its clients, or of the machine";

	log_line(LOG_LEVEL_WARNING, "a connection of uid %u is refused: %s", (unsigned int)uid, text);
	turn_away(s, fd, uid, EACCES, text);
}

static void unidentified(struct server *s, int fd, uid_t uid, int r)
{
	log_line(LOG_LEVEL_WARNING, "a connection is not taken: its process cannot be identified: %s", strerror(-r));
	if (r == -EMFILE || r == -ENFILE)
		no_descriptor(s, fd, uid);
	else
		porters_bury(s->daemon->porters, fd, uid);
}

static void welcome(struct server *s, int fd)
{
	uid_t uid = uid_of(fd);
	struct peer peer;
	struct account *a;
	int r;

	if (s->n_sessions >= places(uid)) {
		too_many(s, fd, uid, "", places(uid));
		return;
	}
	r = peer_get(fd, &peer);
	if (r) {
		if (r == PEER_E_OUTSIDE)
			outside(s, fd, uid);
		else
			unidentified(s, fd, uid, r);
		return;
	}
	a = world_account(s->daemon->world, peer.uid);
	if (a && sessions_of(s, peer.uid) >= a->limit[ACCOUNT_CLIENTS]) {
		peer_done(&peer);
		too_many(s, fd, uid, " of one user", (unsigned int)a->limit[ACCOUNT_CLIENTS]);
	} else {
		admit(s, fd, &peer);
	}
}

/* Out of descriptors: a connection left in the backlog would keep the loop spinning. */
static void sacrifice(struct server *s)
{
	int fd;

	log_line(LOG_LEVEL_WARNING,
		 "a connection is turned away: no descriptor is left (LimitNOFILE=)");
	if (s->spare_fd >= 0)
		close(s->spare_fd);
	fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		no_descriptor(s, fd, uid_of(fd));
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void accept_ready(uv_poll_t *handle, int status, int events)
{
	struct server *s = handle->data;

	(void)events;
	if (status < 0)
		log_line(LOG_LEVEL_ERROR, "the socket fails: %s", uv_strerror(status));
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			welcome(s, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE)
			sacrifice(s);
		return;
	}
}

static int allocate(struct server *s)
{
	int r;

	s->in = malloc(HMM_LIMIT_FRAME);
	s->out = malloc(HMM_LIMIT_FRAME);
	s->decode = malloc(HMM_LIMIT_DECODE);
	s->page = malloc(TABLE_BUFFER);
	if (!s->in || !s->out || !s->decode || !s->page)
		return -ENOMEM;
	arena_init(&s->arena, s->decode, HMM_LIMIT_DECODE);
	r = idmap_new(&s->by_id);
	return r ? r : idmap_new(&s->by_client);
}

static int take_or_bind(struct server *s)
{
	const char *path = s->daemon->world->config.socket;
	int r;

	s->fd = notify_fd("client");
	if (s->fd >= 0)
		return 0;
	r = server_socket_bind(path, !s->daemon->options->rootless, &s->fd);
	if (r)
		return r;
	snprintf(s->path, sizeof(s->path), "%s", path);
	porters_listener(s->daemon->porters, s->fd);
	return 0;
}

int server_new(struct server **ret, struct daemon *d)
{
	struct server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->daemon = d;
	s->fd = -1;
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	s->next_id = 1;
	list_init(&s->sessions);
	r = allocate(s);
	if (!r)
		r = take_or_bind(s);
	if (r) {
		server_free(s);
		return r;
	}
	server_set_groups(s, &d->world->config);
	*ret = s;
	return 0;
}

static void look_at_clock(uv_idle_t *awake)
{
	struct server *s = awake->data;

	if (uv_hrtime() >= s->awake_until)
		uv_idle_stop(awake);
}

void server_stay_awake(struct server *s)
{
	s->awake_until = uv_hrtime() + AWAKE_NS;
	if (s->awake.data && !uv_is_closing((uv_handle_t *)&s->awake))
		uv_idle_start(&s->awake, look_at_clock);
}

static void next_turn(uv_prepare_t *turns)
{
	struct server *s = turns->data;

	s->turn++;
}

int server_start(struct server *s)
{
	int r = uv_poll_init(s->daemon->loop, &s->listen, s->fd);

	if (r)
		return r;
	s->listen.data = s;
	uv_idle_init(s->daemon->loop, &s->awake);
	s->awake.data = s;
	uv_prepare_init(s->daemon->loop, &s->turns);
	s->turns.data = s;
	s->turn = 1;
	uv_prepare_start(&s->turns, next_turn);
	return uv_poll_start(&s->listen, UV_READABLE, accept_ready);
}

void server_stop(struct server *s)
{
	if (s->listen.data && !uv_is_closing((uv_handle_t *)&s->listen))
		uv_close((uv_handle_t *)&s->listen, NULL);
	if (s->awake.data && !uv_is_closing((uv_handle_t *)&s->awake))
		uv_close((uv_handle_t *)&s->awake, NULL);
}

void server_close(struct server *s)
{
	server_stop(s);
	if (s->turns.data && !uv_is_closing((uv_handle_t *)&s->turns))
		uv_close((uv_handle_t *)&s->turns, NULL);
	while (!list_empty(&s->sessions))
		session_let_go(container_of(s->sessions.next, struct session, in_server));
}

struct server *server_free(struct server *s)
{
	if (!s)
		return NULL;
	if (s->path[0]) {
		unlink(s->path);
		shutdown(s->fd, SHUT_RDWR);	/* the lodge has it still */
	}
	if (s->fd >= 0)
		close(s->fd);
	if (s->spare_fd >= 0)
		close(s->spare_fd);
	idmap_free(s->by_id);
	idmap_free(s->by_client);
	free(s->page);
	free(s->decode);
	free(s->out);
	free(s->in);
	free(s);
	return NULL;
}

static void look_up(struct server_group *ret, const char *name)
{
	struct group *g = name[0] ? getgrnam(name) : NULL;

	*ret = (struct server_group){ .named = name[0], .there = g != NULL, .gid = g ? g->gr_gid : 0 };
}

void server_set_groups(struct server *s, const struct config *c)
{
	look_up(&s->control_group, c->control_group);
	look_up(&s->uffd_group, c->uffd_group);
}

bool server_group_has(const struct server_group *g, const struct peer *p)
{
	return p->uid == 0 || p->uid == geteuid() || (g->there && peer_in_group(p, g->gid) > 0);
}
