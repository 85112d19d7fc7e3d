// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who holds what. A session is its user's from its first moment to the close of its socket, and while it is
 * there the user's porter has a duplicate of that; a porter that follows another one gets all of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/io/daemon.h"
#include "daemon/io/log.h"
#include "daemon/io/porters_own.h"
#include "daemon/io/session_own.h"
#include "daemon/mech/driver.h"
#include "proto/fd.h"

enum { HOLDS_MAX = 4096 };	/* descriptors of one user in a porter that cannot be replaced: beyond that they are refused */

static struct porter_user *find_user(struct porters *ps, uid_t uid)
{
	LIST_EACH(pos, &ps->users) {
		struct porter_user *u = container_of(pos, struct porter_user, in_all);

		if (u->uid == uid)
			return u;
	}
	return NULL;
}

static struct porter_user *get_user(struct porters *ps, uid_t uid)
{
	struct porter_user *u = find_user(ps, uid);

	if (u)
		return u;
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->uid = uid;
	list_init(&u->sessions);
	list_append(&ps->users, &u->in_all);
	return u;
}

void porter_user_settle(struct porter_user *u)
{
	if (!list_empty(&u->sessions) || u->now || u->leaving)
		return;
	list_remove(&u->in_all);
	free(u);
}

void porter_poll_closed(uv_handle_t *handle)
{
	struct porter *p = handle->data;

	p->closed = true;
	mailbox_done(&p->box);
	porter_forget(p);
}

/* It is not asked for more; porters_follow() ends it. */
void porter_leave(struct porter *p)
{
	p->state = PORTER_LEAVING;
	if (p->user->now == p)
		p->user->now = NULL;
	p->user->leaving++;
	p->all->leaving++;
}

static int hold_all(struct porter *p)
{
	int r = 0;

	LIST_EACH(pos, &p->user->sessions) {
		struct session *s = container_of(pos, struct session, of_user);

		r = r ? r : mailbox_send(&p->box, &(struct porter_letter){ .verb = PORTER_HOLD, .id = s->id }, s->fd);
	}
	return r;
}

static int init_porter(struct porters *ps, struct porter *p, int *pair)
{
	int r = uv_poll_init(ps->daemon->loop, &p->poll, pair[0]);

	if (r)
		return r;
	p->poll.data = p;
	list_append(&ps->porters, &p->in_all);
	r = uv_poll_start(&p->poll, UV_READABLE, porter_ready);
	if (!r)
		r = mailbox_send(&ps->lodge, &(struct porter_letter){ .verb = LODGE_SPAWN, .id = p->id }, pair[1]);
	if (!r)
		return 0;
	p->user = NULL;
	p->gone = true;
	p->state = PORTER_ENDED;
	uv_close((uv_handle_t *)&p->poll, porter_poll_closed);
	return 1;
}

int porter_spawn(struct porters *ps, struct porter_user *u)
{
	struct porter *p = calloc(1, sizeof(*p));
	int pair[2], r;

	if (!p)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		free(p);
		return -errno;
	}
	*p = (struct porter){ .all = ps, .user = u, .id = ++ps->next_id, .begun_us = daemon_now_us(ps->daemon) };
	list_init(&p->in_all);
	mailbox_init(&p->box, pair[0]);
	r = init_porter(ps, p, pair);
	fd_close_all(&pair[1], 1);
	if (r < 0) {
		mailbox_done(&p->box);
		free(p);
	}
	if (r)
		return r < 0 ? r : -ENOMEM;
	u->now = p;
	r = hold_all(p);
	if (r)
		porter_leave(p);
	return r;
}

static int porter_of(struct porters *ps, struct porter_user *u, struct porter **ret)
{
	int r = u->now ? 0 : porter_spawn(ps, u);

	if (!r)
		*ret = u->now;
	return r;
}

int porters_hold(struct porters *ps, struct session *s)
{
	struct porter_user *u = get_user(ps, s->peer.uid);
	struct porter *p;
	int r = u ? porter_of(ps, u, &p) : -ENOMEM;

	if (!r && p->holds >= HOLDS_MAX)
		r = -EMFILE;	/* it may have no place for one more */
	if (!r)
		r = mailbox_send(&p->box, &(struct porter_letter){ .verb = PORTER_HOLD, .id = s->id }, s->fd);
	if (!r) {
		s->user = u;
		list_append(&u->sessions, &s->of_user);
	}
	porters_follow(ps);
	return r;
}

int porters_take(struct porters *ps, struct session *s)
{
	struct porter_letter l = { .verb = PORTER_TAKE, .id = s->id };
	struct porter *p;
	int r = porter_of(ps, s->user, &p);

	if (r)
		return r;
	if (p->holds >= HOLDS_MAX)
		return PORTERS_E_FULL;
	vet_node_of(ps->daemon->driver->fd, &l.node);
	r = mailbox_send(&p->box, &l, -1);
	if (r)
		return r;
	s->carrier = p->id;
	if (p->taking++ == 0)
		p->asked_us = daemon_now_us(ps->daemon);
	porters_follow(ps);
	return 0;
}

void porters_drop(struct porters *ps, struct session *s)
{
	struct porter_user *u = s->user;

	list_remove(&s->of_user);
	s->user = NULL;
	if (!ps->stopped && !u->now) {	/* nobody else may have it */
		porters_bury(ps, s->fd, u->uid);
		s->fd = -1;
		return;
	}
	fd_close_all(&s->fd, 1);
	if (ps->stopped)
		return;
	mailbox_send(&u->now->box, &(struct porter_letter){ .verb = PORTER_DROP, .id = s->id }, -1);
	porters_follow(ps);
}

/* When no porter can be had there is still the lodge, which needs nothing more. */
void porters_bury(struct porters *ps, int fd, uid_t uid)
{
	struct porter_user *u = ps->stopped ? NULL : get_user(ps, uid);
	struct porter *p;

	shutdown(fd, SHUT_RDWR);
	if (fd_drain(fd) == 0)
		;	/* nothing in it waits for anybody */
	else if (u && !porter_of(ps, u, &p) && !mailbox_send(&p->box, &(struct porter_letter){ .verb = PORTER_BURY }, fd))
		p->holds++;
	else
		mailbox_send(&ps->lodge, &(struct porter_letter){ .verb = LODGE_BURY }, fd);
	close(fd);
	if (!ps->stopped)
		porters_follow(ps);
}

void porters_listener(struct porters *ps, int fd)
{
	mailbox_send(&ps->lodge, &(struct porter_letter){ .verb = LODGE_LISTENER }, fd);
}

static void lodge_closed(uv_handle_t *handle)
{
	struct porters *ps = handle->data;

	mailbox_done(&ps->lodge);
}

int porters_new(struct porters **ret, struct daemon *d, int lodge)
{
	struct porters *ps = calloc(1, sizeof(*ps));
	int r = ps ? uv_poll_init(d->loop, &ps->lodge_poll, lodge) : -ENOMEM;

	if (r) {
		close(lodge);
		free(ps);
		return r;
	}
	ps->daemon = d;
	mailbox_init(&ps->lodge, lodge);
	list_init(&ps->porters);
	list_init(&ps->users);
	ps->lodge_poll.data = ps;
	uv_timer_init(d->loop, &ps->tick);
	ps->tick.data = ps;
	*ret = ps;
	return uv_poll_start(&ps->lodge_poll, UV_READABLE, lodge_ready);
}

void porters_stop(struct porters *ps)
{
	if (!ps || ps->stopped)
		return;
	ps->stopped = true;
	uv_close((uv_handle_t *)&ps->tick, NULL);
	uv_close((uv_handle_t *)&ps->lodge_poll, lodge_closed);
	LIST_EACH(pos, &ps->porters) {
		struct porter *p = container_of(pos, struct porter, in_all);

		p->gone = true;
		if (!uv_is_closing((uv_handle_t *)&p->poll))
			uv_close((uv_handle_t *)&p->poll, porter_poll_closed);
	}
}

struct porters *porters_free(struct porters *ps)
{
	if (!ps)
		return NULL;
	LIST_EACH_SAFE(pos, next, &ps->porters)
		free(container_of(pos, struct porter, in_all));
	LIST_EACH_SAFE(pos, next, &ps->users)
		free(container_of(pos, struct porter_user, in_all));
	free(ps);
	return NULL;
}
