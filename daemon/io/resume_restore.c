// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Start-up: what lies in the state directory becomes spaces again. A client whose process is gone is
 * swept away with its files. For the others the places of their ranges are promised and their device slots
 * reserved before anybody is served, so that no new client can be given what belongs to one that is not
 * back yet.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/log.h"
#include "daemon/io/memfile.h"
#include "daemon/io/notify.h"
#include "daemon/io/request_tables.h"
#include "daemon/io/resume_own.h"
#include "daemon/io/slotmap.h"
#include "daemon/io/unreadable.h"
#include "daemon/mech/doors.h"

struct restoring {
	struct daemon *daemon;
	struct resume *resume;
};

static int allocate(struct space *s, const struct range_record *rec, struct range **ret)
{
	struct range_request q = { .size = rec->size, .name = rec->name, .policy = rec->policy, .prefer = rec->prefer,
				   .flags = rec->flags };
	int rc = space_alloc(s, &q, ret);

	if (rc <= 0)
		return rc;
	q.policy = q.prefer = NULL;	/* the configuration has changed; anywhere is better than nowhere */
	return space_alloc(s, &q, ret);
}

/* The id that the client knows. Its own new one was the last given out, so it goes back. */
static int rename_range(struct world *w, struct range *r, uint64_t id)
{
	int rc = idmap_put(w->ranges, id, r);

	if (rc < 0)
		return rc;
	idmap_take(w->ranges, r->id);
	r->id = id;
	if (w->next_id <= id)
		w->next_id = id + 1;
	return 0;
}

static void forget_range(struct space *s, struct range *r)
{
	space_range_leave(s, r);
	space_range_free(r, NULL, NULL);
}

static int restore_range(void *userdata, const struct range_record *rec)
{
	struct restoring *x = userdata;
	struct daemon *d = x->daemon;
	struct resume *w = x->resume;
	struct resumed *longer = realloc(w->ranges, (w->n + 1) * sizeof(*longer));
	struct range *r;
	int rc;

	if (!longer)
		return -ENOMEM;
	w->ranges = longer;
	rc = allocate(w->space, rec, &r);
	if (!rc) {
		rc = rename_range(d->world, r, rec->id);
		if (!rc)
			rc = memfile_restore(d, r, rec);
		if (rc)
			forget_range(w->space, r);
	}
	if (rc == -ENOMEM)
		return rc;
	if (rc) {
		daemon_client_event(d, EVENT_ERROR, w->who.client,
				    "range %llu of client %llu has no place any more and is lost",
			     (unsigned long long)rec->id, (unsigned long long)w->who.client);
		return 0;
	}
	if (rec->home < d->world->n_tiers && tier_is_resident(&d->world->tiers[rec->home]))
		atomic_store(&r->home, rec->home);
	w->ranges[w->n++] = (struct resumed){ .range = r, .addr = rec->addr };
	resume_reserve(d, w->space, rec->addr, range_pages(r));
	return 0;
}

static int make_space(struct daemon *d, struct resume *w, struct ledgerfile *l)
{
	int rc = space_new(&w->space, d->world, w->who.client, w->who.pid, w->who.uid, ledgerfile_arena(l),
			   ledgerfile_owner_arena(l), LEDGER_MAX_TABLES, ledgerfile_tables(l), true);

	if (rc)
		return rc < 0 ? rc : -EDQUOT;
	space_set_ledger(w->space, l);
	if (d->world->next_id <= w->who.client)
		d->world->next_id = w->who.client + 1;
	return 0;
}

static int stored_uffd(uint64_t client)
{
	char name[32];

	snprintf(name, sizeof(name), "u%llu", (unsigned long long)client);
	return notify_fd(name);
}

/* What systemd kept: with the userfaultfd and every file the client's threads need not wait for the client. */
static bool take_descriptors(struct resume *w)
{
	bool all;
	size_t i;

	w->space->uffd = stored_uffd(w->who.client);
	all = w->space->uffd >= 0;
	if (all) {
		/* Threads read it before the client is there to be offered one. */
		(void)gate_new(&w->space->gate, &w->space->gate_fd);
		charge_force(&w->space->stored, w->space->account, ACCOUNT_STORED, 1);
	}
	for (i = 0; i < w->n; i++)
		all = memfile_at_hand(w->ranges[i].range) && all;
	return all;
}

/* The process lives. What cannot be restored is lost with an error, never silently. */
static int restore_client(struct daemon *d, struct ledgerfile *l, const struct ledger_identity *who, int pidfd)
{
	struct resume *w = calloc(1, sizeof(*w));
	struct restoring x = { .daemon = d, .resume = w };
	int rc;

	if (!w) {
		if (pidfd >= 0)
			close(pidfd);
		return -ENOMEM;
	}
	w->who = *who;
	w->pidfd = pidfd;
	list_init(&w->node);
	rc = make_space(d, w, l);
	if (rc < 0) {
		resume_free(w);
		ledgerfile_close(l);
		return rc;
	}
	list_append(&d->waiting_spaces, &w->node);
	rc = ledgerfile_each_range(l, restore_range, &x);
	if (rc < 0 && rc != -EINVAL)
		return rc;
	if (rc)
		daemon_client_event(d, EVENT_ERROR, who->client,
				    "client %llu (pid %d): some ranges on record are damaged and lost: %s",
			     (unsigned long long)who->client, (int)who->pid, strerror(-rc));
	resume_pins(d, w, l);
	(void)request_records_end(w->space, 0);
	return 0;
}

static void discard_ledger(struct ledgerfile *l)
{
	ledgerfile_remove(l);
	ledgerfile_close(l);
}

/*
 * Words on record may name a device that did not open: judged now they would count as lost, while the next start
 * may find the device. Starting without it is for when no program's pages can be there.
 */
static const struct tier *closed_device(const struct daemon *d)
{
	unsigned int i;

	for (i = 0; i < d->world->n_tiers; i++)
		if (!tier_is_resident(&d->world->tiers[i]) && d->devices[i].ops && !d->devices[i].device)
			return &d->world->tiers[i];
	return NULL;
}

/* 0: nobody else gets what it has. */
static int unreadable(struct daemon *d, uint64_t client, int why)
{
	const char *dir = d->world->config.state_dir;

	if (!process_owner_ended(dir, client))
		return unreadable_note(d, client, why);
	log_line(LOG_LEVEL_WARNING, "the program of the ledger of client %llu is gone, which could not be used (%s) and is "
		 "removed", (unsigned long long)client, strerror(-why));
	ledgerfile_unlink(dir, client);
	return 0;
}

static int restore(struct daemon *d, uint64_t client)
{
	const char *dir = d->world->config.state_dir;
	struct ledger_identity who;
	struct ledgerfile *l;
	int pidfd, lives, rc = ledgerfile_open(&l, dir, client, &who);

	if (rc < 0)
		return rc == -ENOENT ? 0 : unreadable(d, client, rc);
	if (rc == LEDGERFILE_E_GIVEN_UP)
		return 0;
	lives = process_look(&who, &pidfd);
	if (lives == PROCESS_E_ENDED) {
		log_line(LOG_LEVEL_DEBUG, "client %llu (pid %d) is gone, its ledger is removed",
			 (unsigned long long)client, (int)who.pid);
		discard_ledger(l);
		return 0;
	}
	if (lives < 0) {
		pidfd = -1;
		daemon_client_event(d, EVENT_WARNING, client, "whether client %llu (pid %d) lives cannot be told now (%s): it keeps "
				    "what it has", (unsigned long long)client, (int)who.pid, strerror(-lives));
	}
	if (closed_device(d)) {
		log_line(LOG_LEVEL_ERROR, "tier %s cannot be opened, and pages of pid %d, which lives, may rest there: "
			 "hmmd does not start without it", closed_device(d)->config.name, (int)who.pid);
		if (pidfd >= 0)
			close(pidfd);
		ledgerfile_close(l);
		return -ENODEV;
	}
	rc = restore_client(d, l, &who, pidfd);
	if (rc < 0)
		log_line(LOG_LEVEL_ERROR, "client %llu (pid %d), which lives, cannot be restored: %s; hmmd does not start "
			 "without it", (unsigned long long)client, (int)who.pid, strerror(-rc));
	return rc < 0 ? rc : 0;
}

/* Now that every slot that is somebody's is taken. */
static void begin_all(struct daemon *d)
{
	LIST_EACH_SAFE(node, next, &d->waiting_spaces) {
		struct resume *w = container_of(node, struct resume, node);

		if (take_descriptors(w))
			resume_begin(d, w);
	}
}

int resume_restore(struct daemon *d)
{
	uint64_t *clients = NULL;
	size_t n = 0, i;
	int rc = ledgerfile_list(d->world->config.state_dir, &clients, &n);

	if (rc < 0)
		return rc;
	/* Every id first, damaged ledgers too: a new client must not be given a name that is taken. */
	for (i = 0; i < n; i++)
		if (d->world->next_id <= clients[i])
			d->world->next_id = clients[i] + 1;
	for (i = 0; i < n && !rc; i++) {
		notify_restoring(i, n);
		rc = restore(d, clients[i]);
	}
	free(clients);
	if (rc)
		return rc;
	slotmaps_settle(d);
	begin_all(d);
	return 0;
}
