// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hmmctl events: the daemon's log of what happened. Following asks for the listing again whenever a
 * notice arrives: the listing has times and severities, and no event is shown twice or lost.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "libclient/ctl/ctl.h"

/* How long a daemon that went away may take to come back: a restart takes well under a second. */
enum { GONE_US = 10000000 };

static const struct view_column columns[] = {
	{ "time_us", "TIME", SHOW_CLOCK }, { "severity", "SEVERITY", SHOW_UNIT },
	{ "client", "CLIENT", SHOW_UNIT }, { "text", "EVENT", SHOW_UNIT }, { 0 }
};
static const struct view view = { columns, "no events", "no events that you may see" };

struct follow {
	uint64_t last;		/* sequence number of the newest event shown */
	bool noticed;
	bool returned;		/* a new daemon counts its events from the beginning */
	uint64_t gone_us;	/* when the daemon went away, 0: it is there */
};

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void print_events(const struct ctl *c, const struct hmm_table *t)
{
	if (!c->json)
		view_print_rows(&view, t, stdout);
	for (size_t row = 0; c->json && row < hmm_table_rows(t); row++) {
		struct json_object *o = view_json_row(t, row);

		puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(o);
	}
	fflush(stdout);
}

static int show_new(struct ctl *c, struct follow *f)
{
	char after[24];
	struct hmm_table *t;
	int status;

	snprintf(after, sizeof(after), "%" PRIu64, f->last);
	status = ctl_query(c, "events", after, &t);
	if (status != CTL_DONE)
		return status;
	if (hmm_table_rows(t))
		f->last = table_number(t, hmm_table_rows(t) - 1, "sequence");
	print_events(c, t);
	hmm_table_free(t);
	return CTL_DONE;
}

static void on_event(struct hmm_client *client, const struct hmm_event *e, void *userdata)
{
	struct follow *f = userdata;

	(void)client;
	if (e->type == HMM_EVENT_NOTICE)
		f->noticed = true;
	if (e->type == HMM_EVENT_RECONNECTED)
		f->returned = true;
	if (e->type == HMM_EVENT_DISCONNECTED)
		f->gone_us = now_us();
}

static int wait_more(struct ctl *c)
{
	struct pollfd p = { .fd = hmm_client_get_fd(c->client),
			    .events = (short)hmm_client_get_events(c->client) };
	uint64_t us;
	int ms = 1000, r;

	if (hmm_client_get_timeout(c->client, &us) == 0 && us < 1000000)
		ms = (int)(us / 1000) + 1;
	if (poll(&p, 1, ms) < 0 && errno != EINTR)
		return ctl_fail(c, "poll: %s", strerror(errno));
	r = hmm_client_process(c->client);
	return r < 0 && r != -ENOTCONN ? ctl_refused(c, r) : CTL_DONE;
}

/* A daemon that came back knows nothing of this subscription and counts from 1 again. */
static int resume(struct ctl *c, struct follow *f)
{
	int r = hmm_subscribe(c->client);

	f->returned = false;
	f->gone_us = 0;
	f->last = 0;
	f->noticed = true;
	return r < 0 && r != -ENOTCONN ? ctl_refused(c, r) : CTL_DONE;
}

static int follow(struct ctl *c, struct follow *f)
{
	int status = show_new(c, f);

	while (status == CTL_DONE) {
		status = wait_more(c);
		if (status == CTL_DONE && f->returned)
			status = resume(c, f);
		if (f->gone_us && now_us() - f->gone_us > GONE_US)
			return ctl_refused(c, -ENOTCONN);
		if (status == CTL_DONE && f->noticed && !f->gone_us) {
			f->noticed = false;
			status = show_new(c, f);
		}
	}
	return status;
}

int verb_events(struct ctl *c)
{
	struct follow f = { 0 };
	int r, status = ctl_open(c);

	if (status != CTL_DONE)
		return status;
	if (!(c->args.given & ARGS_FOLLOW))
		return c->json ? show_new(c, &f) : ctl_list(c, "events", NULL, &view);
	r = hmm_client_set_event_handler(c->client, on_event, &f);
	if (r == 0)
		r = hmm_subscribe(c->client);
	return r < 0 ? ctl_refused(c, r) : follow(c, &f);
}
