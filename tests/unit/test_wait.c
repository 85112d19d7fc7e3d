// SPDX-License-Identifier: GPL-2.0-or-later
/* Waits: words for all of them, whose is the longest, when it is told of, and pauses that grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/core/wait.h"

#define SECOND 1000000ULL
#define MS 1000000ULL	/* ns */

static void every_reason_has_words(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < WAIT_REASONS; i++) {
		assert_true(strlen(wait_reason_code(i)) > 0 && strlen(wait_reason_code(i)) <= 16);
		assert_true(strlen(wait_reason_text(i)) > 0 && strlen(wait_reason_text(i)) <= 100);
		assert_non_null(wait_reason_remedy(i));
		assert_true(strlen(wait_reason_remedy(i)) < 160);
		for (unsigned int k = 0; k < i; k++) {
			assert_string_not_equal(wait_reason_code(i), wait_reason_code(k));
			assert_string_not_equal(wait_reason_text(i), wait_reason_text(k));
		}
	}
	assert_string_equal(wait_reason_code(WAIT_TIER), "tier-full");
	assert_string_equal(wait_reason_code((enum wait_reason)200), "none");
	assert_string_equal(wait_reason_text(WAIT_REASONS), wait_reason_text(WAIT_NOTHING));
	assert_string_equal(wait_reason_remedy(WAIT_REASONS), "");
}

static void the_longest_wait_says_why(void **state)
{
	struct wait_sum sum = { .pages = 0 };

	(void)state;
	assert_int_equal(wait_sum_us(&sum, 5), 0);
	wait_sum_add(&sum, 0, WAIT_TIER, 1);
	assert_int_equal(sum.pages, 0);
	wait_sum_add(&sum, 2, WAIT_TIER, 500);
	wait_sum_add(&sum, 1, WAIT_DRAIN, 400);
	wait_sum_add(&sum, 1, WAIT_OWN, 450);
	assert_int_equal(sum.pages, 4);
	assert_int_equal(sum.reason, WAIT_DRAIN);
	assert_int_equal(wait_sum_us(&sum, 1400), 1000);
	assert_int_equal(wait_sum_us(&sum, 400), 0);
	assert_int_equal(wait_sum_us(&sum, 100), 0);	/* by a clock that was read before */
	wait_sum_add(&sum, UINT32_MAX, WAIT_OWN, 450);
	assert_int_equal(sum.pages, UINT32_MAX);
}

static enum wait_news look(struct waiting *w, uint64_t now_us, uint32_t pages, uint64_t since_us, struct wait_sum *ret)
{
	w->now = (struct wait_sum){ .pages = 0 };
	wait_sum_add(&w->now, pages, WAIT_TIER, since_us);
	return waiting_news(w, now_us, ret);
}

static void a_long_wait_is_told_once(void **state)
{
	struct waiting w = { .told = false };
	struct wait_sum sum;
	uint64_t t = 100 * SECOND;

	(void)state;
	assert_int_equal(look(&w, t, 0, 0, &sum), WAIT_NEWS_NONE);
	assert_int_equal(look(&w, t, 3, t - SECOND + 1, &sum), WAIT_NEWS_NONE);
	assert_int_equal(look(&w, t, 3, t - SECOND, &sum), WAIT_NEWS_LONG);
	assert_int_equal(sum.pages, 3);
	assert_int_equal(sum.reason, WAIT_TIER);
	assert_int_equal(look(&w, t + SECOND, 3, t - SECOND, &sum), WAIT_NEWS_NONE);
	assert_int_equal(look(&w, t + WAIT_QUIET_US, 3, t - SECOND, &sum), WAIT_NEWS_NONE);
	assert_int_equal(look(&w, t + 2 * WAIT_QUIET_US - 1, 0, 0, &sum), WAIT_NEWS_NONE);
	assert_int_equal(look(&w, t + 2 * WAIT_QUIET_US, 0, 0, &sum), WAIT_NEWS_OVER);
	assert_int_equal(w.longest_us, WAIT_QUIET_US + SECOND);
	assert_int_equal(look(&w, t + 3 * WAIT_QUIET_US, 0, 0, &sum), WAIT_NEWS_NONE);
}

/* Each thread's own wait counts: one after the other for an hour is no long wait. */
static void many_short_waits_are_not_told(void **state)
{
	struct waiting w = { .told = false };
	struct wait_sum sum;

	(void)state;
	for (uint64_t t = SECOND; t < 3600 * SECOND; t += SECOND) {
		waiting_was(&w, WAIT_PAGE, SECOND - 1);
		assert_int_equal(look(&w, t, 1, t - SECOND / 2, &sum), WAIT_NEWS_NONE);
	}
}

/* Begun after one look and over before the next. */
static void a_wait_between_two_looks_is_told(void **state)
{
	struct waiting w = { .told = false };
	struct wait_sum sum;
	uint64_t t = 100 * SECOND;

	(void)state;
	waiting_was(&w, WAIT_PAGE, SECOND / 2);
	waiting_was(&w, WAIT_MOVE, SECOND + 5);
	waiting_was(&w, WAIT_TIER, SECOND + 4);
	assert_int_equal(look(&w, t, 1, t - 1, &sum), WAIT_NEWS_LONG);
	assert_int_equal(sum.pages, 0);
	assert_int_equal(sum.reason, WAIT_MOVE);
	assert_int_equal(t - sum.since_us, SECOND + 5);
	assert_int_equal(look(&w, t + SECOND, 0, 0, &sum), WAIT_NEWS_NONE);
	waiting_was(&w, WAIT_MOVE, 3 * SECOND);		/* again, before it is quiet */
	assert_int_equal(look(&w, t + 2 * SECOND, 0, 0, &sum), WAIT_NEWS_NONE);
	assert_int_equal(look(&w, t + SECOND + WAIT_QUIET_US, 0, 0, &sum), WAIT_NEWS_NONE);
	assert_int_equal(look(&w, t + 2 * SECOND + WAIT_QUIET_US, 0, 0, &sum), WAIT_NEWS_OVER);
	assert_int_equal(w.longest_us, 3 * SECOND);
}

static void pauses_grow_and_end(void **state)
{
	struct setback s = { .try_ms = 0 };

	(void)state;
	assert_false(setback_end(&s));
	setback_try(&s, 0);
	assert_int_equal(s.try_ns, 10 * MS);
	setback_try(&s, 0);
	assert_int_equal(s.try_ns, 20 * MS);
	for (int i = 0; i < 20; i++)
		setback_try(&s, 5);
	assert_int_equal(s.try_ns, 1000 * MS + 5);
	assert_int_equal(s.read_ns, 0);
	setback_read(&s, 7);
	assert_int_equal(s.read_ns, 10 * MS + 7);
	assert_true(setback_end(&s));
	assert_int_equal(s.try_ns, 0);
	assert_int_equal(s.read_ns, 0);
	assert_false(setback_end(&s));
	setback_read(&s, 0);
	assert_int_equal(s.read_ns, 10 * MS);
}

/* From one pause to the next it is one wait, until a page came in or nothing was put off for a while. */
static void unread_faults_wait_from_the_first_pause(void **state)
{
	struct setback s = { .try_ms = 0 };
	uint64_t t = 5000 * MS, now;

	(void)state;
	for (now = t; now < t + 5000 * MS; now = s.read_ns + 1) {
		setback_unread(&s, WAIT_QUOTA, now);
		setback_read(&s, now);
		assert_int_equal(s.since_ns, t);
		assert_int_equal(s.why, WAIT_QUOTA);
	}
	now += 1000 * MS;
	setback_unread(&s, WAIT_TIER, now);
	assert_int_equal(s.since_ns, now);
	assert_true(setback_end(&s));
	assert_int_equal(s.since_ns, 0);
	setback_unread(&s, WAIT_BLOCKING, now);
	setback_read(&s, now);
	assert_true(setback_end(&s));
	assert_int_equal(s.since_ns, now);	/* no page that comes in mends that */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_words),
		cmocka_unit_test(the_longest_wait_says_why),
		cmocka_unit_test(a_long_wait_is_told_once),
		cmocka_unit_test(many_short_waits_are_not_told),
		cmocka_unit_test(a_wait_between_two_looks_is_told),
		cmocka_unit_test(pauses_grow_and_end),
		cmocka_unit_test(unread_faults_wait_from_the_first_pause),
	};

	return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
