// SPDX-License-Identifier: GPL-2.0-or-later
/* Topic clients: one row per session with ranges. The cursor is the place in the list of spaces. */
#include "daemon/io/daemon.h"
#include "daemon/io/query.h"
#include "daemon/io/resume.h"
#include "daemon/io/session.h"
#include "daemon/io/waits.h"

static const struct column columns[] = {
	{ "client", UNIT_NUMBER },	 { "pid", UNIT_NUMBER },
	{ "uid", UNIT_NUMBER },		 { "unit", UNIT_TEXT },
	{ "program", UNIT_TEXT },	 { "name", UNIT_TEXT },
	{ "state", UNIT_TEXT },		 { "ranges", UNIT_NUMBER },
	{ "managed_bytes", UNIT_BYTES }, { "adopted_bytes", UNIT_BYTES },
	{ "tiers", UNIT_TEXT },		 { "pinned_bytes", UNIT_BYTES },
	{ "faults", UNIT_NUMBER },	 { "aborted_dirty", UNIT_NUMBER },
	{ "waiting", UNIT_NUMBER },	 { "waiting_us", UNIT_US },
	{ "waiting_for", UNIT_TEXT },
};

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static void write_waits(struct query *q, const struct wait_sum *sum, uint64_t now_us)
{
	table_number(q->table, sum->pages);
	table_number_if(q->table, sum->pages, wait_sum_us(sum, now_us));
	table_text(q->table, sum->pages ? wait_reason_code(sum->reason) : NULL);
}

static const char *state_of(struct daemon *d, const struct space *s)
{
	if (resume_is_recovering(d, s))
		return "recovering";
	return session_of_space(d, s) ? "active" : "lost";
}

/* false: the page is full. */
static bool add_client(struct query *q, struct space *s, uint64_t now_us)
{
	struct sums sums;

	if (!table_row(q->table))
		return false;
	query_space_sums(s, &sums);
	table_number(q->table, s->client);
	table_number(q->table, (uint64_t)s->pid);
	table_number(q->table, s->uid);
	table_text(q->table, or_null(s->unit));
	table_text(q->table, or_null(s->program));
	table_text(q->table, or_null(s->name));
	table_text(q->table, state_of(q->daemon, s));
	table_number(q->table, s->n_ranges);
	table_number(q->table, s->managed_bytes);
	table_number(q->table, s->adopted_bytes);
	query_tier_map(q, sums.tiers);
	table_number(q->table, sums.pinned);
	table_number(q->table, atomic_load(&s->faults));
	table_number(q->table, atomic_load(&s->aborted_dirty));
	write_waits(q, &s->waiting.now, now_us);
	return table_row_end(q->table);
}

static int query_clients(struct query *q)
{
	uint64_t place = 0, now_us = daemon_now_us(q->daemon);
	int32_t pid;
	int r = query_pid(q, &pid);

	if (r)
		return r;
	waits_look(q->daemon, now_us);
	LIST_EACH(pos, &q->daemon->world->spaces) {
		struct space *s = container_of(pos, struct space, in_world);

		if (place++ < q->cursor || !query_sees(q, s) || (pid && s->pid != pid))
			continue;
		if (!add_client(q, s, now_us)) {
			q->next_cursor = place - 1;
			break;
		}
	}
	return 0;
}

const struct topic topic_clients = {
	.name = "clients", .fn = query_clients, .takes_arg = true, TOPIC_COLUMNS(columns)
};
