// SPDX-License-Identifier: GPL-2.0-or-later
/* What porters bring, and what the lodge says of them. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/io/daemon.h"
#include "daemon/io/log.h"
#include "daemon/io/porters_own.h"
#include "daemon/io/server.h"
#include "daemon/io/session_own.h"
#include "daemon/io/session_socket.h"
#include "daemon/io/stop.h"
#include "proto/fd.h"

enum {
	NOTES_PER_TURN = 32,
	LIVED_US = 1000000	/* a porter that lived shorter than this is not replaced by itself */
};

void porter_forget(struct porter *p)
{
	if (!p->closed || !p->gone)
		return;
	list_remove(&p->in_all);
	free(p);
}

void porter_fail_all(struct porter *p)
{
	p->taking = 0;
	LIST_EACH_SAFE(pos, next, &p->all->daemon->server->sessions) {
		struct session *s = container_of(pos, struct session, in_server);

		if (s->carrier == p->id)
			session_untaken(s, "its descriptors could not be received");
	}
}

static void holds(struct porter *p, unsigned int n)
{
	if (!p->holds && n)
		p->holds_since_us = daemon_now_us(p->all->daemon);
	p->holds += n;
}

static void noted(struct porter *p, size_t size, int *fds)
{
	const struct porter_note *n = &p->all->note.head;
	struct session *s;

	if (n->verb != PORTER_TAKE) {
		holds(p, 1);
		return;
	}
	p->taking -= p->taking > 0;
	p->asked_us = daemon_now_us(p->all->daemon);
	holds(p, n->n_fds);
	s = session_find(p->all->daemon, n->id);
	if (s && s->carrier == p->id)
		session_took(s, n, p->all->note.packet, size - sizeof(*n), fds);
}

/* true: a note was there. */
static bool read_note(struct porter *p)
{
	struct porters *ps = p->all;
	int fds[HMM_LIMIT_FDS], r;
	size_t size = 0, n_fds = 0;

	r = fd_recv(p->box.fd, &ps->note, sizeof(ps->note), fds, HMM_LIMIT_FDS, &size, &n_fds);
	if (r == -EAGAIN)
		return false;
	if (r == FD_E_NO_ROOM) {	/* what the note says is there */
		ps->note.head.result = FD_E_NO_ROOM;
		ps->note.head.known = 0;
	} else if (r || size < sizeof(ps->note.head)) {
		uv_poll_stop(&p->poll);	/* the lodge will tell */
		return false;
	}
	noted(p, size, fds);
	fd_close_all(fds, n_fds);
	return true;
}

void porter_ready(uv_poll_t *handle, int status, int events)
{
	struct porter *p = handle->data;

	(void)status;
	(void)events;
	for (int i = 0; i < NOTES_PER_TURN && p->state != PORTER_ENDED && read_note(p); i++)
		;
	porters_follow(p->all);
}

/* By itself, or by somebody else: its sessions are without until the next one is there. */
static void died(struct porter *p)
{
	struct porter_user *u = p->user;
	bool serving = p->state == PORTER_SERVING;

	while (read_note(p))
		;
	p->state = PORTER_ENDED;
	porter_fail_all(p);
	uv_close((uv_handle_t *)&p->poll, porter_poll_closed);
	if (!serving)
		return;
	log_line(LOG_LEVEL_WARNING, "the porter of uid %u has ended, or there was no room for its process",
		 (unsigned int)u->uid);
	u->now = NULL;
	p->user = NULL;
	if (!list_empty(&u->sessions) && daemon_now_us(p->all->daemon) - p->begun_us > LIVED_US)
		porter_spawn(p->all, u);
}

static void gone(struct porter *p)
{
	if (p->state != PORTER_ENDED)
		died(p);
	if (p->user) {
		p->user->leaving--;
		p->all->leaving--;
		p->user = NULL;
	}
	p->gone = true;
	porter_forget(p);
}

static void lodge_lost(struct porters *ps)
{
	uv_poll_stop(&ps->lodge_poll);
	if (ps->daemon->stopping)
		return;
	log_line(LOG_LEVEL_ERROR, "the process that receives clients' descriptors was ended by somebody: hmmd ends, to be "
		 "started again");
	ps->daemon->exit_status = EXIT_FAILURE;
	stop_begin(ps->daemon);
}

void lodge_ready(uv_poll_t *handle, int status, int events)
{
	struct porters *ps = handle->data;
	struct porter_note note;
	size_t size, n_fds;
	int r;

	(void)status;
	(void)events;
	while ((r = fd_recv(ps->lodge.fd, &note, sizeof(note), NULL, 0, &size, &n_fds)) == 0)
		LIST_EACH_SAFE(pos, next, &ps->porters) {
			struct porter *p = container_of(pos, struct porter, in_all);

			if (p->id == note.id)
				gone(p);
		}
	if (r != -EAGAIN)
		lodge_lost(ps);
	else
		porters_follow(ps);
}
