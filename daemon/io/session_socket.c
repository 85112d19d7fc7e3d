// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The socket of a session. A request is answered from where it was looked at (porter.h says why it is
 * not simply received): recvmsg, handle, sendmsg, with no system call between. Only what the socket does not take is queued. A peer that asks and
 * never reads is first not read any more, then cut off.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "daemon/io/daemon.h"
#include "daemon/io/dispatch.h"
#include "daemon/io/log.h"
#include "daemon/io/outgoing.h"
#include "daemon/io/porter.h"
#include "daemon/io/porters.h"
#include "daemon/io/server.h"
#include "daemon/io/session_own.h"
#include "daemon/io/session_socket.h"
#include "proto/fd.h"
#include "proto/frame.h"
#include "proto/text.h"

/*
 * After this many turns with one frame each it is tried whether a second one waits (one recvmsg
 * that finds nothing costs as much as an answer).
 */
enum { TURNS_PER_PROBE = 64 };

/*
 * It has not read what it was told already; less of that is borne where the other connections of its user do not
 * read either. A connection that has read everything is never behind.
 */
bool session_is_behind(const struct session *s)
{
	const struct account *a = s->account;

	return s->queued > HMM_LIMIT_QUEUE_STOP || (s->queued && a->used[ACCOUNT_QUEUED] > a->limit[ACCOUNT_QUEUED] / 2);
}

void session_watch(struct session *s)
{
	int events = 0;

	if (s->closing)
		return;
	if (s->cut || (!s->carrier && !session_is_behind(s)))
		events |= UV_READABLE;
	else
		share_leave(&s->account->share, &s->share);
	if (s->queued)
		events |= UV_WRITABLE;
	if (events == s->events)
		return;
	s->events = events;
	if (uv_poll_start(&s->socket_poll, events, session_ready))
		session_close(s, "its socket cannot be polled");
}

/*
 * Ends a connection from anywhere: nothing is closed here, because the caller may be walking the
 * sessions; the socket reads as closed in the next turn of the loop.
 */
static void cut_off(struct session *s, const char *why)
{
	s->cut = why;
	outgoing_drop_all(s);
	shutdown(s->fd, SHUT_RDWR);
	session_watch(s);
}

static const char *why_closed(const struct session *s)
{
	return s->cut ? s->cut : "it closed the connection";
}

static void refuse_packet(struct session *s, int r, const uint8_t *packet, size_t size)
{
	if (r == FD_E_TRUNCATED)
		dispatch_refuse_packet(s, packet, EMSGSIZE, frame_text(FRAME_E_LARGE));
	else if (r == FD_E_TOO_MANY)
		dispatch_refuse_packet(s, packet, E2BIG, "the packet carries more descriptors than a frame may");
	else if (r == FD_E_NO_ROOM)
		session_error(s, size < HMM_LIMIT_HEADER ? 0 : dispatch_id_of(packet), EMFILE,
			      "hmmd has no room for the descriptors of this request (LimitNOFILE=)");
	else
		session_close(s, r == FD_E_CLOSED ? why_closed(s) : "its socket failed");
}

/* Descriptors come with it: they are not for this process to receive (porter.h). */
static void let_carry(struct session *s)
{
	int r = porters_take(s->daemon->porters, s);

	if (r)
		dispatch_refuse_packet(s, s->daemon->server->in, r > 0 ? EMFILE : -r,
				       r > 0 ? "this user has sent too many descriptors that cannot be closed" :
				       "there is no process to receive descriptors");
}

/* true: a frame was there. */
static bool read_frame(struct session *s)
{
	struct server *server = s->daemon->server;
	size_t size;
	int r;

	r = fd_peek(s->fd, server->in, HMM_LIMIT_FRAME, &size);
	if (r == -EAGAIN)
		return false;
	if (r == 0) {
		dispatch_frame(s, server->in, size, NULL, 0);
		fd_skip(s->fd);	/* the client has its answer and goes on meanwhile */
	} else if (r == FD_E_CARRIES) {
		let_carry(s);
	} else {
		refuse_packet(s, r, server->in, HMM_LIMIT_HEADER);
	}
	return r != FD_E_CARRIES;
}

void session_took(struct session *s, const struct porter_note *n, const uint8_t *packet, size_t size, int *fds)
{
	uint64_t start = uv_hrtime();
	int all[HMM_LIMIT_FDS];
	size_t next = 0;

	s->carrier = 0;
	if (s->cut) {
		session_close(s, s->cut);
	} else if (n->result) {
		refuse_packet(s, (int)n->result, packet, size);
	} else {
		for (uint32_t i = 0; i < n->n_fds; i++)
			all[i] = n->known >> i & 1 ? fds[next++] : -1;
		dispatch_frame(s, packet, size, all, n->n_fds);
		next = 0;
		for (uint32_t i = 0; i < n->n_fds; i++)
			if (n->known >> i & 1)
				fds[next++] = all[i];
	}
	share_spend(&s->account->share, uv_hrtime() - start);
	session_watch(s);
}

void session_untaken(struct session *s, const char *why)
{
	s->carrier = 0;
	session_error(s, 0, EIO, "%s", why);
	session_close(s, why);
}

static void read_frames(struct session *s)
{
	unsigned int n = 0, limit = s->batch ? HMM_LIMIT_REQUESTS_PER_TURN : 1;
	struct share *share = &s->account->share;
	uint64_t start, now;

	if (!s->batch && ++s->turns % TURNS_PER_PROBE == 0)
		limit = 2;
	if (s->cut) {
		session_close(s, s->cut);
		return;
	}
	if (!share_may_run(share, &s->share, s->daemon->server->turn))
		return;
	start = now = uv_hrtime();
	while (n < limit && !s->closing && !s->cut && !s->carrier && !session_is_behind(s) && now - start < SHARE_NS &&
	       read_frame(s)) {
		now = uv_hrtime();
		n++;
	}
	share_spend(share, now - start);
	s->batch = n > 1;
	if (n)
		server_stay_awake(s->daemon->server);
}

void session_ready(uv_poll_t *handle, int status, int events)
{
	struct session *s = handle->data;

	if (status < 0) {
		session_close(s, "its socket failed");
		return;
	}
	if (events & UV_WRITABLE && outgoing_flush(s) < 0)
		session_close(s, "it closed the connection");
	if (events & UV_READABLE && !s->closing)
		read_frames(s);
	session_watch(s);
}

/* 0: sent, or the connection ends; -EMFILE: the descriptors cannot go along. */
static int queue_packed(struct session *s, const void *frame, size_t size, const int *fds, size_t n_fds)
{
	int r;

	if (s->queued + size > HMM_LIMIT_QUEUE) {
		cut_off(s, "it does not read what it asked for");
		return 0;
	}
	r = outgoing_add(s, frame, size, fds, n_fds);
	if (r == -EMFILE)
		return r;
	if (r)
		cut_off(s, r == -EDQUOT ? "the connections of its user do not read what they asked for" :
					  "there is no memory for its answer");
	else
		session_watch(s);
	return 0;
}

static int send_packed(struct session *s, const void *frame, size_t size, const int *fds,
		       size_t n_fds)
{
	int r = -EAGAIN;

	if (!s->queued)
		r = fd_send(s->fd, frame, size, fds, n_fds, MSG_DONTWAIT);
	if (r == -ETOOMANYREFS)
		return -EMFILE;
	if (r == -EAGAIN || r == -ENOBUFS)
		return queue_packed(s, frame, size, fds, n_fds);
	if (r)
		cut_off(s, r == FD_E_CLOSED ? "it closed the connection" : "its socket failed");
	return 0;
}

/*
 * News that a client can do without. A stopped program must not lose its connection, and its memory
 * with it, over them.
 */
static bool spare(const Hmmd__Message *m)
{
	return m->kind_case == HMMD__MESSAGE__KIND_MOVED ||
	       m->kind_case == HMMD__MESSAGE__KIND_PRESSURE ||
	       m->kind_case == HMMD__MESSAGE__KIND_NOTICE;
}

int session_send(struct session *s, uint64_t id, const Hmmd__Message *m, const int *fds,
		 size_t n_fds)
{
	uint8_t *out = s->daemon->server->out;
	size_t size;
	int r;

	if (s->closing || s->cut || (session_is_behind(s) && spare(m)))
		return 0;
	if (frame_pack(id, m, out, HMM_LIMIT_FRAME, &size)) {
		log_line(LOG_LEVEL_ERROR, "an answer does not fit into a frame");
		session_error(s, id, EMSGSIZE, "the answer does not fit into a frame");
		return 0;
	}
	r = send_packed(s, out, size, fds, n_fds);
	if (r)
		session_error(s, id, -r, "hmmd has no room for the descriptors of its answer (LimitNOFILE=)");
	return r;
}

void session_error(struct session *s, uint64_t id, int code, const char *format, ...)
{
	Hmmd__Message m = HMMD__MESSAGE__INIT;
	Hmmd__Error error = HMMD__ERROR__INIT;
	char said[HMM_LIMIT_TEXT + 1], text[HMM_LIMIT_TEXT + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	text_escape(text, sizeof(text), said, "\n");
	error.code = (uint32_t)code;
	error.text = text;
	m.kind_case = HMMD__MESSAGE__KIND_ERROR;
	m.error = &error;
	log_line(LOG_LEVEL_DEBUG, "pid %d is refused: %s", (int)s->peer.pid, text);
	session_send(s, id, &m, NULL, 0);
}
