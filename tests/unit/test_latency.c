// SPDX-License-Identifier: GPL-2.0-or-later
/* The histogram of durations. */
#include "daemon/io/latency.h"
#include "tests/support/test.h"

static struct latency l;

static int clear(void **state)
{
	(void)state;
	l = (struct latency){ 0 };
	return 0;
}

static void empty_has_no_percentile(void **state)
{
	(void)state;
	assert_int_equal(latency_percentile_ns(&l, 50), 0);
	assert_int_equal(latency_percentile_ns(&l, 99), 0);
}

static void every_duration_is_right_within_an_eighth(void **state)
{
	(void)state;
	for (uint64_t ns = 1; ns < 1ULL << 38; ns += ns / 3 + 1) {
		struct latency one = { 0 };
		uint64_t said;

		latency_add(&one, ns);
		said = latency_percentile_ns(&one, 50);
		assert_in_range(said, ns - ns / 8, ns + ns / 8);
	}
}

static void percentiles_part_the_durations(void **state)
{
	(void)state;
	for (int i = 0; i < 98; i++)
		latency_add(&l, 1000);
	latency_add(&l, 1000000);
	latency_add(&l, 1000000);
	assert_in_range(latency_percentile_ns(&l, 50), 875, 1125);
	assert_in_range(latency_percentile_ns(&l, 98), 875, 1125);
	assert_in_range(latency_percentile_ns(&l, 99), 875000, 1125000);
}

static void what_is_off_the_scale_is_in_the_last_bucket(void **state)
{
	(void)state;
	latency_add(&l, UINT64_MAX);
	assert_true(latency_percentile_ns(&l, 50) > 1ULL << 39);
}

static void merging_adds_up(void **state)
{
	struct latency other = { 0 };

	(void)state;
	latency_add(&l, 100);
	for (int i = 0; i < 3; i++)
		latency_add(&other, 100000);
	latency_merge(&l, &other);
	assert_in_range(latency_percentile_ns(&l, 25), 88, 112);
	assert_in_range(latency_percentile_ns(&l, 50), 87500, 112500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(empty_has_no_percentile, clear),
		cmocka_unit_test_setup(every_duration_is_right_within_an_eighth, clear),
		cmocka_unit_test_setup(percentiles_part_the_durations, clear),
		cmocka_unit_test_setup(what_is_off_the_scale_is_in_the_last_bucket, clear),
		cmocka_unit_test_setup(merging_adds_up, clear),
	};

	return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
