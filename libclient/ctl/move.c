// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests that change something. Moving takes as long as a device needs, so on a terminal a line
 * says how far it is; scripts see nothing but the result.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libclient/ctl/ctl.h"
#include "libclient/ctl/format.h"
#include "libclient/ctl/span.h"
#include "libclient/ctl/text.h"

enum { STEP_US = 200000 };	/* between two looks at a running move: five times a second is smooth */

int ctl_span(const struct ctl *c, const char *word, struct hmm_control *control)
{
	const char *why;
	struct span span;

	if (span_parse(word, &span, &why) < 0)
		return ctl_usage(c, "'%.60s' is no PID[:ADDR-END]: %s", word, why);
	control->pid = span.pid;
	control->addr = span.addr;
	control->end = span.end;
	return CTL_DONE;
}

/* Nothing of what was asked for is elsewhere. */
static bool is_there(const struct hmm_move_result *m)
{
	return m->moved + m->already_there == m->asked && !m->moved_on;
}

/* What a terminal shows while it waits: a figure of one tier, as it changes. */
struct watch {
	const char *tier;	/* NULL: only the time */
	bool leaving;		/* what is left in the tier; else what came into it */
	uint64_t first;		/* the figure at the start */
	time_t start;
};

/* 0 or -errno; a tier that is not listed counts as empty. */
static int look(const struct ctl *c, const struct watch *w, uint64_t *ret)
{
	struct hmm_table *t;
	int r = hmm_query(c->client, "tiers", NULL, &t);

	if (r < 0)
		return r;
	*ret = 0;
	for (size_t row = 0; row < hmm_table_rows(t); row++)
		if (strcmp(table_text(t, row, "name"), w->tier) == 0)
			*ret = table_number(t, row, w->leaving ? "used" : "moved_in_bytes");
	hmm_table_free(t);
	return 0;
}

static void watch_start(const struct ctl *c, struct watch *w, const struct hmm_control *control)
{
	*w = (struct watch){ .tier = control->tier, .leaving = control->verb == HMM_CONTROL_DRAIN };
	w->start = time(NULL);
	if (w->tier && look(c, w, &w->first) < 0)
		w->tier = NULL;
}

static void watch_show(const struct ctl *c, const struct watch *w)
{
	uint64_t now, seconds = (uint64_t)(time(NULL) - w->start);
	char part[FORMAT_MAX], all[FORMAT_MAX];

	if (!w->tier || look(c, w, &now) < 0)
		fprintf(stderr, "\rmoving, %" PRIu64 " s\033[K", seconds);
	else if (w->leaving)
		fprintf(stderr, "\r%s of %s left in %s, %" PRIu64 " s\033[K", format_size(part, now),
			format_size(all, w->first), w->tier, seconds);
	else
		fprintf(stderr, "\r%s came into %s, %" PRIu64 " s\033[K",
			format_size(part, now > w->first ? now - w->first : 0), w->tier, seconds);
	fflush(stderr);
}

/* 0 or -errno. w: NULL when nobody looks. */
static int wait_for(const struct ctl *c, struct hmm_op *op, const struct watch *w,
		    struct hmm_move_result *ret)
{
	int r;

	while ((r = hmm_op_wait(op, STEP_US)) == HMM_OP_PENDING)
		if (w)
			watch_show(c, w);
	if (w)
		fputs("\r\033[K", stderr);
	if (r == 0)
		r = hmm_op_result(op, ret);
	return r;
}

static void print_result_json(const struct hmm_move_result *m, bool done)
{
	const struct {
		const char *key;
		uint64_t bytes;
	} parts[] = {
		{ "asked", m->asked }, { "moved", m->moved }, { "already_there", m->already_there },
		{ "busy", m->busy }, { "failed", m->failed }, { "no_room", m->no_room },
		{ "moved_on", m->moved_on }, { "untouched", m->untouched },
	};
	struct json_object *o = must(json_object_new_object());

	json_object_object_add(o, "done", must(json_object_new_boolean(done)));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		json_object_object_add(o, parts[i].key, must(json_object_new_uint64(parts[i].bytes)));
	ctl_print_json("result", o);
}

static void print_result(const struct hmm_move_result *m)
{
	char asked[FORMAT_MAX], moved[FORMAT_MAX], there[FORMAT_MAX], busy[FORMAT_MAX], failed[FORMAT_MAX];

	printf("asked %s: moved %s, already there %s, busy %s, failed %s",
	       format_size(asked, m->asked), format_size(moved, m->moved),
	       format_size(there, m->already_there), format_size(busy, m->busy),
	       format_size(failed, m->failed));
	if (m->no_room)
		printf("; no room for %s of these", format_size(asked, m->no_room));
	if (m->untouched)
		printf("; %s was never touched and is nowhere yet", format_size(asked, m->untouched));
	if (m->moved_on)
		printf("; %s of what arrived had to go on at once and is not there", format_size(asked, m->moved_on));
	putchar('\n');
}

static int finish(struct ctl *c, struct hmm_op *op, const struct watch *w)
{
	struct hmm_move_result m = HMM_MOVE_RESULT_INIT;
	int r = op ? wait_for(c, op, w, &m) : 0;

	if (r < 0)
		return ctl_refused(c, r);
	if (c->json)
		print_result_json(&m, true);
	else if (op)
		print_result(&m);
	else
		puts("done");	/* there was nothing to move */
	return is_there(&m) ? CTL_DONE : CTL_FAILED;
}

static int move_and_wait(struct ctl *c, const struct hmm_control *control)
{
	bool shown = isatty(STDERR_FILENO);
	struct watch w;
	struct hmm_op *op = NULL;
	int r, status;

	if (shown)
		watch_start(c, &w, control);
	r = hmm_control(c->client, control, &op);
	status = r < 0 ? ctl_refused(c, r) : finish(c, op, shown ? &w : NULL);
	hmm_op_unref(op);
	return status;
}

static int move_without_waiting(struct ctl *c, const struct hmm_control *control)
{
	struct hmm_move_result none = HMM_MOVE_RESULT_INIT;
	int r = hmm_control(c->client, control, NULL);

	if (r < 0)
		return ctl_refused(c, r);
	if (c->json)
		print_result_json(&none, false);
	else
		puts("started");
	return CTL_DONE;
}

int ctl_move(struct ctl *c, const struct hmm_control *control, bool wait)
{
	int status = ctl_open(c);

	if (status != CTL_DONE)
		return status;
	return wait ? move_and_wait(c, control) : move_without_waiting(c, control);
}

int ctl_change(struct ctl *c, const struct hmm_control *control, const char *done)
{
	int r, status = ctl_open(c);

	if (status != CTL_DONE)
		return status;
	r = hmm_control(c->client, control, NULL);
	if (r < 0)
		return ctl_refused(c, r);
	if (c->json)
		ctl_print_json("result", must(json_object_new_string("done")));
	else
		puts(done);
	return CTL_DONE;
}
