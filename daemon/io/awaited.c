// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A short list per session: few requests wait at a time, because the library waits for each of
 * them.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/io/awaited.h"
#include "daemon/io/reply.h"
#include "daemon/io/session_own.h"

struct awaited {
	struct list_node in_session;
	uint64_t op, request;
};

int awaited_add(struct session *s, uint64_t op, uint64_t request)
{
	struct awaited *a = malloc(sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->op = op;
	a->request = request;
	list_append(&s->awaited, &a->in_session);
	return 0;
}

static void answer(struct session *s, uint64_t request, const struct op_result *r)
{
	if (r->busy || r->failed)
		session_error(s, request, r->failed ? EIO : EBUSY,
			      "%llu of %llu bytes were not dealt with: %llu busy, %llu failed; for %llu of these there was no room",
			      (unsigned long long)(r->busy + r->failed),
			      (unsigned long long)r->asked, (unsigned long long)r->busy,
			      (unsigned long long)r->failed, (unsigned long long)r->no_room);
	else
		reply_ok(s, request);
}

bool awaited_end(struct session *s, const struct op *op)
{
	LIST_EACH(pos, &s->awaited) {
		struct awaited *a = container_of(pos, struct awaited, in_session);

		if (a->op != op->id)
			continue;
		list_remove(&a->in_session);
		answer(s, a->request, &op->result);
		free(a);
		return true;
	}
	return false;
}

void awaited_drop_all(struct session *s)
{
	LIST_EACH_SAFE(pos, next, &s->awaited)
		free(container_of(pos, struct awaited, in_session));
	list_init(&s->awaited);
}
