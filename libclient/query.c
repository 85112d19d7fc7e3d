// SPDX-License-Identifier: LGPL-2.1-or-later
/* Asking for a listing page by page. */
#include <errno.h>

#include "libclient/client.h"
#include "libclient/clock.h"
#include "libclient/table.h"

enum { QUERY_PAGES = 1 << 16 };	/* a listing with more is a daemon gone wrong */

struct listing {
	struct hmm_table *table;
	uint64_t cursor;
};

static int take_page(struct hmm_client *c, struct request *req, const Hmmd__Message *m, int *fds)
{
	struct listing *l = req->into;

	(void)c;
	(void)fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_QUERY_REPLY)
		return -EPROTO;
	l->cursor = m->query_reply->next_cursor;
	return table_add(l->table, m->query_reply);
}

/* With the lock held. */
static int fetch(struct hmm_client *c, const char *topic, const char *arg, struct listing *l)
{
	Hmmd__Query body = HMMD__QUERY__INIT;
	Hmmd__Message m = WIRE_MESSAGE(QUERY, query, &body);
	struct request req = { .take = take_page, .into = l };
	unsigned int pages = 0;
	int r;

	body.topic = (char *)(uintptr_t)topic;
	if (arg)
		body.arg = (char *)(uintptr_t)arg;
	do {
		body.cursor = l->cursor;
		r = wire_call(c, &req, &m, NULL, 0, clock_after(WIRE_ANSWER_US));
	} while (!r && l->cursor && ++pages < QUERY_PAGES);
	return !r && l->cursor ? -E2BIG : r;
}

int hmm_query(struct hmm_client *c, const char *topic, const char *arg, struct hmm_table **ret)
{
	struct listing l = { 0 };
	int r = client_enter(c);

	if (r)
		return r;
	if (!topic || !ret)
		return client_refuse(c, -EINVAL, "topic or ret is NULL");
	r = table_new(&l.table);
	if (!r)
		r = fetch(c, topic, arg, &l);
	client_leave(c);
	if (r)
		hmm_table_free(l.table);
	else
		*ret = l.table;
	return r;
}
