// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The zap tracker (track.h). One sample is open per client at most, and its memory exists only while it
 * is: asked (the client was told to unmap), open (the window runs), looked at (track_look.h), judged. A client
 * that never answers, or that keeps whoever looks waiting, keeps that one sample and is not asked again; its
 * ranges are let go when one of them dies.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/core/space.h"
#include "daemon/core/tracker.h"
#include "daemon/io/daemon.h"
#include "daemon/io/session.h"
#include "daemon/io/track.h"
#include "daemon/io/track_look.h"

#define USEC_PER_MSEC 1000ULL

struct track {
	struct daemon *daemon;
	uv_timer_t round;
	struct list_node samples;	/* of struct tracked */
	uint64_t next_zap;
};

struct tracked {
	struct list_node node;
	struct daemon *daemon;
	uint64_t session, zap;		/* ids */
	const struct space *space;
	bool dropped;			/* the ranges were let go: an answer only ends it */
	bool open;			/* the client has answered, the window runs */
	uv_timer_t window;
	struct track_sample sample;
};

static struct tracked *find(struct track *t, uint64_t session)
{
	LIST_EACH(node, &t->samples) {
		struct tracked *k = container_of(node, struct tracked, node);

		if (k->session == session)
			return k;
	}
	return NULL;
}

static void on_closed(uv_handle_t *window)
{
	free(window->data);
}

static void drop_sample(struct tracked *k)
{
	if (!k->dropped)
		tracker_drop(&k->sample);
	k->dropped = true;
}

/* Whatever is still held is let go. */
static void end(struct tracked *k)
{
	drop_sample(k);
	list_remove(&k->node);
	uv_close((uv_handle_t *)&k->window, on_closed);
}

static void judge(struct tracked *k, const uint8_t *mapped)
{
	struct session *s = session_find(k->daemon, k->session);

	if (!s || k->dropped)
		return;
	tracker_judge(session_space(s), &k->sample, mapped);
	k->dropped = true;	/* judging let the ranges go */
}

/* The sample may have been ended meanwhile; what was seen is then of no use. */
static void look_done(struct errand *e)
{
	struct track_look *look = track_look_of(e);
	struct tracked *k = look->daemon->track ? find(look->daemon->track, look->session) : NULL;

	look->space->asked = false;
	if (k && k->zap == look->zap) {
		if (!look->rc)
			judge(k, look->mapped);
		else if (!track_look_maps(k->daemon))
			session_cannot_look(session_find(k->daemon, k->session));
		end(k);
	}
	track_look_free(look);
}

/* NULL: without memory, or while another errand asks this client, nothing is seen this time. */
static struct track_look *send_look(struct tracked *k, struct space *space)
{
	struct track_look *look = space->asked ? NULL : track_look_new(k->daemon, space, &k->sample);

	if (!look)
		return NULL;
	look->errand.done = look_done;
	look->session = k->session;
	look->zap = k->zap;
	if (errand_submit(k->daemon->errands, space->uid, &look->errand) < 0)
		return track_look_free(look);
	space->asked = true;
	return look;
}

static void on_window(uv_timer_t *window)
{
	struct tracked *k = window->data;
	struct session *s = session_find(k->daemon, k->session);

	if (!s || k->dropped || !send_look(k, session_space(s)))
		end(k);
}

static void send_zap(struct session *s, const struct tracked *k)
{
	uint64_t ids[TRACK_SPANS], offsets[TRACK_SPANS], lengths[TRACK_SPANS];
	Hmmd__Message m = HMMD__MESSAGE__INIT;
	Hmmd__Zap zap = HMMD__ZAP__INIT;
	uint32_t i;

	for (i = 0; i < k->sample.n; i++) {
		const struct track_span *span = &k->sample.spans[i];

		ids[i] = span->range->id;
		offsets[i] = (span->vpn << LEDGER_PAGE_SHIFT) - span->range->addr;
		lengths[i] = span->pages << LEDGER_PAGE_SHIFT;
	}
	zap.zap = k->zap;
	zap.n_range = zap.n_offset = zap.n_length = k->sample.n;
	zap.range = ids;
	zap.offset = offsets;
	zap.length = lengths;
	m.kind_case = HMMD__MESSAGE__KIND_ZAP;
	m.zap = &zap;
	session_send(s, 0, &m, NULL, 0);
}

static struct tracked *tracked_new(struct track *t, struct session *s)
{
	struct tracked *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	if (uv_timer_init(t->daemon->loop, &k->window) < 0) {
		free(k);
		return NULL;
	}
	k->window.data = k;
	k->daemon = t->daemon;
	k->session = session_id(s);
	k->space = session_space(s);
	k->zap = t->next_zap++;
	list_append(&t->samples, &k->node);
	return k;
}

/* With no pages resident there is nothing to see, and without a way to look nothing could be seen. */
static void ask(struct track *t, struct session *s)
{
	struct space *space = session_space(s);
	struct track_sample sample;
	struct tracked *k;

	if (!space->n_ranges || find(t, session_id(s)))
		return;
	tracker_choose(space, &sample);
	if (!sample.n)
		return;
	k = session_can_look(s) ? tracked_new(t, s) : NULL;
	if (!k) {
		tracker_drop(&sample);
		return;
	}
	k->sample = sample;
	send_zap(s, k);
}

static void on_round(uv_timer_t *round)
{
	struct track *t = round->data;
	struct session *s = NULL;

	if (t->daemon->stopping)
		return;
	while ((s = server_next_session(t->daemon, s)))
		ask(t, s);
}

int track_start(struct daemon *d)
{
	struct track *t = calloc(1, sizeof(*t));
	uint64_t ms = d->world->config.track_us / USEC_PER_MSEC;
	int rc;

	if (!t)
		return -ENOMEM;
	t->daemon = d;
	t->next_zap = 1;
	list_init(&t->samples);
	rc = uv_timer_init(d->loop, &t->round);
	if (rc < 0) {
		free(t);
		return rc;
	}
	t->round.data = t;
	d->track = t;
	return uv_timer_start(&t->round, on_round, ms, ms ? ms : 1);
}

void track_stop(struct daemon *d)
{
	struct track *t = d->track;

	if (!t)
		return;
	while (!list_empty(&t->samples))
		end(container_of(t->samples.next, struct tracked, node));
	d->track = NULL;
	uv_close((uv_handle_t *)&t->round, on_closed);
}

/* A number that was not asked for is a client's mistake and changes nothing. */
void track_done(struct session *s, uint64_t zap)
{
	struct daemon *d = session_daemon(s);
	struct tracked *k = d->track ? find(d->track, session_id(s)) : NULL;

	if (!k || k->zap != zap || k->open)
		return;
	if (k->dropped) {
		end(k);
		return;
	}
	k->open = true;
	uv_timer_start(&k->window, on_window, k->sample.window_us / USEC_PER_MSEC, 0);
}

void track_session_gone(struct session *s)
{
	struct daemon *d = session_daemon(s);
	struct tracked *k = d->track ? find(d->track, session_id(s)) : NULL;

	if (k)
		end(k);
}

void track_space_dying(struct daemon *d, const struct space *space)
{
	if (!d->track)
		return;
	LIST_EACH(node, &d->track->samples) {
		struct tracked *k = container_of(node, struct tracked, node);

		if (k->space == space)
			drop_sample(k);
	}
}
