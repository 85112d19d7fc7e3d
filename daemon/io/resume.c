// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clients coming back (resume.h). A space waits until its client is there again; the client names its
 * ranges and sends their files; then every page is brought to rest and served. A client whose descriptors
 * systemd kept is served before that, and only confirms.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/io/log.h"
#include "daemon/io/memfile.h"
#include "daemon/io/pin.h"
#include "daemon/io/request.h"
#include "daemon/io/request_tables.h"
#include "daemon/io/resume_own.h"
#include "daemon/io/retire.h"
#include "daemon/io/space_driver.h"
#include "daemon/io/unreadable.h"

/* Claimed by a session, last Resume not yet seen. */
static struct list_node claimed = { &claimed, &claimed };

struct ledgerfile *space_ledger(const struct space *s)
{
	return s->ledger;
}

void space_set_ledger(struct space *s, struct ledgerfile *l)
{
	s->ledger = l;
}

struct resume *resume_free(struct resume *w)
{
	if (!w)
		return NULL;
	list_remove(&w->node);
	resume_pins_end(w, false);
	if (w->pidfd >= 0)
		close(w->pidfd);
	free(w->ranges);
	free(w);
	return NULL;
}

struct list_node *resume_claimed(void)
{
	return &claimed;
}

static struct resume *find_in(struct list_node *list, const struct space *s)
{
	LIST_EACH(node, list) {
		struct resume *w = container_of(node, struct resume, node);

		if (w->space == s)
			return w;
	}
	return NULL;
}

struct resume *resume_find(struct daemon *d, const struct space *s)
{
	struct resume *w = find_in(&claimed, s);

	return w ? w : find_in(&d->waiting_spaces, s);
}

/*
 * What was charged to one user is not handed to another; the process gives its ranges up once we have. And what
 * lay in an address space that execve(2) has ended is nowhere.
 */
static const char *why_another(const struct resume *w, const struct peer *peer)
{
	uint64_t mark = atomic_load(&w->space->image);

	if (w->who.uid != peer->uid)
		return "as another user";
	return mark && peer->image.mark && mark != peer->image.mark ? "as another program" : NULL;
}

static void refuse_another(struct daemon *d, struct resume *w, const char *why)
{
	daemon_client_event(d, EVENT_WARNING, w->who.client,
			    "client %llu (pid %d) came back %s, its memory is given up",
		     (unsigned long long)w->who.client, (int)w->who.pid, why);
	retire_space(d, w->space);
}

struct space *resume_claim(struct daemon *d, uint64_t client, const struct peer *peer)
{
	LIST_EACH(node, &d->waiting_spaces) {
		struct resume *w = container_of(node, struct resume, node);
		const char *why;

		if (w->who.client != client)
			continue;
		if (w->who.pid != peer->pid || w->who.start != peer->start)
			return NULL;
		why = why_another(w, peer);
		if (why) {
			refuse_another(d, w, why);
			return NULL;
		}
		list_remove(&w->node);
		list_append(&claimed, &w->node);
		return w->space;
	}
	return NULL;
}

static struct resumed *find_range(struct resume *w, uint64_t id)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->ranges[i].range && w->ranges[i].range->id == id)
			return &w->ranges[i];
	return NULL;
}

int resume_range(struct daemon *d, struct space *s, uint64_t id, uint64_t addr, uint64_t size, int fd)
{
	struct resume *w = resume_find(d, s);
	struct resumed *x = w ? find_range(w, id) : NULL;

	if (!x || x->range->kind != RANGE_MANAGED)
		return RESUME_E_UNKNOWN;
	if (x->addr != addr || x->range->size != size || memfile_sent(d, x->range, fd))
		return RESUME_E_DIFFERENT;
	x->came = true;
	return 0;
}

bool resume_kept(struct daemon *d, struct space *s, uint64_t id, uint64_t addr, uint64_t size)
{
	struct resume *w = resume_find(d, s);
	struct resumed *x = w ? find_range(w, id) : NULL;

	if (!x || x->range->kind != RANGE_ADOPTED || x->addr != addr || x->range->size != size)
		return false;
	x->came = true;
	return true;
}

static int map_range(struct space *s, struct range *r, uint64_t addr)
{
	int rc;

	do
		rc = space_map(s, r, addr);
	while (rc == SPACE_E_TABLES && !(rc = request_grow_tables(s)));
	return rc > 0 ? -EEXIST : rc;
}

static void drop_record(struct resume *w, struct range *r)
{
	struct range_record rec = { .id = r->id };

	memfile_to_record(r, &rec);
	if (ledgerfile_drop_range(space_ledger(w->space), rec.id, rec.next) < 0)
		log_line(LOG_LEVEL_WARNING, "the record of range %llu cannot be cleared, ignoring",
			 (unsigned long long)rec.id);
}

/* Never mapped in this daemon: the words in the ledger are all that is left of it. */
static void give_up(struct daemon *d, struct resume *w, struct resumed *x)
{
	drop_record(w, x->range);
	resume_release(d, w->space, x->addr, range_pages(x->range));
	retire_ranges(d, &x->range, 1, NULL, NULL);
	x->range = NULL;
}

/* From here nobody else takes it up until it is live. */
static void seclude(struct resume *w, struct resumed *x)
{
	x->mapped = true;
	pins_settle(x->range, w->presume);
	range_hold(x->range);
	atomic_store(&x->range->dying, true);
}

static void map_all(struct daemon *d, struct resume *w)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		struct resumed *x = &w->ranges[i];

		if (!x->range || x->mapped)
			continue;
		if (!memfile_open(d, x->range) || map_range(w->space, x->range, x->addr) < 0)
			give_up(d, w, x);
	}
}

/* Every word that still counts is in the tables, the rest is dropped; then page by page to rest. */
void resume_begin(struct daemon *d, struct resume *w)
{
	size_t i;

	map_all(d, w);
	if (w->space->recovering) {
		space_recovered(w->space);
		request_free_tables(w->space, 0);
	}
	for (i = 0; i < w->n; i++)
		if (w->ranges[i].range && !w->ranges[i].mapped)
			seclude(w, &w->ranges[i]);
	if (!w->recovering)
		w->begun_us = daemon_now_us(d);
	w->recovering = true;
	w->at = 0;
	resume_go_on(d, w);
}

/* The record first. Words that were not brought to rest are in no books. */
static void drop_half(struct daemon *d, struct resume *w, struct resumed *x)
{
	drop_record(w, x->range);
	resume_unrecovered(d, x->range, x->next);
	range_drop(x->range);
	retire_ranges(d, &x->range, 1, NULL, NULL);
}

static void drop_live(struct daemon *d, struct resumed *x)
{
	space_driver_leaving(d, x->range);
	retire_ranges(d, &x->range, 1, NULL, NULL);
}

/* What the client did not name it has freed meanwhile. */
static void drop_unnamed(struct daemon *d, struct resume *w)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		struct resumed *x = &w->ranges[i];

		if (!x->range || x->came)
			continue;
		if (x->live)
			drop_live(d, x);
		else if (x->mapped)
			drop_half(d, w, x);
		else
			give_up(d, w, x);
		x->range = NULL;
	}
}

/* Told now that there is somebody to tell: what was lost when they were served without their client, too. */
static uint64_t tell_lost(struct daemon *d, const struct resume *w)
{
	uint64_t lost = 0;
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->ranges[i].range && w->ranges[i].range->kind == RANGE_MANAGED)
			lost += resume_tell_lost(d, w->ranges[i].range);
	return lost;
}

/* Of what needs its userfaultfd. */
static bool any_left(const struct resume *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->ranges[i].range && w->ranges[i].range->kind == RANGE_MANAGED)
			return true;
	return false;
}

static int finish(struct daemon *d, struct resume *w)
{
	w->named = false;
	drop_unnamed(d, w);
	if (w->space->uffd < 0 && any_left(w))
		return -EINVAL;
	resume_begin(d, w);
	return 0;
}

int resume_finish(struct daemon *d, struct space *s, uint64_t session, uint64_t request)
{
	struct resume *w = resume_find(d, s);
	int rc = 0;

	if (!w || w->waiter)
		return -EINVAL;
	w->waiter = session;
	w->request = request;
	w->named = w->step != NULL;
	if (!w->named)
		rc = finish(d, w);
	if (rc < 0)
		w->waiter = 0;
	return rc;
}

void resume_named(struct daemon *d, struct resume *w)
{
	int rc = finish(d, w);

	if (rc < 0)
		resume_complete(d, w, rc);
}

void resume_complete(struct daemon *d, struct resume *w, int rc)
{
	uint64_t session = w->waiter, request = w->request, lost = 0;
	struct space *s = w->space;

	if (!session) {
		resume_tell_orphan(d, w, rc);
		return;
	}
	w->waiter = 0;
	if (rc >= 0) {
		lost = tell_lost(d, w);
		resume_pins_end(w, true);
		resume_free(w);
	}
	request_resumed(d, session, request, s, rc, lost);
}

void resume_forget(struct daemon *d, struct space *s)
{
	struct resume *w = resume_find(d, s);
	size_t i;

	if (!w)
		return;
	for (i = 0; i < w->n; i++) {
		struct resumed *x = &w->ranges[i];

		if (!x->range || x->live)
			continue;
		if (x->mapped && w->step && i == w->at)
			continue;	/* the step sees to it */
		if (x->mapped) {
			resume_unrecovered(d, x->range, x->next);
			range_drop(x->range);
		} else if (!d->keep) {
			resume_release(d, s, x->addr, range_pages(x->range));
		}
	}
	resume_free(w);
}

/* For certain; what could not be told before is asked again. */
static bool has_ended(struct resume *w)
{
	return w->pidfd < 0 ? process_look(&w->who, &w->pidfd) == PROCESS_E_ENDED : process_ended(w->pidfd);
}

void resume_sweep_ended(struct daemon *d)
{
	LIST_EACH_SAFE(node, next, &d->waiting_spaces) {
		struct resume *w = container_of(node, struct resume, node);

		if (!has_ended(w))
			continue;
		log_line(LOG_LEVEL_INFO, "client %llu (pid %d) ended before it came back",
			 (unsigned long long)w->who.client, (int)w->who.pid);
		retire_space(d, w->space);
	}
}

static void add_waits(struct list_node *list, uint64_t since_us)
{
	LIST_EACH(node, list) {
		struct resume *w = container_of(node, struct resume, node);

		if (!w->served && any_left(w))
			wait_sum_add(&w->space->waiting.now, 1, w->recovering ? WAIT_RECOVERY : WAIT_AWAY, since_us);
	}
}

void resume_waits(struct daemon *d)
{
	add_waits(&d->waiting_spaces, d->started_us);
	add_waits(&claimed, d->started_us);
}

void resume_sweep(struct daemon *d)
{
	unreadable_watch(d);
	resume_sweep_ended(d);
	LIST_EACH_SAFE(node, next, &claimed)
		resume_go_on(d, container_of(node, struct resume, node));
	LIST_EACH_SAFE(node, next, &d->waiting_spaces) {
		resume_ask(d, container_of(node, struct resume, node));
		resume_go_on(d, container_of(node, struct resume, node));
	}
}
