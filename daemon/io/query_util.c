// SPDX-License-Identifier: GPL-2.0-or-later
/* What several topics need. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/daemon.h"
#include "daemon/io/query.h"
#include "daemon/io/session_own.h"

int query_refuse(struct query *q, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(q->text, sizeof(q->text), format, args);
	va_end(args);
	return code;
}

bool query_sees(const struct query *q, const struct space *s)
{
	return s->n_ranges > 0 && (q->session->control || s->uid == q->session->peer.uid);
}

const char *query_who(const struct query *q, const struct space *s, char *buf, size_t size)
{
	if (query_sees(q, s))
		snprintf(buf, size, "client %llu (pid %d)", (unsigned long long)s->client, (int)s->pid);
	else
		snprintf(buf, size, "a client of another user");
	return buf;
}

static bool pid_has_client(const struct query *q, long pid)
{
	LIST_EACH(pos, &q->daemon->world->spaces) {
		const struct space *s = container_of(pos, struct space, in_world);

		if (s->pid == pid && query_sees(q, s))
			return true;
	}
	return false;
}

int query_pid(struct query *q, int32_t *ret_pid)
{
	char *end;
	long pid;

	*ret_pid = 0;
	if (!q->arg[0])
		return 0;
	pid = strtol(q->arg, &end, 10);
	if (*end || pid <= 0 || pid > INT32_MAX)
		return query_refuse(q, EINVAL, "\"%.64s\" is no pid", q->arg);
	if (!pid_has_client(q, pid))
		return query_refuse(q, EINVAL, "no client has pid %ld", pid);
	*ret_pid = (int32_t)pid;
	return 0;
}

/* Entries that do not fit are left out whole; it takes 20 tiers with long names to get there. */
void query_tier_map(struct query *q, const uint64_t *bytes)
{
	const struct world *w = q->daemon->world;
	char text[TABLE_CELL_TEXT] = "", entry[HMM_LIMIT_TIER_NAME + 24];
	size_t n = 0;

	for (unsigned int i = 0; i < w->n_tiers; i++) {
		if (!bytes[i])
			continue;
		snprintf(entry, sizeof(entry), "%s%s=%llu", n ? " " : "", w->tiers[i].config.name,
			 (unsigned long long)bytes[i]);
		if (n + strlen(entry) >= sizeof(text))
			break;
		strcpy(text + n, entry);
		n += strlen(entry);
	}
	table_text(q->table, n ? text : NULL);
}

void query_space_sums(const struct space *s, struct sums *ret)
{
	*ret = (struct sums){ .pinned = 0 };
	LIST_EACH(pos, &s->ranges) {
		struct range *r = container_of(pos, struct range, in_space);

		ret->pinned += r->pinned_bytes;
		for (unsigned int i = 0; i < HMM_LIMIT_TIERS; i++)
			ret->tiers[i] +=
				atomic_load_explicit(&r->tier_bytes[i], memory_order_relaxed);
	}
}

int query_spaces(struct query *q, unsigned int shift, query_space_fn *add)
{
	uint64_t first = q->cursor >> shift, at = q->cursor & ((1ULL << shift) - 1), place = 0;
	int32_t pid;
	int r = query_pid(q, &pid);

	if (r)
		return r;
	LIST_EACH(pos, &q->daemon->world->spaces) {
		struct space *s = container_of(pos, struct space, in_world);
		uint64_t here = place++, stopped;

		if (here < first || !query_sees(q, s) || (pid && s->pid != pid))
			continue;
		if (!add(q, s, here == first ? at : 0, &stopped)) {
			q->next_cursor = here << shift | stopped;
			break;
		}
	}
	return 0;
}
