// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A daemon that breaks the protocol is cut off, whatever it sends: the call under way fails with a
 * clear error, nothing crashes, no descriptor stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/client/fake.h"

/* What the fake sends instead of the answer to Tiers. */
struct reply {
	uint8_t bytes[HMM_LIMIT_FRAME + 4096];
	size_t size, n_fds;
	int fds[HMM_LIMIT_FDS];
	bool keep_id;		/* bytes 8 to 15 become the request's id */
};

static bool send_bytes(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
		       size_t n_fds)
{
	struct reply *r = f->script_data;

	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_TIERS)
		return false;
	if (r->keep_id)
		memcpy(r->bytes + 8, &id, sizeof(id));
	pthread_mutex_unlock(&f->lock);
	fake_bytes(f, r->bytes, r->size, r->fds, r->n_fds);
	pthread_mutex_lock(&f->lock);
	return true;
}

static void pack(struct reply *r, uint64_t id, const Hmmd__Message *m)
{
	r->n_fds = 0;
	r->keep_id = id != 0;
	assert_int_equal(frame_pack(id, m, r->bytes, sizeof(r->bytes), &r->size), 0);
}

/* One client, one question, one bad answer. */
static void expect(struct fake *f, struct reply *r, int error)
{
	struct hmm_client *c = fake_client(f, HMM_CLIENT_NO_HELPER);
	size_t n, fds = count_fds();

	fake_set_script(f, send_bytes, r);
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), error);
	/* The connection is gone on this side, and the fake sees that. */
	assert_soon(FAKE_GET(f, conn) < 0);
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), -ENOTCONN);
	assert_int_equal(count_fds(), fds - 2);
	hmm_client_unref(c);
}

static struct reply reply;

static void frames_that_are_none(void **state)
{
	struct fake *f = *state;
	Hmmd__Ok ok = HMMD__OK__INIT;
	Hmmd__Message m = FAKE_MESSAGE(OK, ok, &ok);

	for (size_t n = 1; n < HMM_LIMIT_HEADER; n += 7) {
		pack(&reply, 0, &m);
		reply.size = n;
		expect(f, &reply, -ENOTCONN);
	}
	pack(&reply, 1, &m);
	reply.bytes[0] ^= 1;
	expect(f, &reply, -ENOTCONN);
	pack(&reply, 1, &m);
	reply.size++;
	expect(f, &reply, -ENOTCONN);
	pack(&reply, 1, &m);
	memset(reply.bytes + HMM_LIMIT_HEADER, 0xff, reply.size - HMM_LIMIT_HEADER);
	expect(f, &reply, -ENOTCONN);
	/* Larger than any frame. */
	memset(reply.bytes, 0, sizeof(reply.bytes));
	reply.size = HMM_LIMIT_FRAME + 1;
	expect(f, &reply, -ENOTCONN);
}

static void answers_that_do_not_fit(void **state)
{
	struct fake *f = *state;
	Hmmd__Ok ok = HMMD__OK__INIT;
	Hmmd__Ping ping = HMMD__PING__INIT;
	Hmmd__OpDone done = HMMD__OP_DONE__INIT;
	Hmmd__Error error = HMMD__ERROR__INIT;
	Hmmd__Message m = FAKE_MESSAGE(OK, ok, &ok);

	pack(&reply, 1, &m);
	expect(f, &reply, -EPROTO);
	m = FAKE_MESSAGE(PING, ping, &ping);
	pack(&reply, 1, &m);
	expect(f, &reply, -ENOTCONN);
	/* An answer without an id, an event with one, a field out of its limits. */
	m = FAKE_MESSAGE(OK, ok, &ok);
	pack(&reply, 0, &m);
	expect(f, &reply, -ENOTCONN);
	done.op = 1;
	m = FAKE_MESSAGE(OP_DONE, op_done, &done);
	pack(&reply, 1, &m);
	expect(f, &reply, -ENOTCONN);
	m = FAKE_MESSAGE(ERROR, error, &error);
	pack(&reply, 1, &m);
	expect(f, &reply, -ENOTCONN);
}

static void descriptors_nobody_asked_for(void **state)
{
	struct fake *f = *state;
	Hmmd__Ok ok = HMMD__OK__INIT;
	Hmmd__Message m = FAKE_MESSAGE(OK, ok, &ok);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	pack(&reply, 1, &m);
	reply.n_fds = HMM_LIMIT_FDS;
	for (size_t i = 0; i < HMM_LIMIT_FDS; i++)
		reply.fds[i] = null;
	expect(f, &reply, -ENOTCONN);
	close(null);
}

/* What a newer daemon may do must not cost the connection. */
static void what_is_unknown_is_tolerated(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, HMM_CLIENT_NO_HELPER);
	/* Field 1000 of Message, length 0: a kind that does not exist yet. */
	static const uint8_t body[] = { 0xc2, 0x3e, 0x00 };
	size_t n;

	memset(&reply, 0, sizeof(reply));
	memcpy(reply.bytes, "HMD1", 4);
	reply.bytes[4] = sizeof(body);
	memcpy(reply.bytes + HMM_LIMIT_HEADER, body, sizeof(body));
	reply.size = HMM_LIMIT_HEADER + sizeof(body);
	/* As an event it is skipped, as an answer it fails that request. */
	fake_bytes(f, reply.bytes, reply.size, NULL, 0);
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), 0);
	reply.keep_id = true;
	fake_set_script(f, send_bytes, &reply);
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), -ENOTSUP);
	fake_set_script(f, NULL, NULL);
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), 0);
	hmm_client_unref(c);
}

/* Events, zaps and answers for things that do not exist change nothing. */
static void things_that_do_not_exist(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, HMM_CLIENT_NO_HELPER);
	struct seen seen = SEEN_INIT;
	uint64_t one = 1, none = 0, huge = HUGE_PAGE;
	Hmmd__Ok ok = HMMD__OK__INIT;
	Hmmd__OpDone done = HMMD__OP_DONE__INIT;
	Hmmd__Moved moved = HMMD__MOVED__INIT;
	Hmmd__Lost lost = HMMD__LOST__INIT;
	Hmmd__Zap zap = HMMD__ZAP__INIT;
	size_t n;

	hmm_client_set_event_handler(c, see, &seen);
	pack(&reply, 1, &FAKE_MESSAGE(OK, ok, &ok));
	reply.bytes[8] = 99;
	fake_bytes(f, reply.bytes, reply.size, NULL, 0);
	done.op = 12345;
	fake_event(f, &FAKE_MESSAGE(OP_DONE, op_done, &done));
	moved.range = lost.range = 4711;
	moved.tier = "far";
	fake_event(f, &FAKE_MESSAGE(MOVED, moved, &moved));
	fake_event(f, &FAKE_MESSAGE(LOST, lost, &lost));
	zap.zap = 5;
	zap.range = &one;
	zap.offset = &none;
	zap.length = &huge;
	zap.n_range = zap.n_offset = zap.n_length = 1;
	fake_event(f, &FAKE_MESSAGE(ZAP, zap, &zap));
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), 0);
	assert_int_equal(hmm_client_process(c), 0);
	assert_int_equal(seen_count(&seen, HMM_EVENT_MOVED), 0);
	assert_int_equal(seen_count(&seen, HMM_EVENT_LOST), 0);
	assert_soon(FAKE_GET(f, last_zap) == 5);
	hmm_client_unref(c);
}

static void a_flood_of_events_is_bounded(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, HMM_CLIENT_NO_HELPER);
	struct seen seen = SEEN_INIT;
	Hmmd__Notice notice = HMMD__NOTICE__INIT;
	size_t n;

	enum { FLOOD = 20000, QUEUE = 1024 };

	hmm_client_set_event_handler(c, see, &seen);
	notice.text = "again";
	for (size_t i = 0; i < FLOOD; i++) {
		fake_event(f, &FAKE_MESSAGE(NOTICE, notice, &notice));
		if (i % 32 == 0)
			assert_int_equal(hmm_tiers(c, NULL, 0, &n), 0);
	}
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), 0);
	assert_int_equal(hmm_client_process(c), 0);
	assert_in_range(seen_count(&seen, HMM_EVENT_NOTICE), QUEUE / 2, QUEUE + 32);
	hmm_client_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(frames_that_are_none),
		FAKE_TEST(answers_that_do_not_fit),
		FAKE_TEST(descriptors_nobody_asked_for),
		FAKE_TEST(what_is_unknown_is_tolerated),
		FAKE_TEST(things_that_do_not_exist),
		FAKE_TEST(a_flood_of_events_is_bounded),
	};

	return cmocka_run_group_tests_name("client_hostile_daemon", tests, NULL, NULL);
}
