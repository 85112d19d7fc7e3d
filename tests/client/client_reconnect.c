// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon goes away and comes back: calls say -ENOTCONN meanwhile, resident memory stays usable,
 * and afterwards the daemon has the same ranges, files and userfaultfd again.
 */
#include <errno.h>
#include <string.h>

#include "tests/client/fake.h"

static void ranges_are_handed_over(void **state)
{
	struct fake *f = *state;
	struct seen seen = SEEN_INIT;
	struct hmm_client *c;
	struct hmm_range *managed[40], *adopted, *freed;
	uint8_t *p;
	size_t n;

	need_userfaultfd();
	FAKE_SET(f, features, HMMD__FEATURE__FEATURE_RESUME);
	c = fake_client(f, 0);
	hmm_client_set_event_handler(c, see, &seen);
	/* More than fit into one frame's descriptors. */
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &managed[i]), 0);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &freed), 0);
	assert_int_equal(hmm_register(c, memory_at(0x10000000, HUGE_PAGE), HUGE_PAGE, NULL, &adopted), 0);
	p = hmm_range_addr(managed[0]);
	memset(p, 0x55, HUGE_PAGE);

	fake_die(f);
	assert_soon(seen_count(&seen, HMM_EVENT_DISCONNECTED) == 1);
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), -ENOTCONN);
	assert_int_equal(hmm_range_advise(managed[0], 0, 0, HMM_ADVICE_COLD, 0), -ENOTCONN);
	assert_int_equal(p[HUGE_PAGE - 1], 0x55);
	p[1] = 0x56;
	/* Freeing works without a daemon, and what was freed is not handed over. */
	assert_int_equal(hmm_range_free(freed), 0);

	fake_listen(f);
	assert_soon(seen_count(&seen, HMM_EVENT_RECONNECTED) == 1);
	assert_int_equal(FAKE_GET(f, resume_client), 77);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_ATTACH_UFFD), 2);
	assert_int_equal(FAKE_GET(f, resumed_managed), 40);
	assert_int_equal(FAKE_GET(f, resumed_inodes), 40);
	assert_int_equal(FAKE_GET(f, resumed_adopted), 1);
	assert_true(FAKE_GET(f, resumed_last));
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_RESUME), 2);
	assert_int_equal(p[1], 0x56);
	assert_int_equal(hmm_range_advise(managed[0], 0, 0, HMM_ADVICE_COLD, 0), 0);
	/* The userfaultfd works on. */
	p = hmm_range_addr(managed[1]);
	FAKE_SET(f, fill, 0x66);
	assert_int_equal(p[0], 0x66);
	assert_int_equal(seen_count(&seen, HMM_EVENT_LOST), 0);
	hmm_client_unref(c);
}

/* A thread that waits for a page is served by the daemon that comes back. */
static void *touch(void *addr)
{
	return (void *)(uintptr_t)*(volatile uint8_t *)addr;
}

static bool no_faults(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
		      size_t n_fds)
{
	(void)n_fds;
	(void)fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_ATTACH_UFFD)
		return false;
	fake_ok(f, id);
	return true;
}

static void a_blocked_thread_goes_on(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c;
	struct hmm_range *r;
	pthread_t thread;
	void *got;

	need_userfaultfd();
	FAKE_SET(f, features, HMMD__FEATURE__FEATURE_RESUME);
	FAKE_SET(f, fill, 0x29);
	fake_set_script(f, no_faults, NULL);
	c = fake_client(f, 0);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r), 0);
	assert_int_equal(pthread_create(&thread, NULL, touch, hmm_range_addr(r)), 0);
	fake_die(f);
	fake_set_script(f, NULL, NULL);
	fake_listen(f);
	assert_int_equal(pthread_join(thread, &got), 0);
	assert_int_equal((uintptr_t)got, 0x29);
	hmm_client_unref(c);
}

/* One that has forgotten everything gets the adopted ranges again; managed ones are lost. */
static void a_daemon_that_knows_nothing(void **state)
{
	struct fake *f = *state;
	struct seen seen = SEEN_INIT;
	struct hmm_client *c;
	struct hmm_range *managed, *adopted[3], *fresh;
	struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;
	uint8_t *p;

	need_userfaultfd();
	c = fake_client(f, 0);
	hmm_client_set_event_handler(c, see, &seen);
	assert_int_equal(hmm_alloc(c, 2 * HUGE_PAGE, NULL, &managed), 0);
	assert_int_equal(hmm_register(c, memory_at(0x10000000, HUGE_PAGE), HUGE_PAGE, NULL, &adopted[0]), 0);
	assert_int_equal(hmm_register(c, memory_at(0x20000000, HUGE_PAGE), HUGE_PAGE, NULL, &adopted[1]), 0);
	o.name = "other";
	assert_int_equal(hmm_register(c, memory_at(0x30000000, HUGE_PAGE), HUGE_PAGE, &o, &adopted[2]), 0);
	p = hmm_range_addr(managed);
	memset(p, 0x12, HUGE_PAGE);
	fake_cut(f);
	assert_soon(seen_count(&seen, HMM_EVENT_RECONNECTED) == 1);
	assert_soon(seen_count(&seen, HMM_EVENT_LOST) == 1);
	/* Two with equal options go in one message. */
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_REGISTER), 3 + 2);
	assert_int_equal(hmm_range_advise(adopted[2], 0, 0, HMM_ADVICE_COLD, 0), 0);
	assert_int_equal(hmm_range_advise(managed, 0, 0, HMM_ADVICE_COLD, 0), -ENOTCONN);
	assert_int_equal(p[0], 0x12);
	/* A new range is served by it as by the first. */
	FAKE_SET(f, fill, 0x31);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &fresh), 0);
	assert_int_equal(*(uint8_t *)hmm_range_addr(fresh), 0x31);
	assert_int_equal(hmm_range_free(managed), 0);
	hmm_client_unref(c);
}

static bool refuse_resume(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
			  size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_RESUME)
		return false;
	fake_error(f, id, EINVAL, "not the file on record");
	return true;
}

static void a_daemon_that_refuses_the_ranges(void **state)
{
	struct fake *f = *state;
	struct seen seen = SEEN_INIT;
	struct hmm_client *c;
	struct hmm_range *r;

	need_userfaultfd();
	FAKE_SET(f, features, HMMD__FEATURE__FEATURE_RESUME);
	fake_set_script(f, refuse_resume, NULL);
	c = fake_client(f, 0);
	hmm_client_set_event_handler(c, see, &seen);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r), 0);
	fake_cut(f);
	assert_soon(seen_count(&seen, HMM_EVENT_RECONNECTED) == 1);
	assert_int_equal(seen_count(&seen, HMM_EVENT_LOST), 1);
	assert_int_equal(FAKE_GET(f, resume_client), 0);
	hmm_client_unref(c);
}

/* Takes no adopted range over, and the first one not anew either. */
static bool lose_adopted(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
			 size_t n_fds)
{
	Hmmd__Lost lost = HMMD__LOST__INIT;
	Hmmd__Message event = FAKE_MESSAGE(LOST, lost, &lost);

	(void)fds;
	(void)n_fds;
	if (m->kind_case == HMMD__MESSAGE__KIND_REGISTER && f->resumed_last &&
	    m->register_->addr[0] == 0x10000000) {
		fake_error(f, id, EDQUOT, "quota: 1 range of 1");
		return true;
	}
	if (m->kind_case != HMMD__MESSAGE__KIND_RESUME)
		return false;
	lost.text = "no record of this range";
	for (size_t i = 0; i < m->resume->n_range; i++) {
		lost.range = m->resume->range[i]->range;
		lost.length = m->resume->range[i]->size;
		fake_reply(f, 0, &event, NULL, 0);
	}
	return false;
}

static void adopted_ranges_that_are_unknown_are_registered_anew(void **state)
{
	struct fake *f = *state;
	struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;
	struct seen seen = SEEN_INIT;
	struct hmm_client *c;
	struct hmm_range *refused, *anew;

	FAKE_SET(f, features, HMMD__FEATURE__FEATURE_RESUME);
	fake_set_script(f, lose_adopted, NULL);
	c = fake_client(f, 0);
	hmm_client_set_event_handler(c, see, &seen);
	assert_int_equal(hmm_register(c, memory_at(0x10000000, HUGE_PAGE), HUGE_PAGE, NULL, &refused), 0);
	o.name = "anew";
	assert_int_equal(hmm_register(c, memory_at(0x20000000, HUGE_PAGE), HUGE_PAGE, &o, &anew), 0);
	fake_cut(f);
	assert_soon(seen_count(&seen, HMM_EVENT_RECONNECTED) == 1);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_REGISTER), 2 + 2);
	assert_int_equal(seen_count(&seen, HMM_EVENT_LOST), 1);
	assert_ptr_equal(SEEN(seen, LOST)->range, refused);
	assert_string_equal(SEEN(seen, LOST)->text, "quota: 1 range of 1");
	assert_int_equal(hmm_range_advise(anew, 0, 0, HMM_ADVICE_COLD, 0), 0);
	assert_int_equal(hmm_range_advise(refused, 0, 0, HMM_ADVICE_COLD, 0), -ENOTCONN);
	assert_int_equal(hmm_range_free(refused), 0);
	hmm_client_unref(c);
}

static bool hang(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds, size_t n_fds)
{
	(void)id;
	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_TIERS)
		return false;
	*(bool *)f->script_data = true;
	return true;
}

static void *ask(void *userdata)
{
	size_t n;

	return (void *)(intptr_t)hmm_tiers(userdata, NULL, 0, &n);
}

/* A call that waits for its answer ends as soon as the daemon is gone. */
static void calls_under_way_end(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_range *r;
	struct hmm_op *op = NULL;
	pthread_t threads[4];
	bool asked = false;
	void *result;

	fake_set_script(f, hang, &asked);
	assert_int_equal(hmm_register(c, memory_at(0x10000000, HUGE_PAGE), HUGE_PAGE, NULL, &r), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask, c), 0);
	assert_soon(fake_count(f, HMMD__MESSAGE__KIND_TIERS) == 4);
	fake_die(f);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_int_equal((intptr_t)result, -ENOTCONN);
	}
	assert_true(asked);
	assert_int_equal(hmm_range_migrate(r, 0, 0, "far", 0, &op), -ENOTCONN);
	assert_null(op);
	hmm_client_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(ranges_are_handed_over),
		FAKE_TEST(a_blocked_thread_goes_on),
		FAKE_TEST(a_daemon_that_knows_nothing),
		FAKE_TEST(a_daemon_that_refuses_the_ranges),
		FAKE_TEST(adopted_ranges_that_are_unknown_are_registered_anew),
		FAKE_TEST(calls_under_way_end),
	};

	return cmocka_run_group_tests_name("client_reconnect", tests, NULL, NULL);
}
