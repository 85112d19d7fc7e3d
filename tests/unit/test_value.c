// SPDX-License-Identifier: GPL-2.0-or-later
/* Values as people write them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/core/value.h"

static void sizes(void **state)
{
	static const struct { const char *text; uint64_t want;
	} good[] = {
		{ "0", 0 },
		{ "17", 17 },
		{ "4K", 4096 },
		{ "64G", 64ULL << 30 },
		{ "1T", 1ULL << 40 },
		{ "18446744073709551615", UINT64_MAX },
		{ "16777215T", 16777215ULL << 40 },
	};
	static const char *const bad[] = {
		"",
		"G",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1g",
		"1.5G",
		"0x10",
		"1GG",
		"18446744073709551616",
		"99999999999999999999",
		"16777216T",
	};
	uint64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(value_size(good[i].text, &n), 0);
		assert_int_equal(n, good[i].want);
	}
	for (n = 5, i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(value_size(bad[i], &n), -EINVAL);
		assert_int_equal(n, 5);
	}
}

static void times(void **state)
{
	static const struct { const char *text; uint64_t want;
	} good[] = {
		{ "10", 10000000 },    { "10s", 10000000 },	{ "5ms", 5000 }, { "7us", 7 },
		{ "2min", 120000000 }, { "1h", 3600000000ULL }, { "0", 0 },
	};
	uint64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(value_time(good[i].text, &n), 0);
		assert_int_equal(n, good[i].want);
	}
	assert_int_equal(value_time("10m", &n), -EINVAL);
	assert_int_equal(value_time("s", &n), -EINVAL);
	assert_int_equal(value_time("18446744073709551615s", &n), -EINVAL);
}

static void yes_and_no(void **state)
{
	static const char *const yes[] = { "yes", "true", "on", "1" }, *const no[] = { "no",
										       "false",
										       "off", "0" };
	bool b;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		b = false;
		assert_int_equal(value_bool(yes[i], &b), 0);
		assert_true(b);
		assert_int_equal(value_bool(no[i], &b), 0);
		assert_false(b);
	}
	assert_int_equal(value_bool("maybe", &b), -EINVAL);
	assert_int_equal(value_bool("", &b), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(times),
		cmocka_unit_test(yes_and_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
