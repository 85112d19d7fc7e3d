// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a program asks for a part of a range: advice, moves, pins, exclusive access. */
#include <errno.h>

#include "libclient/client.h"
#include "libclient/clock.h"

/* The part of a range that a request names, with the lock held once it is 0. */
struct part {
	struct hmm_client *client;
	uint64_t range;
	size_t offset, length;
};

static int enter(struct hmm_range *r, size_t off, size_t len, struct part *ret)
{
	size_t length;
	int err;

	err = r ? client_enter(r->client) : -EINVAL;
	if (err)
		return err;
	err = range_span(r, off, len, &length);
	if (err) {
		client_leave(r->client);
		return err;
	}
	/* A daemon that comes back may give another id. */
	session_settle(r->client);
	if (r->id == 0) {
		client_leave(r->client);
		return -ENOTCONN;
	}
	*ret = (struct part){ r->client, r->id, off, length };
	return 0;
}

int hmm_range_advise(struct hmm_range *r, size_t off, size_t len, uint32_t advice, uint64_t value)
{
	Hmmd__Advise body = HMMD__ADVISE__INIT;
	Hmmd__Message m = WIRE_MESSAGE(ADVISE, advise, &body);
	struct request req = { .take = NULL };
	struct part p;
	int err;

	err = enter(r, off, len, &p);
	if (err)
		return err;
	if (advice > HMM_ADVICE_LAZY)
		return client_refuse(p.client, -EINVAL, "there is no such advice");
	body.range = p.range;
	body.offset = p.offset;
	body.length = p.length;
	body.advice = advice;
	body.value = value;
	err = wire_call(p.client, &req, &m, NULL, 0, clock_after(WIRE_ANSWER_US));
	client_leave(p.client);
	return err;
}

int hmm_range_migrate(struct hmm_range *r, size_t off, size_t len, const char *tier, uint32_t flags,
		      struct hmm_op **ret_op)
{
	Hmmd__Migrate body = HMMD__MIGRATE__INIT;
	Hmmd__Message m = WIRE_MESSAGE(MIGRATE, migrate, &body);
	struct part p;
	int err;

	err = enter(r, off, len, &p);
	if (err)
		return err;
	if (!tier || flags)
		return client_refuse(p.client, -EINVAL, "tier is NULL, or flags is not 0");
	body.range = p.range;
	body.offset = p.offset;
	body.length = p.length;
	body.tier = (char *)(uintptr_t)tier;
	err = op_start(p.client, &m, true, ret_op);
	client_leave(p.client);
	return err;
}

int hmm_range_pin(struct hmm_range *r, size_t off, size_t len, const char *tier)
{
	Hmmd__Pin body = HMMD__PIN__INIT;
	Hmmd__Message m = WIRE_MESSAGE(PIN, pin, &body);
	struct part p;
	int err = enter(r, off, len, &p);

	if (err)
		return err;
	body.range = p.range;
	body.offset = p.offset;
	body.length = p.length;
	if (tier)
		body.tier = (char *)(uintptr_t)tier;
	err = op_run(p.client, &m);
	client_leave(p.client);
	return err;
}

int hmm_range_unpin(struct hmm_range *r, size_t off, size_t len)
{
	Hmmd__Unpin body = HMMD__UNPIN__INIT;
	Hmmd__Message m = WIRE_MESSAGE(UNPIN, unpin, &body);
	struct part p;
	int err = enter(r, off, len, &p);

	if (err)
		return err;
	body.range = p.range;
	body.offset = p.offset;
	body.length = p.length;
	err = op_run(p.client, &m);
	client_leave(p.client);
	return err;
}

static int exclusive(struct hmm_range *r, size_t off, size_t len, bool end, struct hmm_op **ret_op)
{
	Hmmd__Exclusive body = HMMD__EXCLUSIVE__INIT;
	Hmmd__Message m = WIRE_MESSAGE(EXCLUSIVE, exclusive, &body);
	struct part p;
	int err = enter(r, off, len, &p);

	if (err)
		return err;
	body.range = p.range;
	body.offset = p.offset;
	body.length = p.length;
	body.end = end;
	err = op_start(p.client, &m, true, ret_op);
	client_leave(p.client);
	return err;
}

int hmm_range_exclusive(struct hmm_range *r, size_t off, size_t len, struct hmm_op **ret_op)
{
	return exclusive(r, off, len, false, ret_op);
}

int hmm_range_exclusive_end(struct hmm_range *r, size_t off, size_t len)
{
	return exclusive(r, off, len, true, NULL);
}
