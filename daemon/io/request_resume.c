// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client of an earlier daemon sends its ranges again. Managed ones must be those on record, down
 * to the inode of their file; adopted ones are only told, so they are taken as they come, under the
 * ids they had; those that this daemon kept when the connection ended are as they were.
 */
#include <errno.h>
#include <stdio.h>

#include "daemon/io/daemon.h"
#include "daemon/io/log.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/request_tables.h"
#include "daemon/io/resume.h"
#include "daemon/io/session_own.h"
#include "daemon/io/space_driver.h"

static void tell_lost(struct request *q, const Hmmd__ResumeRange *r, const char *text)
{
	Hmmd__Message m = HMMD__MESSAGE__INIT;
	Hmmd__Lost lost = HMMD__LOST__INIT;

	lost.range = r->range;
	lost.length = r->size;
	lost.text = (char *)(uintptr_t)text;
	m.kind_case = HMMD__MESSAGE__KIND_LOST;
	m.lost = &lost;
	session_send(q->session, 0, &m, NULL, 0);
}

/* fd NULL: it lies in the file that came before. -1: what came for it is no file in memory. */
static const char *managed(struct request *q, const Hmmd__ResumeRange *e, int *fd)
{
	int r = RESUME_E_DIFFERENT;

	if (!fd || *fd >= 0)
		r = resume_range(q->daemon, q->session->space, e->range, e->addr, e->size, fd ? *fd : -1);
	if (r == 0) {
		if (fd)
			*fd = -1;
		return NULL;
	}
	if (r == RESUME_E_UNKNOWN)
		return "hmmd has no record of this range";
	return r == RESUME_E_DIFFERENT ? "address, size or file are not those on record"
				       : "the range could not be taken over";
}

/* Ids below the first one of this daemon were given out by an earlier one and are free. */
static const char *adopted(struct request *q, const Hmmd__ResumeRange *e)
{
	const Hmmd__RangeOptions *o = e->options;
	struct range_request want = { .name = o ? o->name : NULL, .policy = o ? o->policy : NULL,
				      .prefer = o ? o->prefer : NULL, .flags = o ? o->flags : 0 };
	struct world *w = q->daemon->world;
	uint64_t next = w->next_id, first;
	int r;

	if (resume_kept(q->daemon, q->session->space, e->range, e->addr, e->size))
		return NULL;
	if (e->range >= q->daemon->first_id || idmap_get(w->ranges, e->range))
		return "hmmd has no record of this range";
	do {
		w->next_id = e->range;
		r = space_register(q->session->space, &want, &e->addr, &e->size, 1, &first);
		w->next_id = next;
	} while (r == SPACE_E_TABLES && !(r = request_grow_tables(q->session->space)));
	if (!r) {
		space_driver_added(q->daemon, q->session->space, first, 1);
		resume_adopted(q->daemon, idmap_get(w->ranges, first));
	}
	if (r > 0)
		return space_refusal_text(r);
	return r ? "the range could not be taken over" : NULL;
}

static void finish(struct request *q)
{
	int r = resume_finish(q->daemon, q->session->space, q->session->id, q->id);

	if (r)
		reply_result(q->session, q->id, r, "Resume");
}

void request_resumed(struct daemon *d, uint64_t session, uint64_t id, struct space *space, int r, uint64_t lost)
{
	struct session *s = session_find(d, session);

	if (!s || s->space != space)
		return;
	if (r) {
		reply_result(s, id, r, "Resume");
		return;
	}
	s->resuming = false;
	daemon_client_event(d, lost ? EVENT_ERROR : EVENT_INFO, space->client,
			    "pid %d (%s) is back with %llu ranges, %llu pages lost",
			    (int)space->pid, space->program, (unsigned long long)space->n_ranges,
			    (unsigned long long)lost);
	reply_ok(s, id);
}

void request_resume_waits(struct daemon *d, uint64_t session, uint64_t pages)
{
	Hmmd__Message m = HMMD__MESSAGE__INIT;
	Hmmd__Notice notice = HMMD__NOTICE__INIT;
	struct session *s = session_find(d, session);
	char text[128];

	if (!s)
		return;
	snprintf(text, sizeof(text), "hmmd brings this program's memory to rest after its restart, %llu pages are left",
		 (unsigned long long)pages);
	notice.text = text;
	m.kind_case = HMMD__MESSAGE__KIND_NOTICE;
	m.notice = &notice;
	session_send(s, 0, &m, NULL, 0);
}

void request_resume(struct request *q)
{
	const Hmmd__Resume *m = q->message->resume;
	const char *refused;
	size_t fd = 0;

	if (!q->session->resuming) {
		session_error(q->session, q->id, EINVAL,
			      "Resume: HelloReply did not ask for it (FEATURE_RESUME)");
		return;
	}
	for (size_t i = 0; i < m->n_range; i++) {
		const Hmmd__ResumeRange *e = m->range[i];

		if (e->managed)
			refused = managed(q, e, e->same_file ? NULL : &q->fds[fd++]);
		else
			refused = adopted(q, e);
		if (refused)
			tell_lost(q, e, refused);
	}
	if (m->last)
		finish(q);
	else
		reply_ok(q->session, q->id);
}
