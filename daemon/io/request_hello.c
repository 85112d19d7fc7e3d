// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hello: versions, features, and the client's space with its ledger. Every connection gets one,
 * also hmmctl's, which never fills it: a small file in a tmpfs costs less than a second kind of
 * client.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/daemon.h"
#include "daemon/io/kernel_tier.h"
#include "daemon/io/ledgerfile.h"
#include "daemon/io/log.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/resume.h"
#include "daemon/io/server.h"
#include "daemon/io/session_own.h"
#include "daemon/io/state_dir.h"
#include "daemon/io/unreadable.h"
#include "daemon/mech/doors.h"
#include "daemon/mech/image.h"

/* 0 or -1 (refused). */
static int check_version(struct request *q, const Hmmd__Hello *h)
{
	if (h->version_min <= HMM_LIMIT_VERSION_MAX && h->version_max >= HMM_LIMIT_VERSION_MIN)
		return 0;
	session_error(
		q->session, q->id, EPROTONOSUPPORT,
		"the client speaks protocol versions %u to %u, this hmmd %d to %d: update the %s",
		h->version_min, h->version_max, HMM_LIMIT_VERSION_MIN, HMM_LIMIT_VERSION_MAX,
		h->version_min > HMM_LIMIT_VERSION_MAX ? "daemon" : "client library");
	return -1;
}

/* A client whose ledger cannot be used keeps its memory as it is, and asks again. 0 or -1 (refused). */
static int check_ledger(struct request *q, const Hmmd__Hello *h)
{
	char text[160];

	if (!h->resume_client || !unreadable_is(q->daemon, h->resume_client, text, sizeof(text)))
		return 0;
	session_error(q->session, q->id, EAGAIN, "%s; what this client has waits for a hmmd that can", text);
	return -1;
}

/*
 * Only who knows the mark of the process's address space is in it: the process may have called execve(2) since it
 * connected, and a child of it speak here. 0 or -1 (refused: it cannot be told now).
 */
static int know_image(struct request *q, const Hmmd__Hello *h)
{
	struct peer *p = &q->session->peer;
	struct image now = { .mark = 0 };
	int r = h->image ? image_of(p->pid, &now) : 0;

	if (r < 0 && r != -ESRCH) {
		session_error(q->session, q->id, EAGAIN, "hmmd cannot look at /proc/%d/stat: %s", (int)p->pid, strerror(-r));
		return -1;
	}
	p->image.mark = now.mark == h->image ? h->image : 0;
	return 0;
}

/* It lets faults of the kernel wait, which an exploit of the kernel can make use of. */
static bool may_have_uffd(const struct daemon *d, const struct peer *p)
{
	const struct server_group *g = &d->server->uffd_group;

	return d->uffd_device >= 0 && (!g->named || server_group_has(g, p));
}

static int new_ledger(struct request *q, uint64_t client, struct ledgerfile **ret)
{
	const struct peer *p = &q->session->peer;
	struct ledger_identity who = {
		.client = client, .start = p->start, .pid = p->pid, .uid = p->uid
	};

	return ledgerfile_new(ret, q->daemon->world->config.state_dir, &who);
}

static void name_space(struct space *s, const struct peer *p, const char *name)
{
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->program, sizeof(s->program), "%s", p->program);
	snprintf(s->unit, sizeof(s->unit), "%s", p->unit);
}

/* 0, SPACE_E_*, -errno. */
static int new_space(struct request *q, struct space **ret)
{
	const struct peer *p = &q->session->peer;
	struct world *w = q->daemon->world;
	uint64_t client = w->next_id++;
	const uint64_t bytes = (uint64_t)LEDGER_FIRST_TABLES * LEDGER_TABLE_SIZE;
	struct ledgerfile *l;
	int r = state_dir_has_room(w->config.state_dir, p->uid, bytes) ? new_ledger(q, client, &l) : SPACE_E_STATE_FULL;

	if (r)
		return r == -ENOSPC || r == -EDQUOT ? SPACE_E_STATE_FULL : r;
	r = space_new(ret, w, client, p->pid, p->uid, ledgerfile_arena(l),
		      ledgerfile_owner_arena(l), LEDGER_MAX_TABLES, ledgerfile_tables(l), false);
	if (r) {
		ledgerfile_remove(l);
		ledgerfile_close(l);
		return r;
	}
	space_set_ledger(*ret, l);
	return 0;
}

/* The end of the connection that it had may not have been seen yet: it has ended all the same. */
static void end_former(struct request *q, uint64_t client)
{
	const struct peer *p = &q->session->peer;
	struct session *former = idmap_get(q->daemon->server->by_client, client);

	if (former && former->peer.pid == p->pid && former->peer.start == p->start && former->peer.uid == p->uid)
		session_close(former, "its client has connected again");
}

static int take_space(struct request *q, const Hmmd__Hello *h)
{
	struct session *s = q->session;
	struct space *space = NULL;
	int r;

	if (h->resume_client)
		end_former(q, h->resume_client);
	if (h->resume_client)
		space = resume_claim(q->daemon, h->resume_client, &s->peer);
	s->resuming = space != NULL;
	if (!space) {
		r = new_space(q, &space);
		if (r)
			return r;
	}
	name_space(space, &s->peer, h->name);
	atomic_store(&space->image, s->peer.image.mark);
	s->space = space;
	return idmap_put(q->daemon->server->by_client, space->client, s);
}

/*
 * One for as long as there is the space: threads may be reading by it. Without it the library cannot let pages go and
 * be sure that they are its own.
 */
static int offer_gate(struct session *s)
{
	struct space *space = s->space;

	if (!(s->features & HMMD__FEATURE__FEATURE_GATE))
		return -1;
	if (!space->gate && (space->served || gate_new(&space->gate, &space->gate_fd)))
		s->features &= ~(uint64_t)HMMD__FEATURE__FEATURE_ZAP;
	return space->gate_fd;
}

/* After the ledger. */
static size_t reply_fds(struct request *q, int *fds, uint64_t *features)
{
	struct session *s = q->session;
	size_t n = 1;

	*features |= HMMD__FEATURE__FEATURE_LEDGER;
	if (may_have_uffd(q->daemon, &s->peer)) {
		fds[n++] = q->daemon->uffd_device;
		*features |= HMMD__FEATURE__FEATURE_UFFD_DEVICE;
	}
	fds[n] = offer_gate(s);
	if (fds[n] >= 0) {
		*features |= HMMD__FEATURE__FEATURE_GATE;
		n++;
	}
	return n;
}

/* Takes the ledger. 0, -EMFILE (it was told). */
static int greet(struct request *q, int ledger)
{
	struct session *s = q->session;
	Hmmd__Message m = HMMD__MESSAGE__INIT;
	Hmmd__HelloReply reply = HMMD__HELLO_REPLY__INIT;
	int fds[3] = { ledger, -1, -1 }, r;
	size_t n;

	reply.version = HMM_LIMIT_VERSION_MAX;
	reply.features = HMMD__FEATURE__FEATURE_ZAP;
	n = reply_fds(q, fds, &reply.features);
	reply.features |= s->resuming ? HMMD__FEATURE__FEATURE_RESUME : 0;
	reply.features |= kernel_tiers_open(q->daemon) ? HMMD__FEATURE__FEATURE_DRIVER : 0;
	reply.features |= s->control ? HMMD__FEATURE__FEATURE_CONTROL : 0;
	reply.client = s->space->client;
	reply.huge_page_size = LEDGER_PAGE_SIZE;
	reply.backing = q->daemon->backing;
	reply.ledger_root = 1;	/* radix_init() makes it so */
	m.kind_case = HMMD__MESSAGE__KIND_HELLO_REPLY;
	m.hello_reply = &reply;
	r = session_send(s, q->id, &m, fds, n);
	close(ledger);
	return r;
}

/* Who was refused has no space here: the connection ends, and what it had waits for the next one. */
static void welcome(struct request *q)
{
	struct session *s = q->session;
	int ledger, r = ledgerfile_read_only(space_ledger(s->space), &ledger);

	if (r)
		session_error(s, q->id, EMFILE, "hmmd cannot open the client's ledger: %s", strerror(-r));
	else
		r = greet(q, ledger);
	if (r)
		session_close(s, "it could not be greeted");
}

void request_hello(struct request *q)
{
	const Hmmd__Hello *h = q->message->hello;
	struct session *s = q->session;
	int r;

	if (s->said_hello) {
		session_error(s, q->id, EISCONN, "Hello was said already on this connection");
		return;
	}
	if (check_version(q, h) || check_ledger(q, h) || know_image(q, h))
		return;
	r = take_space(q, h);
	if (r) {
		reply_result(s, q->id, r, "a new client");
		if (s->space)
			session_close(s, "there is no memory to serve it");
		return;
	}
	s->said_hello = true;
	s->features = h->features;
	s->control = server_group_has(&q->daemon->server->control_group, &s->peer);
	log_line(LOG_LEVEL_DEBUG, "pid %d (%s, uid %u) is connection %llu", (int)s->peer.pid,
		 s->peer.program, (unsigned int)s->peer.uid, (unsigned long long)s->id);
	welcome(q);
}
