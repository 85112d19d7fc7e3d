// SPDX-License-Identifier: GPL-2.0-or-later
/* Adopted ranges, and the end of ranges of both kinds. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/io/daemon.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/request_tables.h"
#include "daemon/io/resume.h"
#include "daemon/io/retire.h"
#include "daemon/io/session_own.h"
#include "daemon/io/space_driver.h"

/* True: nothing of this client can move on this machine. */
static bool one_place(const struct space *s)
{
	const struct world *w = s->world;
	unsigned int n = s->watch ? 1 : 0;	/* the kernel driver's devices */

	for (unsigned int i = 0; i < w->n_tiers; i++)
		if (tier_is_resident(&w->tiers[i]))
			n += (unsigned int)__builtin_popcountll(w->tiers[i].config.nodes);
	return n <= 1;
}

static void adopted(struct request *q, uint64_t first, size_t n)
{
	Hmmd__RegisterReply reply = HMMD__REGISTER_REPLY__INIT;

	reply.first_range = first;
	reply.count = (uint32_t)n;
	reply.one_node = one_place(q->session->space);
	space_driver_added(q->daemon, q->session->space, first, n);
	reply_message(q->session, q->id, HMMD__MESSAGE__KIND_REGISTER_REPLY, &reply);
}

void request_register(struct request *q)
{
	const Hmmd__Register *g = q->message->register_;
	const Hmmd__RangeOptions *o = g->options;
	struct range_request want = { .name = o ? o->name : NULL, .policy = o ? o->policy : NULL,
				      .prefer = o ? o->prefer : NULL, .flags = o ? o->flags : 0 };
	struct space *space = q->session->space;
	uint64_t first;
	int r;

	do
		r = space_register(space, &want, g->addr, g->size, g->n_addr, &first);
	while (r == SPACE_E_TABLES && !(r = request_grow_tables(space)));
	if (r)
		reply_result(q->session, q->id, r, "adopted ranges");
	else
		adopted(q, first, g->n_addr);
}

/* A Free that waits until nobody holds its ranges any more: then the client may unmap. */
struct free_wait {
	struct daemon *daemon;
	uint64_t session, request;
};

static void freed(void *userdata)
{
	struct free_wait *w = userdata;
	struct session *s = session_find(w->daemon, w->session);

	if (s)
		reply_ok(s, w->request);
	free(w);
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t) * (struct range *const *)a,
		  y = (uintptr_t) * (struct range *const *)b;

	return (x > y) - (x < y);
}

/* 0: all are there, each once; -1: refused. */
static int find_all(struct request *q, const Hmmd__Free *f, struct range **ranges)
{
	for (size_t i = 0; i < f->n_range; i++)
		if (request_find_range(q, f->range[i], &ranges[i]))
			return -1;
	qsort(ranges, f->n_range, sizeof(*ranges), by_address);
	for (size_t i = 1; i < f->n_range; i++) {
		if (ranges[i] != ranges[i - 1])
			continue;
		session_error(q->session, q->id, EINVAL, "Free: range %llu is named twice",
			      (unsigned long long)ranges[i]->id);
		return -1;
	}
	return 0;
}

void request_free(struct request *q)
{
	const Hmmd__Free *f = q->message->free;
	struct range **ranges = malloc(f->n_range * sizeof(*ranges));
	struct free_wait *w = malloc(sizeof(*w));
	int r;

	if (!ranges || !w) {
		reply_result(q->session, q->id, -ENOMEM, "Free");
	} else if (!find_all(q, f, ranges)) {
		*w = (struct free_wait){ .daemon = q->daemon,
					 .session = q->session->id,
					 .request = q->id };
		for (size_t i = 0; i < f->n_range; i++)
			space_driver_leaving(q->daemon, ranges[i]);
		r = retire_ranges(q->daemon, ranges, f->n_range, freed, w);
		if (r)
			reply_result(q->session, q->id, r, "Free");
		else
			w = NULL;	/* freed() has it */
	}
	free(w);
	free(ranges);
}
