// SPDX-License-Identifier: GPL-2.0-or-later
/* Topic events: the cursor and the argument are both the sequence number to start after. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/io/daemon.h"
#include "daemon/io/query.h"
#include "daemon/io/session.h"

static const struct column columns[] = {
	{ "sequence", UNIT_NUMBER }, { "time_us", UNIT_US }, { "severity", UNIT_TEXT },
	{ "client", UNIT_NUMBER },   { "text", UNIT_TEXT },
};

static const char *severity_name(enum event_severity severity)
{
	switch (severity) {
	case EVENT_INFO:
		return "info";
	case EVENT_WARNING:
		return "warning";
	case EVENT_ERROR:
		return "error";
	}
	return "info";
}

static bool add_event(struct query *q, const struct event *e)
{
	if (!table_row(q->table))
		return false;
	table_number(q->table, e->sequence);
	table_number(q->table, e->at_us);
	table_text(q->table, severity_name(e->severity));
	table_number_if(q->table, e->client, e->client);
	table_text(q->table, e->text);
	return table_row_end(q->table);
}

static int query_events(struct query *q)
{
	const struct event *e;
	char *end = NULL;
	uint64_t after = q->cursor;

	if (!after && q->arg[0]) {
		after = strtoull(q->arg, &end, 10);
		if (*end || q->arg[0] == '-')
			return query_refuse(q, EINVAL,
					    "\"%.64s\" is no sequence number of an event", q->arg);
	}
	while ((e = events_after(q->daemon->world->events, after))) {
		if (session_may_hear(q->session, e->client, e->uid) && !add_event(q, e)) {
			q->next_cursor = after;
			break;
		}
		after = e->sequence;
	}
	return 0;
}

const struct topic topic_events = {
	.name = "events", .fn = query_events, .takes_arg = true, TOPIC_COLUMNS(columns)
};
