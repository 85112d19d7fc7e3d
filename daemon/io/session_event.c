// SPDX-License-Identifier: GPL-2.0-or-later
/* Events to clients: frames with id 0 that answer nothing. A client that is away misses them. */
#include "daemon/io/awaited.h"
#include "daemon/io/daemon.h"
#include "daemon/io/server.h"
#include "daemon/io/session_own.h"

static void send_event(struct session *s, Hmmd__Message__KindCase kind, void *event)
{
	Hmmd__Message m = HMMD__MESSAGE__INIT;

	m.kind_case = kind;
	m.hello = event;	/* all kinds share this pointer's place */
	session_send(s, 0, &m, NULL, 0);
}

void session_op_done(struct daemon *d, const struct op *op)
{
	struct session *s = session_find(d, op->session);
	Hmmd__OpDone done = HMMD__OP_DONE__INIT;

	if (!s)
		return;
	s->ops--;
	if (awaited_end(s, op))
		return;
	done.op = op->id;
	done.asked = op->result.asked;
	done.moved = op->result.moved;
	done.already_there = op->result.already_there;
	done.busy = op->result.busy;
	done.failed = op->result.failed;
	done.no_room = op->result.no_room;
	done.moved_on = op->result.moved_on;
	done.untouched = op->result.untouched;
	send_event(s, HMMD__MESSAGE__KIND_OP_DONE, &done);
}

void session_lost(struct daemon *d, struct range *r, uint64_t vpn, uint64_t pages, const char *text)
{
	struct session *s = session_of_space(d, r->space);
	Hmmd__Lost lost = HMMD__LOST__INIT;

	if (!s)
		return;
	lost.range = r->id;
	lost.offset = (vpn - range_first_vpn(r)) << LEDGER_PAGE_SHIFT;
	lost.length = pages << LEDGER_PAGE_SHIFT;
	lost.text = (char *)(uintptr_t)text;
	send_event(s, HMMD__MESSAGE__KIND_LOST, &lost);
}

bool session_may_hear(const struct session *s, uint64_t client, uint32_t uid)
{
	return !client || s->control || s->peer.uid == uid;
}

/* Sending never takes a session out of the list: a peer that is cut off goes in the next turn. */
void server_broadcast_notice(struct daemon *d, uint64_t sequence, uint64_t client, uint32_t uid, const char *text)
{
	Hmmd__Notice notice = HMMD__NOTICE__INIT;

	if (!d->server)
		return;
	notice.sequence = sequence;
	notice.text = (char *)(uintptr_t)text;
	LIST_EACH(pos, &d->server->sessions) {
		struct session *s = container_of(pos, struct session, in_server);

		if ((s->subscribed && session_may_hear(s, client, uid)) ||
		    (client && s->space && s->space->client == client))
			send_event(s, HMMD__MESSAGE__KIND_NOTICE, &notice);
	}
}

/* Told to those who hold bytes there. */
static bool uses_tier(const struct session *s, unsigned int tier)
{
	if (!s->space)
		return false;
	LIST_EACH(pos, &s->space->ranges)
		if (atomic_load(&container_of(pos, struct range, in_space)->tier_bytes[tier]))
			return true;
	return false;
}

/* One that is behind is told within a second of having read what it has. */
static void send_pressure(struct session *s, unsigned int tier, unsigned int percent, bool over)
{
	Hmmd__Pressure pressure = HMMD__PRESSURE__INIT;

	if (session_is_behind(s))
		return;
	pressure.tier = s->daemon->world->tiers[tier].config.name;
	pressure.percent = percent;
	pressure.over = over;
	send_event(s, HMMD__MESSAGE__KIND_PRESSURE, &pressure);
	s->pressed ^= 1U << tier;
}

void server_tell_pressure(struct daemon *d, unsigned int tier, unsigned int percent)
{
	if (!d->server)
		return;
	LIST_EACH(pos, &d->server->sessions) {
		struct session *s = container_of(pos, struct session, in_server);

		if (!(s->pressed >> tier & 1) && uses_tier(s, tier))
			send_pressure(s, tier, percent, false);
	}
}

void server_tell_relief(struct daemon *d, unsigned int tier, unsigned int percent)
{
	if (!d->server)
		return;
	LIST_EACH(pos, &d->server->sessions) {
		struct session *s = container_of(pos, struct session, in_server);

		if (s->pressed >> tier & 1)
			send_pressure(s, tier, percent, true);
	}
}

/* The list is the server's; `previous` must still be in it. */
struct session *server_next_session(struct daemon *d, struct session *previous)
{
	struct list_node *pos;

	if (!d->server)
		return NULL;
	for (pos = previous ? previous->in_server.next : d->server->sessions.next;
	     pos != &d->server->sessions; pos = pos->next) {
		struct session *s = container_of(pos, struct session, in_server);

		if (s->space && s->features & HMMD__FEATURE__FEATURE_ZAP)
			return s;
	}
	return NULL;
}
