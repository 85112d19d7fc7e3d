// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Adopted ranges, thousands in one message. All or none: what earlier messages of the same call
 * have registered is freed again when a later one is refused.
 */
#include <errno.h>
#include <stdlib.h>

#include "libclient/client.h"
#include "libclient/clock.h"
#include "libclient/driver.h"

struct batch {
	struct hmm_range **ranges;
	uint32_t n;
	bool one_node;
};

static int take_ids(struct hmm_client *c, struct request *req, const Hmmd__Message *m, int *fds)
{
	const Hmmd__RegisterReply *reply = m->register_reply;
	struct batch *b = req->into;

	(void)fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_REGISTER_REPLY || reply->count != b->n)
		return -EPROTO;
	for (uint32_t i = 0; i < b->n; i++)
		range_link(&c->ranges, b->ranges[i], reply->first_range + i);
	b->one_node = reply->one_node;
	return 0;
}

/* With the lock held. */
static int register_batch(struct hmm_client *c, struct batch *b, uint64_t *addrs, uint64_t *sizes)
{
	Hmmd__RangeOptions options;
	Hmmd__Register body = HMMD__REGISTER__INIT;
	Hmmd__Message m = WIRE_MESSAGE(REGISTER, register_, &body);
	struct request req = { .take = take_ids, .into = b };

	range_settings_pack(b->ranges[0]->settings, &options);
	for (uint32_t i = 0; i < b->n; i++) {
		addrs[i] = (uintptr_t)b->ranges[i]->addr;
		sizes[i] = b->ranges[i]->size;
	}
	body.addr = addrs;
	body.size = sizes;
	body.n_addr = body.n_size = b->n;
	body.options = &options;
	return wire_call(c, &req, &m, NULL, 0, clock_after(WIRE_ANSWER_US));
}

static uint32_t batch_size(size_t left)
{
	return left < HMM_LIMIT_BATCH ? (uint32_t)left : HMM_LIMIT_BATCH;
}

/* With the lock held: takes back what was registered. */
static void take_back(struct hmm_client *c, struct hmm_range **ranges, size_t done, uint64_t *room)
{
	for (size_t i = 0, n; i < done; i += n) {
		n = batch_size(done - i);
		free_adopted(c, ranges + i, n, room);
	}
	for (size_t i = 0; i < done; i++)
		ranges[i] = NULL;
}

/* With the lock held. room: for two numbers of each range of a batch. 0, HMM_ONE_NODE or -errno. */
static int register_all(struct hmm_client *c, size_t n, struct hmm_range **ranges, uint64_t *room)
{
	struct batch b = { 0 };
	int r = range_table_reserve(&c->ranges, n);
	size_t done = 0;

	while (!r && done < n) {
		b.ranges = ranges + done;
		b.n = batch_size(n - done);
		r = register_batch(c, &b, room, room + HMM_LIMIT_BATCH);
		if (!r)
			done += b.n;
	}
	if (r)
		take_back(c, ranges, done, room);
	return !r && b.one_node ? HMM_ONE_NODE : r;
}

static int make_ranges(struct hmm_client *c, size_t n, void *const *addrs, const size_t *sizes,
		       struct range_settings *settings, struct hmm_range **ranges)
{
	for (size_t i = 0; i < n; i++) {
		int r = range_new(c, addrs[i], sizes[i], settings, &ranges[i]);

		if (r)
			return r;
	}
	return 0;
}

static int register_made(struct hmm_client *c, size_t n, struct hmm_range **ranges)
{
	uint64_t *room = malloc(2 * HMM_LIMIT_BATCH * sizeof(*room));
	int r;

	if (!room)
		return -ENOMEM;
	pthread_mutex_lock(&c->lock);
	r = adoptable_check(c, n, ranges);
	if (!r) {
		driver_attach(c);
		r = register_all(c, n, ranges, room);
	}
	client_leave(c);
	free(room);
	return r;
}

int hmm_register_many(struct hmm_client *c, size_t n, void *const *addrs, const size_t *sizes,
		      const struct hmm_range_options *opts, struct hmm_range **ret)
{
	struct range_settings *settings;
	struct hmm_range **ranges;
	int r = client_enter(c);

	if (r)
		return r;
	if (!n || !addrs || !sizes || !ret)
		return client_refuse(c, -EINVAL, "n is 0, or addrs, sizes or ret is NULL");
	r = range_settings_new(c, opts, &settings);
	client_leave(c);
	if (r)
		return r;
	ranges = calloc(n, sizeof(*ranges));
	r = ranges ? make_ranges(c, n, addrs, sizes, settings, ranges) : -ENOMEM;
	if (!r)
		r = register_made(c, n, ranges);
	for (size_t i = 0; ranges && i < n; i++) {
		if (r >= 0)
			ret[i] = ranges[i];
		else
			range_unref(ranges[i]);
	}
	free(ranges);
	pthread_mutex_lock(&c->lock);
	range_settings_unref(settings);
	client_leave(c);
	return r;
}

int hmm_register(struct hmm_client *c, void *addr, size_t size,
		 const struct hmm_range_options *opts, struct hmm_range **ret)
{
	return hmm_register_many(c, 1, &addr, &size, opts, ret);
}
