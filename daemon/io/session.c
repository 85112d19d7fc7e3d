// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A session's life. It dies in three steps: out of the server's tables and its space parked until
 * the client is back, or retired; libuv closes both handles; then it is freed. Between the first and the last nobody can
 * find it, and whoever still has the pointer in this turn of the loop sees `closing`.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/io/awaited.h"
#include "daemon/io/daemon.h"
#include "daemon/io/log.h"
#include "daemon/io/outgoing.h"
#include "daemon/io/porters.h"
#include "daemon/io/resume.h"
#include "daemon/io/retire.h"
#include "daemon/io/schedule.h"
#include "daemon/io/server.h"
#include "daemon/io/session_own.h"
#include "daemon/io/session_socket.h"
#include "daemon/io/space_driver.h"
#include "daemon/io/track.h"
#include "daemon/mech/image.h"

uint64_t session_id(const struct session *s)
{
	return s->id;
}

struct daemon *session_daemon(const struct session *s)
{
	return s->daemon;
}

struct space *session_space(const struct session *s)
{
	return s->space;
}

const struct peer *session_peer(const struct session *s)
{
	return &s->peer;
}

uint64_t session_features(const struct session *s)
{
	return s->features;
}

bool session_can_look(const struct session *s)
{
	return !s->unseen;
}

void session_cannot_look(struct session *s)
{
	if (s)
		s->unseen = true;
}

struct session *session_find(struct daemon *d, uint64_t id)
{
	return d->server && id ? idmap_get(d->server->by_id, id) : NULL;
}

struct session *session_of_space(struct daemon *d, const struct space *space)
{
	struct session *s = d->server ? idmap_get(d->server->by_client, space->client) : NULL;

	return s && s->space == space ? s : NULL;
}

bool session_look(struct session *s)
{
	if (image_check(&s->peer.image) == -ESRCH)
		session_close(s, "its program has called execve(2) or ended");
	return s->closing;
}

static void session_free(struct session *s)
{
	outgoing_drop_all(s);
	if (s->account)
		share_leave(&s->account->share, &s->share);
	awaited_drop_all(s);
	peer_done(&s->peer);
	if (s->user)
		porters_drop(s->daemon->porters, s);
	else
		porters_bury(s->daemon->porters, s->fd, s->peer.uid);
	free(s);
}

static void handle_closed(uv_handle_t *handle)
{
	struct session *s = handle->data;

	if (--s->handles == 0)
		session_free(s);
}

/* An error is no end; the end of its socket is seen too. */
static void process_ended(uv_poll_t *handle, int status, int events)
{
	if (status < 0 || !(events & UV_READABLE))
		return;
	session_close(handle->data, "its process ended");
}

static int init_polls(struct session *s)
{
	int r = uv_poll_init(s->daemon->loop, &s->socket_poll, s->fd);

	if (r)
		return r;
	s->socket_poll.data = s;
	s->handles = 1;
	r = uv_poll_init(s->daemon->loop, &s->process_poll, s->peer.pidfd);
	if (r)
		return r;
	s->process_poll.data = s;
	s->handles = 2;
	return uv_poll_start(&s->process_poll, UV_READABLE, process_ended);
}

static void close_handles(struct session *s)
{
	if (s->handles == 2)
		uv_close((uv_handle_t *)&s->process_poll, handle_closed);
	uv_close((uv_handle_t *)&s->socket_poll, handle_closed);
}

int session_new(struct session **ret, struct daemon *d, uint64_t id, int fd,
		const struct peer *peer)
{
	struct session *s = calloc(1, sizeof(*s));
	struct peer unused = *peer;
	int r;

	if (!s) {
		porters_bury(d->porters, fd, peer->uid);
		peer_done(&unused);
		return -ENOMEM;
	}
	s->daemon = d;
	s->id = id;
	s->fd = fd;
	s->peer = *peer;
	list_init(&s->queue);
	list_init(&s->in_server);
	list_init(&s->awaited);
	list_init(&s->of_user);
	s->account = world_account(d->world, peer->uid);
	r = s->account ? porters_hold(d->porters, s) : -ENOMEM;
	if (!r)
		r = init_polls(s);
	if (r && s->handles == 0)
		session_free(s);
	else if (r)
		close_handles(s);
	if (r)
		return r;
	session_watch(s);
	*ret = s;
	return 0;
}

static void leave(struct session *s)
{
	s->closing = true;
	share_leave(&s->account->share, &s->share);
	track_session_gone(s);
	if (s->space)
		space_driver_detach(s->space);
	schedule_session_gone(s->daemon, s->id);
	server_drop(s->daemon->server, s);
	shutdown(s->fd, SHUT_RDWR);	/* its porter has another descriptor, so closing ours would not tell the client */
	close_handles(s);
}

void session_let_go(struct session *s)
{
	if (s->closing)
		return;
	leave(s);
	s->space = NULL;
}

void session_close(struct session *s, const char *why)
{
	struct space *space = s->space;

	if (s->closing)
		return;
	log_line(LOG_LEVEL_DEBUG, "connection %llu of pid %d (%s) ends: %s",
		 (unsigned long long)s->id, (int)s->peer.pid, s->peer.program, why);
	leave(s);
	s->space = NULL;
	if (space && !resume_park(s->daemon, space, &s->peer))
		retire_space(s->daemon, space);
}
