// SPDX-License-Identifier: GPL-2.0-or-later
/* Temperatures: samples, refaults, hints, and a window that finds a third. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/core/heat.h"
#include "tests/unit/random.h"

#define SECOND 1000000ULL

static void samples_approach_the_share_of_touches(void **state)
{
	struct heat h = { .value = HEAT_NEW };
	uint64_t seed = 1, sum;
	int percent, i;

	(void)state;
	for (percent = 0; percent <= 100; percent += 25) {
		for (sum = 0, i = 0; i < 2000; i++) {
			heat_sample(&h, (int)random_below(&seed, 100) < percent);
			sum += i >= 100 ? h.value : 0;
		}
		assert_in_range(sum / 1900,
				percent > 5 ? (uint64_t)HEAT_MAX * (percent - 5) / 100 : 0,
				(uint64_t)HEAT_MAX * (percent + 5) / 100);
	}
	heat_hint(&h, false);
	assert_int_equal(h.value, 0);
	heat_hint(&h, true);
	assert_int_equal(h.value, HEAT_MAX);
	heat_sample(&h, true);
	assert_int_equal(h.value, HEAT_MAX);
}

/* Windows of a second. */
static uint16_t after_refault(uint16_t value, uint64_t left_us, uint64_t back_us)
{
	struct heat h = { .value = value };

	heat_filled(&h, left_us / 2, SECOND);
	assert_int_equal(h.value, value);	/* the first fill judges nothing */
	heat_evicted(&h, left_us);
	assert_true(h.away);
	heat_filled(&h, back_us, SECOND);
	assert_false(h.away);
	assert_int_equal(heat_age_us(&h, back_us + 5000), 5000);
	return h.value;
}

static void a_refault_is_the_samples_that_were_missed(void **state)
{
	struct heat h = { .value = 40000 };
	uint64_t wrap = (1ULL << 32) * 1000;	/* where the milliseconds begin again */
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		heat_sample(&h, false);
	assert_int_equal(heat_faded(40000, 3), h.value);
	heat_sample(&h, true);
	assert_int_equal(after_refault(40000, 20 * SECOND, 23 * SECOND + SECOND / 2), h.value);
	assert_int_equal(after_refault(40000, wrap - SECOND, wrap + 2 * SECOND), h.value);
	assert_true(after_refault(40000, 20 * SECOND, 20 * SECOND + 1000) > 40000);
	assert_in_range(after_refault(40000, 20 * SECOND, 2000 * SECOND), HEAT_MAX / 4 - 5,
			HEAT_MAX / 4 + 5);
	heat_evicted(&h, 30 * SECOND);
	heat_brought(&h, 31 * SECOND);		/* nobody touched it */
	assert_false(h.away);
	assert_int_equal(heat_faded(h.value, 0), h.value);
	assert_in_range(heat_faded(HEAT_MAX, UINT64_MAX), 0, 3);
}

/* The same rule for windows where only refaults tell: times away between 0 and 9 s. */
static void refaults_find_a_window_too(void **state)
{
	struct heat_window w;
	uint64_t seed = 4, soon = 0, i;

	(void)state;
	heat_window_init(&w);
	for (i = 0; i < 6000; i++) {
		uint64_t away = random_below(&seed, 9 * SECOND);

		soon += i >= 3000 && away <= w.us;
		heat_window_refault(&w, away);
	}
	assert_in_range(soon, 3000 / 4, 3000 / 2);
}

static void settles_after_the_minimum(void **state)
{
	struct heat h = { 0 };
	uint64_t at = (1ULL << 32) * 1000 - 500000; /* half a second before the milliseconds wrap */

	(void)state;
	heat_filled(&h, at, SECOND);
	assert_false(heat_settled(&h, at + 999000, SECOND));
	assert_true(heat_settled(&h, at + SECOND, SECOND));
	assert_true(heat_settled(&h, at, 0));
}

/*
 * A world where the share touched in a window grows with its length: the tracker finds about a
 * third.
 */
static void the_window_finds_a_third(void **state)
{
	static const uint64_t touch_all_us[] = {
		30000, 1000000, 20000000
	}; /* a window in which all would be touched */
	struct heat_window w;
	uint32_t touched = 0;
	size_t k;
	int i;

	(void)state;
	for (k = 0; k < 3; k++) {
		heat_window_init(&w);
		for (i = 0; i < 60; i++) {
			touched = w.us >= touch_all_us[k]
					  ? 512
					  : (uint32_t)(512 * w.us / touch_all_us[k]);
			heat_window_judge(&w, 512, touched);
		}
		assert_in_range(touched, 512 / 4, 512 / 2);
	}
	for (i = 0; i < 100; i++)
		heat_window_judge(&w, 10, 10);
	assert_int_equal(w.us, HEAT_WINDOW_MIN_US);
	for (i = 0; i < 100; i++)
		heat_window_judge(&w, 10, 0);
	assert_int_equal(w.us, HEAT_WINDOW_MAX_US);
	heat_window_judge(&w, 0, 0);
	assert_int_equal(w.us, HEAT_WINDOW_MAX_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_approach_the_share_of_touches),
		cmocka_unit_test(a_refault_is_the_samples_that_were_missed),
		cmocka_unit_test(refaults_find_a_window_too),
		cmocka_unit_test(settles_after_the_minimum),
		cmocka_unit_test(the_window_finds_a_third),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
