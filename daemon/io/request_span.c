// SPDX-License-Identifier: GPL-2.0-or-later
/* What most requests begin with: the space, the range, the piece of it, the tier they name. */
#include <errno.h>
#include <stdio.h>

#include "daemon/io/daemon.h"
#include "daemon/io/request.h"
#include "daemon/io/session_own.h"

int request_find_range(struct request *q, uint64_t id, struct range **ret)
{
	struct range *r;

	r = space_find_id(q->session->space, id);
	if (!r || atomic_load(&r->dying)) {
		session_error(q->session, q->id, ENOENT, "no range of this client has the id %llu",
			      (unsigned long long)id);
		return -1;
	}
	*ret = r;
	return 0;
}

/* Of an adopted range the huge pages that hold any byte of the piece. */
static struct span span_of(struct range *r, uint64_t offset, uint64_t length)
{
	uint64_t first = (r->addr + offset) >> LEDGER_PAGE_SHIFT;
	uint64_t last = (r->addr + offset + length - 1) >> LEDGER_PAGE_SHIFT;

	return (struct span){ .range = r, .vpn = first, .pages = last - first + 1 };
}

int request_find_span(struct request *q, uint64_t range, uint64_t offset, uint64_t length,
		      struct span *ret)
{
	struct range *r;
	const char *wrong = NULL;
	int code = EINVAL;

	if (request_find_range(q, range, &r))
		return -1;
	if (!r->addr) {
		wrong = "the range is not mapped yet";
	} else if (offset >= r->size || length > r->size - offset) {
		wrong = "offset and length reach beyond the range";
		code = ERANGE;
	} else if (r->kind == RANGE_MANAGED && (offset | length) % LEDGER_PAGE_SIZE) {
		wrong = "offset or length is not a multiple of the huge page size, 2M";
	}
	if (wrong) {
		session_error(q->session, q->id, code, "range %llu: %s", (unsigned long long)range,
			      wrong);
		return -1;
	}
	*ret = span_of(r, offset, length);
	return 0;
}

static void tier_names(const struct world *w, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < w->n_tiers && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? ", " : "",
				      w->tiers[i].config.name);
}

int request_find_tier(struct request *q, const char *name, struct tier **ret)
{
	struct world *w = q->daemon->world;
	struct tier *t = world_tier(w, name);
	char names[HMM_LIMIT_TIERS * (HMM_LIMIT_TIER_NAME + 2) / 2];

	if (t) {
		*ret = t;
		return 0;
	}
	tier_names(w, names, sizeof(names));
	session_error(q->session, q->id, ENOENT, "no tier \"%s\"; tiers: %s", name, names);
	return -1;
}
