// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When a porter is replaced, ended, or given up. Nothing is waited for: whatever is not yet so is looked at
 * again some milliseconds later.
 */
#include <stdlib.h>

#include "daemon/io/daemon.h"
#include "daemon/io/log.h"
#include "daemon/io/porters_own.h"

enum {
	TICK_MS = 20,
	HOLDS_MANY = 64,		/* descriptors after which a porter is replaced at once */
	REPLACE_AFTER_US = 100000,	/* with fewer: a burst of clients costs one porter, and what they sent is soon closed */
	GIVE_UP_US = 10000000,		/* it only does what cannot wait: so long without an answer and it is in trouble */
	LEAVING_OF_USER = 4,		/* porters of a user that may be stuck in their exit */
	LEAVING_OF_ALL = 512		/* within TasksMax= of the unit */
};

/* Also one that has told of nothing: what lies in the queue of a connection that has ended is told later. */
static bool may_leave(const struct porter_user *u, const struct porter *p)
{
	return u->leaving < LEAVING_OF_USER && p->all->leaving < LEAVING_OF_ALL;
}

static void replace(struct porter *old)
{
	struct porter_user *u = old->user;

	u->now = NULL;
	if (porter_spawn(old->all, u)) {
		if (!u->stays_told)
			log_line(LOG_LEVEL_WARNING, "what uid %u has sent stays open for now: there is no room for another "
				 "process", (unsigned int)u->uid);
		u->stays_told = true;
		u->now = old;
		old->holds_since_us = daemon_now_us(old->all->daemon);
	} else {
		u->stays_told = false;
		porter_leave(old);
	}
}

/* true: look again. */
static bool follow_user(struct porter_user *u, uint64_t now_us)
{
	struct porter *p = u->now;
	bool silent = p && p->taking && now_us - p->asked_us > GIVE_UP_US;

	if (silent) {
		log_line(LOG_LEVEL_WARNING, "the porter of uid %u does not answer", (unsigned int)u->uid);
		porter_fail_all(p);
	}
	if (!p || !may_leave(u, p))
		return p && p->taking;
	if (list_empty(&u->sessions)) {
		porter_leave(p);
	} else if (silent || p->holds >= HOLDS_MANY || (p->holds && now_us - p->holds_since_us >= REPLACE_AFTER_US)) {
		replace(p);
	}
	return p->holds || p->taking;
}

/* It is the lodge's from here; what it holds goes with it. */
static void end(struct porter *p)
{
	p->state = PORTER_ENDED;
	mailbox_send(&p->all->lodge, &(struct porter_letter){ .verb = LODGE_END, .id = p->id }, -1);
	uv_close((uv_handle_t *)&p->poll, porter_poll_closed);
}

/*
 * Not before its successor has all the sockets, and not before all it was asked for has come. One whose
 * successor has died stays, because it has the only duplicates.
 */
static bool follow_porter(struct porter *p, uint64_t now_us)
{
	const struct porter *next = p->user ? p->user->now : NULL;

	if (p->state == PORTER_ENDED)
		return false;
	mailbox_flush(&p->box);
	if (p->state != PORTER_LEAVING)
		return mailbox_waits(&p->box);
	if (p->taking && now_us - p->asked_us > GIVE_UP_US)
		porter_fail_all(p);
	if (p->user && !p->user->now && !list_empty(&p->user->sessions))
		return false;
	if (p->taking || mailbox_waits(&p->box) || (next && mailbox_waits(&next->box)))
		return true;
	end(p);
	return false;
}

static void on_tick(uv_timer_t *timer)
{
	porters_follow(timer->data);
}

void porters_follow(struct porters *ps)
{
	uint64_t now_us = daemon_now_us(ps->daemon);
	bool again = false;

	if (ps->stopped)
		return;
	LIST_EACH_SAFE(pos, next, &ps->users) {
		struct porter_user *u = container_of(pos, struct porter_user, in_all);

		again |= follow_user(u, now_us);
		porter_user_settle(u);
	}
	LIST_EACH_SAFE(pos, next, &ps->porters)
		again |= follow_porter(container_of(pos, struct porter, in_all), now_us);
	mailbox_flush(&ps->lodge);
	if (again || mailbox_waits(&ps->lodge))
		uv_timer_start(&ps->tick, on_tick, TICK_MS, 0);
}
