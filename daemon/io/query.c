// SPDX-License-Identifier: GPL-2.0-or-later
/* Query: finds the topic, fills a page, sends it. */
#include <errno.h>
#include <string.h>

#include "daemon/io/daemon.h"
#include "daemon/io/query.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/server.h"
#include "daemon/io/session_own.h"

static const struct topic *const topics[] = {
	&topic_status,	 &topic_tiers,	&topic_clients, &topic_ranges,
	&topic_policies, &topic_events, &topic_doctor,	&topic_version, &topic_users,
	&topic_pages,
};

static const struct topic *find_topic(const char *name)
{
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		if (strcmp(topics[i]->name, name) == 0)
			return topics[i];
	return NULL;
}

static void answer(struct request *q, struct query *query)
{
	Hmmd__QueryReply reply = HMMD__QUERY_REPLY__INIT;

	reply.next_cursor = query->next_cursor;
	if (table_reply(query->table, &reply))
		reply_message(q->session, q->id, HMMD__MESSAGE__KIND_QUERY_REPLY, &reply);
	else
		reply_result(q->session, q->id, -ENOMEM, "a listing");
}

void request_query(struct request *q)
{
	const Hmmd__Query *m = q->message->query;
	const struct topic *topic = find_topic(m->topic);
	struct table table;
	struct query query = { .daemon = q->daemon,
			       .session = q->session,
			       .arg = m->arg,
			       .cursor = m->cursor,
			       .table = &table };
	int code;

	if (!topic) {
		session_error(q->session, q->id, EINVAL,
			      "no topic \"%s\"; topics: status, tiers, clients, ranges, policies, "
			      "events, doctor, version, users, pages",
			      m->topic);
		return;
	}
	if (m->arg[0] && !topic->takes_arg) {
		session_error(q->session, q->id, EINVAL, "topic %s takes no argument", topic->name);
		return;
	}
	table_begin(&table, q->daemon->server->page, topic->columns, topic->n_columns);
	code = topic->fn(&query);
	if (code)
		session_error(q->session, q->id, code, "%s", query.text);
	else
		answer(q, &query);
}
