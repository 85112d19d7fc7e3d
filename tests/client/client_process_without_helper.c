// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program with a loop of its own: no thread is made, the descriptor says when there is something
 * to do, and only hmm_client_process() calls the program.
 */
#include <errno.h>
#include <poll.h>

#include "tests/client/fake.h"

static bool readable(struct hmm_client *c, int timeout_ms)
{
	struct pollfd p = { .fd = hmm_client_get_fd(c), .events = (short)hmm_client_get_events(c) };

	assert_true(p.fd >= 0);
	return poll(&p, 1, timeout_ms) == 1;
}

static void pressure(struct fake *f, uint32_t percent)
{
	Hmmd__Pressure p = HMMD__PRESSURE__INIT;

	p.tier = "dram";
	p.percent = percent;
	fake_event(f, &FAKE_MESSAGE(PRESSURE, pressure, &p));
}

static void events_come_from_process_alone(void **state)
{
	struct fake *f = *state;
	size_t threads = count_threads();
	struct hmm_client *c = fake_client(f, HMM_CLIENT_NO_HELPER);
	struct seen seen = SEEN_INIT;
	uint64_t us;
	size_t n;

	assert_int_equal(count_threads(), threads);
	assert_int_equal(hmm_client_get_events(c), POLLIN);
	assert_int_equal(hmm_client_set_event_handler(c, see, &seen), 0);
	assert_int_equal(hmm_client_process(c), 0);
	assert_false(readable(c, 0));
	assert_int_equal(hmm_client_get_timeout(c, &us), 1);

	pressure(f, 91);
	assert_true(readable(c, 10000));
	assert_int_equal(hmm_client_process(c), 0);
	assert_int_equal(seen_count(&seen, HMM_EVENT_PRESSURE), 1);
	assert_int_equal(SEEN(seen, PRESSURE)->value, 91);
	assert_string_equal(SEEN(seen, PRESSURE)->tier, "dram");
	assert_true(pthread_equal(SEEN(seen, PRESSURE)->thread, pthread_self()));
	assert_false(readable(c, 0));

	/* An event that a call had to read on its way is kept, and the descriptor still says so. */
	pressure(f, 92);
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), 0);
	assert_int_equal(seen_count(&seen, HMM_EVENT_PRESSURE), 1);
	assert_true(readable(c, 0));
	assert_int_equal(hmm_client_process(c), 0);
	assert_int_equal(seen_count(&seen, HMM_EVENT_PRESSURE), 2);
	assert_false(readable(c, 0));
	hmm_client_unref(c);
}

static void events_of_ranges(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, HMM_CLIENT_NO_HELPER);
	struct seen seen = SEEN_INIT;
	struct hmm_range *r;
	Hmmd__Moved moved = HMMD__MOVED__INIT;
	Hmmd__Lost lost = HMMD__LOST__INIT;
	Hmmd__Message m = FAKE_MESSAGE(MOVED, moved, &moved);

	hmm_client_set_event_handler(c, see, &seen);
	assert_int_equal(hmm_register(c, memory_at(0x10000000, 16 * HUGE_PAGE), 16 * HUGE_PAGE, NULL, &r), 0);
	moved.range = lost.range = 100;
	moved.offset = HUGE_PAGE;
	moved.length = 2 * HUGE_PAGE;
	moved.tier = "far";
	fake_event(f, &m);
	assert_soon(hmm_client_process(c) == 0 && seen_count(&seen, HMM_EVENT_MOVED) == 1);
	assert_ptr_equal(SEEN(seen, MOVED)->range, r);
	assert_int_equal(SEEN(seen, MOVED)->offset, HUGE_PAGE);
	assert_int_equal(SEEN(seen, MOVED)->length, 2 * HUGE_PAGE);
	assert_string_equal(SEEN(seen, MOVED)->tier, "far");
	lost.offset = 4 * HUGE_PAGE;
	lost.length = HUGE_PAGE;
	lost.text = "input/output error";
	fake_event(f, &FAKE_MESSAGE(LOST, lost, &lost));
	assert_soon(hmm_client_process(c) == 0 && seen_count(&seen, HMM_EVENT_LOST) == 1);
	assert_string_equal(SEEN(seen, LOST)->text, "input/output error");
	/* An event for a range that was freed before process() is not told. */
	fake_event(f, &m);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(hmm_client_process(c), 0);
	assert_int_equal(seen_count(&seen, HMM_EVENT_MOVED), 1);
	hmm_client_unref(c);
}

/* The same descriptor before and after, a timeout in between, no call blocks. */
static void a_reconnect_by_process(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, HMM_CLIENT_NO_HELPER);
	struct seen seen = SEEN_INIT;
	int fd = hmm_client_get_fd(c);
	uint64_t us = 0;
	size_t n;

	hmm_client_set_event_handler(c, see, &seen);
	fake_die(f);
	assert_true(readable(c, 10000));
	assert_int_equal(hmm_client_process(c), -ENOTCONN);
	assert_int_equal(seen_count(&seen, HMM_EVENT_DISCONNECTED), 1);
	assert_int_equal(hmm_client_get_fd(c), fd);
	assert_int_equal(hmm_client_get_timeout(c, &us), 0);
	assert_in_range(us, 0, 1000000);
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), -ENOTCONN);
	fake_listen(f);
	while (hmm_client_process(c) == -ENOTCONN) {
		assert_int_equal(hmm_client_get_timeout(c, &us), 0);
		readable(c, (int)(us / 1000) + 1);
	}
	assert_int_equal(seen_count(&seen, HMM_EVENT_RECONNECTED), 1);
	assert_int_equal(hmm_client_get_fd(c), fd);
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), 0);
	hmm_client_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(events_come_from_process_alone),
		FAKE_TEST(events_of_ranges),
		FAKE_TEST(a_reconnect_by_process),
	};

	return cmocka_run_group_tests_name("client_process_without_helper", tests, NULL, NULL);
}
