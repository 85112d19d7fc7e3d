// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How ranges and spaces die (retire.h). Who may hold a dying range: a fault service thread that found it in
 * the owner table (gone when all have passed a point); a job, a victim, a note, a deferred fault (each
 * counted in `holders`). The holders are looked at by a short timer that exists only while something dies.
 * Nothing bounds the wait but the holders themselves, and every one of them ends by itself: a job with its
 * page, a note with the loop's next turn, a deferred fault at the passing point, the tracker's sample and
 * the queues at once, here.
 *
 * The descriptors of a space are closed by an errand (errand.h), before its charge is given back: whose
 * descriptors cannot be closed yet goes on being charged for them.
 *
 * Tables of the mirror that a range leaves behind may still be walked for a neighbour's sake. They are used
 * again after one more passing point, unless more was left behind meanwhile; then that batch sees to it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/core/world.h"
#include "daemon/io/closing.h"
#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/grave.h"
#include "daemon/io/ledgerfile.h"
#include "daemon/io/log.h"
#include "daemon/io/memfile.h"
#include "daemon/io/notify.h"
#include "daemon/io/pin.h"
#include "daemon/io/request_tables.h"
#include "daemon/io/resume.h"
#include "daemon/io/retire.h"
#include "daemon/io/track.h"

enum {
	LOOK_FIRST_MS = 1, LOOK_LONGEST_MS = 16,	/* between two looks at the holders */
	FREE_AT_ONCE = 1024				/* ranges: some milliseconds */
};

struct retire {
	struct daemon *daemon;
	uv_timer_t look;
	unsigned int look_ms;
	struct list_node batches;
	uint64_t freed;			/* ranges, ever: tells whether more tables were left behind */
};

enum stage { STAGE_ASK, STAGE_PASS, STAGE_HOLDERS, STAGE_SPACE, STAGE_RECLAIM };

struct batch {
	struct list_node node;
	struct daemon *daemon;
	struct space *space;
	struct list_node ranges;	/* by in_space, which they do not need any more */
	bool whole;			/* the space dies too */
	struct closing *closing;	/* its descriptors are on their way out */
	enum stage stage;
	uint64_t freed;			/* of struct retire when the last passing point was asked for */
	retire_fn *done;
	void *userdata;
};

static void advance(struct batch *b);

static void on_closed(uv_handle_t *look)
{
	free(look->data);
}

static void close_if_idle(struct daemon *d)
{
	struct retire *x = d->retire;

	if (!x || !list_empty(&x->batches))
		return;
	d->retire = NULL;
	uv_close((uv_handle_t *)&x->look, on_closed);
}

static void on_look(uv_timer_t *look)
{
	struct retire *x = look->data;

	if (x->look_ms < LOOK_LONGEST_MS)
		x->look_ms *= 2;
	uv_timer_start(&x->look, on_look, x->look_ms, 0);
	LIST_EACH_SAFE(node, next, &x->batches)
		advance(container_of(node, struct batch, node));
	close_if_idle(x->daemon);
}

static struct retire *retire_get(struct daemon *d)
{
	struct retire *x = d->retire ? d->retire : calloc(1, sizeof(*x));

	if (!x || d->retire)
		return x;
	if (uv_timer_init(d->loop, &x->look) < 0) {
		free(x);
		return NULL;
	}
	x->look.data = x;
	x->daemon = d;
	list_init(&x->batches);
	d->retire = x;
	return x;
}

static void forget_uffd(uint64_t client)
{
	char name[32];

	snprintf(name, sizeof(name), "u%" PRIu64, client);
	notify_forget(name);
}

static void release(void *userdata, uint64_t word)
{
	struct daemon *d = userdata;

	mover_release(d->devices, word);
}

/* The record, then the words, then the slots: a daemon killed in between leaves nothing that names what others may get. */
static void free_range(struct daemon *d, struct range *r)
{
	struct range_record rec = { .id = r->id };

	list_remove(&r->in_space);
	d->retire->freed++;
	if (r->file) {
		memfile_to_record(r, &rec);
		if (ledgerfile_drop_range(space_ledger(r->space), rec.id, rec.next) < 0)
			log_line(LOG_LEVEL_WARNING, "the record of range %" PRIu64 " cannot be cleared, ignoring", rec.id);
		memfile_drop(d, r);
	}
	pins_off_record(r);
	space_range_free(r, release, d);
	if (d->crew)
		crew_room_changed(d->crew);
}

/* Some at a time, while anybody else waits for the loop. */
static void free_unheld(struct batch *b)
{
	struct retire *x = b->daemon->retire;
	unsigned int n = 0;

	LIST_EACH_SAFE(node, next, &b->ranges) {
		struct range *r = container_of(node, struct range, in_space);

		if (atomic_load(&r->holders))
			continue;
		if (b->daemon->crew && n++ == FREE_AT_ONCE) {
			x->look_ms = LOOK_FIRST_MS;
			uv_timer_start(&x->look, on_look, x->look_ms, 0);
			return;
		}
		free_range(b->daemon, r);
	}
}

static bool others_on(const struct batch *b)
{
	LIST_EACH(node, &b->daemon->retire->batches) {
		struct batch *other = container_of(node, struct batch, node);

		if (other != b && other->space == b->space)
			return true;
	}
	return false;
}

static void free_gate(struct space *s)
{
	s->gate = gate_free(s->gate);
	if (s->gate_fd >= 0)
		close(s->gate_fd);
}

static void free_space(struct daemon *d, struct space *s)
{
	if (s->uffd >= 0)
		close(s->uffd);
	if (s->driver >= 0)
		close(s->driver);
	forget_uffd(s->client);
	grave_dig(d, s);
	if (d->crew)
		crew_leave(s);
	free_gate(s);
	space_free(s);
}

static void end(struct batch *b)
{
	list_remove(&b->node);
	free(b);
}

static void closed(void *batch);

/* Its descriptors first; at the end of the daemon nobody runs errands any more. Without memory it is tried again. */
static void end_space(struct batch *b)
{
	struct space *s = b->space;

	if (!b->daemon->errands || (s->uffd < 0 && s->driver < 0)) {
		free_space(b->daemon, s);
		end(b);
		return;
	}
	b->closing = closing_send(b->daemon->errands, s->uid, s->uffd, s->driver, closed, b);
	if (b->closing)
		s->uffd = s->driver = -1;
}

static void reclaim(struct space *s)
{
	space_reclaim(s);
	request_free_tables(s, TABLES_SPARE);
}

static void on_passed(void *userdata)
{
	struct batch *b = userdata;
	struct daemon *d = b->daemon;

	if (b->stage == STAGE_RECLAIM) {
		if (b->freed == d->retire->freed)
			reclaim(b->space);
		end(b);
	} else {
		b->stage = STAGE_HOLDERS;
		advance(b);
	}
	close_if_idle(d);
}

/* Without threads there is nobody to wait for. Without memory it is tried again at the next look. */
static bool ask(struct batch *b, enum stage meanwhile)
{
	struct crew *crew = b->daemon->crew;

	b->freed = b->daemon->retire->freed;
	if (crew && crew_quiesce(crew, b->space, on_passed, b) < 0)
		return false;
	b->stage = meanwhile;
	return true;
}

/* The ranges are gone: whoever waited for them hears it before their tables are cleared up. */
static void ranges_gone(struct batch *b)
{
	if (b->done)
		b->done(b->userdata);
	b->done = NULL;
	if (b->whole)
		b->stage = STAGE_SPACE;
	else if (!b->daemon->crew || !ask(b, STAGE_RECLAIM))
		end(b);
}

static void advance(struct batch *b)
{
	if (b->stage == STAGE_ASK && ask(b, STAGE_PASS) && !b->daemon->crew)
		b->stage = STAGE_HOLDERS;
	if (b->stage == STAGE_HOLDERS) {
		free_unheld(b);
		if (!list_empty(&b->ranges))
			return;
		ranges_gone(b);
		return;
	}
	if (b->stage == STAGE_SPACE && !b->closing && !others_on(b))
		end_space(b);
}

static void closed(void *batch)
{
	struct batch *b = batch;
	struct daemon *d = b->daemon;

	b->closing = NULL;
	advance(b);
	close_if_idle(d);
}

static struct batch *batch_new(struct daemon *d, struct space *s)
{
	struct retire *x = retire_get(d);
	struct batch *b = x ? calloc(1, sizeof(*b)) : NULL;

	if (!b) {
		close_if_idle(d);
		return NULL;
	}
	b->daemon = d;
	b->space = s;
	list_init(&b->ranges);
	list_append(&x->batches, &b->node);
	x->look_ms = LOOK_FIRST_MS;
	uv_timer_start(&x->look, on_look, x->look_ms, 0);
	return b;
}

static void leave(struct batch *b, struct range *r)
{
	space_range_leave(b->space, r);
	list_append(&b->ranges, &r->in_space);
}

int retire_ranges(struct daemon *d, struct range **ranges, size_t n, retire_fn *done, void *userdata)
{
	struct batch *b;
	size_t i;

	if (!n)
		return -EINVAL;
	b = batch_new(d, ranges[0]->space);
	if (!b)
		return -ENOMEM;
	b->done = done;
	b->userdata = userdata;
	track_space_dying(d, b->space);
	for (i = 0; i < n; i++)
		leave(b, ranges[i]);
	advance(b);
	return 0;
}

void retire_space(struct daemon *d, struct space *s)
{
	struct batch *b = batch_new(d, s);

	if (!b) {
		daemon_client_event(d, EVENT_ERROR, s->client,
				    "no memory to free what client %" PRIu64 " held; it is kept", s->client);
		return;
	}
	b->whole = true;
	/* Nobody comes back to it: records and words go before the first slot does. The lock on the file stays until it is closed. */
	ledgerfile_remove(space_ledger(s));
	if (d->crew)
		crew_unserve(d->crew, s);
	track_space_dying(d, s);
	resume_forget(d, s);
	while (!list_empty(&s->ranges))
		leave(b, container_of(s->ranges.next, struct range, in_space));
	advance(b);
}

static void keep_space(struct daemon *d, struct space *s)
{
	struct ledgerfile *l = space_ledger(s);

	/* Freeing clears page words; if they cannot be kept from the file, an end without clean-up keeps all. */
	if (ledgerfile_keep(l) < 0)
		_exit(EXIT_FAILURE);
	resume_forget(d, s);
	while (!list_empty(&s->ranges)) {
		struct range *r = container_of(s->ranges.next, struct range, in_space);

		space_range_leave(s, r);
		memfile_drop(d, r);
		space_range_free(r, NULL, NULL);
	}
	if (s->uffd >= 0)
		close(s->uffd);
	if (s->driver >= 0)
		close(s->driver);
	free_gate(s);
	space_set_ledger(s, NULL);
	space_free(s);
	ledgerfile_close(l);
}

void retire_rest(struct daemon *d)
{
	unsigned int round;

	/* What is stuck there is nobody's any more: free as if it were closed. */
	if (d->retire)
		LIST_EACH(node, &d->retire->batches)
			container_of(node, struct batch, node)->closing = NULL;
	/* A batch that waits for another on the same space needs a second look. */
	for (round = 0; round < 3 && d->retire; round++) {
		LIST_EACH_SAFE(node, next, &d->retire->batches)
			advance(container_of(node, struct batch, node));
		close_if_idle(d);
	}
	d->keep = true;
	d->left_behind = !list_empty(&d->world->spaces) || !list_empty(&d->unreadable);
	LIST_EACH_SAFE(node, next, &d->world->spaces)
		keep_space(d, container_of(node, struct space, in_world));
}
