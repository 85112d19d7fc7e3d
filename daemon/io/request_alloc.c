// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Managed ranges in two steps: Alloc makes the range and its file, MapRange says where the client
 * mapped it. Only what is on record and in the fd store is acknowledged, so that a daemon that dies
 * right after Ok finds the range again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/ledgerfile.h"
#include "daemon/io/memfile.h"
#include "daemon/io/notify.h"
#include "daemon/io/notify_send.h"
#include "daemon/io/pin.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/request_tables.h"
#include "daemon/io/resume.h"
#include "daemon/io/retire.h"
#include "daemon/io/session_own.h"

enum { RANGE_FLAG_PINNED = 0x1 };	/* HMM_RANGE_PINNED of the library */

static int take_uffd(struct request *q)
{
	struct space *space = q->session->space;
	int r;

	space->uffd = q->fds[0];
	r = q->session->resuming ? 0 : crew_serve(q->daemon->crew, space);
	if (r)
		space->uffd = -1;
	else
		q->fds[0] = -1;
	return r;
}

void request_attach_uffd(struct request *q)
{
	struct session *s = q->session;
	int r;

	r = uffd_check(q->fds[0]);
	if (r == UFFD_E_OTHER) {
		session_error(s, q->id, EBADF, "AttachUffd: the descriptor is not a userfaultfd");
	} else if (r == UFFD_E_BLOCKING) {
		session_error(s, q->id, EINVAL, "AttachUffd: the userfaultfd is not O_NONBLOCK");
	} else if (r < 0) {
		reply_result(s, q->id, r, "AttachUffd");
	} else if (s->space->uffd >= 0 && !s->resuming) {
		session_error(s, q->id, EEXIST,
			      "AttachUffd: this client has a userfaultfd already");
	} else {
		r = s->space->uffd >= 0 ? 0 : take_uffd(q);
		if (r)
			reply_result(s, q->id, r, "AttachUffd");
		else
			reply_ok(s, q->id);
	}
}

static struct range_request wish(uint64_t size, const Hmmd__RangeOptions *o)
{
	if (!o)
		return (struct range_request){ .size = size };
	return (struct range_request){ .size = size,
				       .name = o->name,
				       .policy = o->policy,
				       .prefer = o->prefer,
				       .flags = o->flags };
}

static int send_file(struct request *q, const struct range *r)
{
	Hmmd__Message m = HMMD__MESSAGE__INIT;
	Hmmd__AllocReply reply = HMMD__ALLOC_REPLY__INIT;
	const struct memfile *f = r->file;

	reply.range = r->id;
	reply.file = f->shared ? f->inode : 0;
	reply.offset = r->offset;
	m.kind_case = HMMD__MESSAGE__KIND_ALLOC_REPLY;
	m.alloc_reply = &reply;
	return session_send(q->session, q->id, &m, &f->fd, !f->shared || f->inode != q->message->alloc->file);
}

void request_alloc(struct request *q)
{
	const Hmmd__Alloc *a = q->message->alloc;
	struct range_request want = wish(a->size, a->options);
	struct daemon *d = q->daemon;
	struct range *r;
	int rc;

	if (d->stopping) {
		session_error(q->session, q->id, ESHUTDOWN, "hmmd is stopping");
		return;
	}
	rc = space_alloc(q->session->space, &want, &r);
	if (rc) {
		reply_result(q->session, q->id, rc, "a managed range");
		return;
	}
	rc = memfile_take(d, r, q->session->features & HMMD__FEATURE__FEATURE_WINDOWS);
	if (rc) {
		space_range_leave(q->session->space, r);
		space_range_free(r, NULL, NULL);
		reply_result(q->session, q->id, rc, "the file of a managed range");
		return;
	}
	if (send_file(q, r))
		retire_ranges(d, &r, 1, NULL, NULL);
}

static int put_record(struct daemon *d, struct range *r)
{
	struct range_record rec = { .id = r->id,
				    .addr = r->addr,
				    .size = r->size,
				    .flags = r->flags,
				    .backing = d->backing,
				    .home = atomic_load(&r->home) };
	int rc;

	memfile_to_record(r, &rec);
	snprintf(rec.name, sizeof(rec.name), "%s", r->name);
	snprintf(rec.policy, sizeof(rec.policy), "%s", r->policy->config.name);
	if (r->prefer != TIER_NOWHERE)
		snprintf(rec.prefer, sizeof(rec.prefer), "%s",
			 d->world->tiers[r->prefer].config.name);
	rc = request_records_begin(r->space);
	if (!rc)
		rc = request_records_end(r->space, ledgerfile_put_range(space_ledger(r->space), &rec));
	return rc;
}

/* Charged to the user before it is sent. 0, SPACE_E_STORE, SPACE_E_STORED, -errno. */
static int store_uffd(struct space *s)
{
	char name[MEMFILE_NAME];
	int r;

	snprintf(name, sizeof(name), "u%llu", (unsigned long long)s->client);
	if (notify_stored(name))
		return 0;
	if (!notify_has_place(s->uid))
		return SPACE_E_STORE;
	if (charge_take(&s->stored, s->account, ACCOUNT_STORED, 1))
		return SPACE_E_STORED;
	r = notify_store(name, s->uffd);
	if (r)
		charge_give(&s->stored);
	return r == NOTIFY_E_FULL ? SPACE_E_STORE : r;
}

static int store_range(struct range *r)
{
	int rc = store_uffd(r->space);

	return rc ? rc : memfile_store(r);
}

/* A MapRange whose descriptors are on their way: what is not stored is not acknowledged. */
struct map_wait {
	struct daemon *daemon;
	uint64_t session, request, range;
};

static void stored(void *userdata, int result)
{
	struct map_wait *w = userdata;
	struct session *s = session_find(w->daemon, w->session);
	struct range *r = s && session_space(s) ? space_find_id(session_space(s), w->range) : NULL;

	if (!s)
		;	/* its space was retired, or waits for it with all that it has */
	else if (!r || atomic_load(&r->dying))
		session_error(s, w->request, ENOENT, "MapRange: the range was freed meanwhile");
	else if (!result)
		reply_ok(s, w->request);
	else
		session_error(s, w->request, -result,
			      "MapRange: the service manager has not stored the descriptors: %s", strerror(-result));
	if (result && r && !atomic_load(&r->dying))
		retire_ranges(w->daemon, &r, 1, NULL, NULL);
	free(w);
}

static int await_stored(struct request *q, struct range *r)
{
	struct map_wait *w = malloc(sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	*w = (struct map_wait){ .daemon = q->daemon, .session = q->session->id, .request = q->id, .range = r->id };
	rc = notify_barrier(stored, w);
	if (rc)
		free(w);
	return rc;
}

/* 0 or -errno, SPACE_E_*: then the range is as if it had never been mapped, but on record nowhere.
 */
static int pin_from_start(struct daemon *d, struct range *r)
{
	struct span all = { .range = r, .vpn = range_first_vpn(r), .pages = range_pages(r) };
	int rc;

	if (!(r->flags & RANGE_FLAG_PINNED))
		return 0;
	rc = pin_take(r, PIN_OF_PROGRAM, r->addr, range_end(r));
	if (rc)
		return rc;
	return op_start_silent(d, MOVE_PIN, atomic_load(&r->home), &all);
}

void request_map_range(struct request *q)
{
	const Hmmd__MapRange *m = q->message->map_range;
	struct session *s = q->session;
	struct range *r;
	int rc;

	if (request_find_range(q, m->range, &r))
		return;
	if (s->space->uffd < 0) {
		session_error(s, q->id, EINVAL, "MapRange: AttachUffd comes first");
		return;
	}
	do
		rc = space_map(s->space, r, m->addr);
	while (rc == SPACE_E_TABLES && !(rc = request_grow_tables(s->space)));
	if (!rc) {
		rc = put_record(q->daemon, r);
		if (!rc && notify_has_store())
			rc = store_range(r);
		if (!rc)
			rc = pin_from_start(q->daemon, r);
		if (!rc && notify_has_store())
			rc = await_stored(q, r);
		if (rc)
			retire_ranges(q->daemon, &r, 1, NULL, NULL);
	}
	if (rc)
		reply_result(s, q->id, rc, "MapRange");
	else if (!notify_has_store())
		reply_ok(s, q->id);
}
