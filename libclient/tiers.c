// SPDX-License-Identifier: LGPL-2.1-or-later
/* The list of tiers, asked for each time: what is used and free changes. */
#include <errno.h>
#include <string.h>

#include "libclient/client.h"
#include "libclient/clock.h"

struct tier_list {
	struct hmm_tier_info tiers[HMM_LIMIT_TIERS];
	size_t n;
};

static struct hmm_tier_info convert(const Hmmd__Tier *t)
{
	struct hmm_tier_info info = {
		.size = sizeof(info),
		.kind = t->kind,
		.node = t->node,
		.capacity = t->capacity,
		.used = t->used,
		.free = t->free,
		.read_bandwidth = t->read_bandwidth,
		.read_latency_ns = t->read_latency_ns,
	};

	strncpy(info.name, t->name, sizeof(info.name) - 1);
	return info;
}

static int take_tiers(struct hmm_client *c, struct request *req, const Hmmd__Message *m, int *fds)
{
	struct tier_list *list = req->into;

	(void)c;
	(void)fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_TIERS_REPLY)
		return -EPROTO;
	list->n = m->tiers_reply->n_tier;
	for (size_t i = 0; i < list->n; i++)
		list->tiers[i] = convert(m->tiers_reply->tier[i]);
	return 0;
}

/* Entries lie as far apart as the program's own header says. */
static int give(const struct tier_list *list, void *infos, size_t n)
{
	unsigned char *to = infos;

	for (size_t i = 0; i < n; i++) {
		size_t size;

		memcpy(&size, to, sizeof(size));
		if (struct_write(to, &list->tiers[i], sizeof(list->tiers[i])) < 0)
			return -EINVAL;
		to += size;
	}
	return 0;
}

int hmm_tiers(struct hmm_client *c, struct hmm_tier_info *infos, size_t n, size_t *ret_n)
{
	Hmmd__Tiers body = HMMD__TIERS__INIT;
	Hmmd__Message m = WIRE_MESSAGE(TIERS, tiers, &body);
	struct tier_list list;
	struct request req = { .take = take_tiers, .into = &list };
	int r = client_enter(c);

	if (r)
		return r;
	if (!ret_n || (n > 0 && !infos))
		return client_refuse(c, -EINVAL, "ret_n is NULL, or there is no room for the tiers");
	r = wire_call(c, &req, &m, NULL, 0, clock_after(WIRE_ANSWER_US));
	if (!r && give(&list, infos, n < list.n ? n : list.n) < 0)
		return client_refuse(c, -EINVAL, "the size of an entry is not set");
	if (!r)
		*ret_n = list.n;
	client_leave(c);
	return r;
}
