// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The zap tracker (track.h). One sample is open per client at most, and its memory exists only while it
 * is: asked (the client was told to unmap), open (the window runs), judged. A client that never answers
 * keeps that one sample and is not asked again; its ranges are let go when one of them dies.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/core/space.h"
#include "daemon/core/tracker.h"
#include "daemon/io/daemon.h"
#include "daemon/io/session.h"
#include "daemon/io/track.h"

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

static int scan_pagemap(int fd, const struct track_sample *sample, uint8_t *ret_mapped)
{
	int rc = 0;
	uint32_t i, at = 0;

	for (i = 0; i < sample->n && !rc; i++) {
		const struct track_span *span = &sample->spans[i];

		rc = pagemap_mapped(fd, span->vpn << LEDGER_PAGE_SHIFT, span->pages, ret_mapped + at);
		at += (uint32_t)span->pages;
	}
	return rc;
}

static int map_page(struct daemon *d, const struct range *r, uint64_t vpn, bool *ret_was)
{
	struct mech_page page = { .uffd = r->space->uffd, .file = r->backing, .addr = vpn << LEDGER_PAGE_SHIFT };

	page.offset = range_offset(r, page.addr);
	return d->mech->ops->map(d->mech, &page, ret_was);
}

/* The page map of another user's process cannot be opened; but who maps the pages again learns which were mapped. */
static int scan_by_mapping(struct daemon *d, const struct track_sample *sample, uint8_t *ret_mapped)
{
	uint32_t i, at = 0;
	uint64_t k;
	int rc = 0;

	for (i = 0; i < sample->n; i++)
		for (k = 0; k < sample->spans[i].pages && (!rc || rc == -EFAULT); k++) {
			bool was = false;

			rc = map_page(d, sample->spans[i].range, sample->spans[i].vpn + k, &was);
			ret_mapped[at++] = was;
		}
	return rc == -EFAULT ? 0 : rc;
}

/* Base pages would cost the huge mapping, and milliseconds of this thread. */
static bool can_map(const struct daemon *d)
{
	return d->mech->ops->huge;
}

static int scan(struct daemon *d, struct session *s, const struct track_sample *sample, uint8_t *ret_mapped)
{
	int fd = session_pagemap(s);

	return fd >= 0 ? scan_pagemap(fd, sample, ret_mapped) : scan_by_mapping(d, sample, ret_mapped);
}

static void on_window(uv_timer_t *window)
{
	struct tracked *k = window->data;
	struct session *s = session_find(k->daemon, k->session);
	uint8_t mapped[TRACK_PAGES];

	if (s && !k->dropped && scan(k->daemon, s, &k->sample, mapped) >= 0) {
		tracker_judge(session_space(s), &k->sample, mapped);
		k->dropped = true;	/* judging let the ranges go */
	}
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
	k = session_pagemap(s) < 0 && !can_map(t->daemon) ? NULL : tracked_new(t, s);
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
