// SPDX-License-Identifier: GPL-2.0-or-later
/* Sizes, times and shares as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "libclient/ctl/format.h"

struct expected {
	uint64_t value;
	const char *text;
};

static void sizes(void **state)
{
	static const struct expected cases[] = {
		{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1 KiB" }, { 1536, "1.5 KiB" },
		{ 2097152, "2 MiB" }, { 134217728, "128 MiB" },
		/* just below a unit: rounds up into the next one, never to 1024 */
		{ 1048575, "1 MiB" }, { 1073741823, "1 GiB" },
		{ 1610612736, "1.5 GiB" }, { UINT64_MAX, "16 EiB" },
	};
	char buf[FORMAT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(format_size(buf, cases[i].value), cases[i].text);
}

static void durations(void **state)
{
	static const struct expected cases[] = {
		{ 0, "0 us" }, { 999, "999 us" }, { 1500, "1.5 ms" }, { 999999, "1 s" },
		{ 59900000, "59.9 s" }, { 59999999, "1 min 0 s" }, { 200000000, "3 min 20 s" },
		{ 3600000000, "1 h 0 min" }, { 90061000000, "1 d 1 h" },
	};
	char buf[FORMAT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(format_duration(buf, cases[i].value), cases[i].text);
	assert_string_equal(format_nanoseconds(buf, 80), "80 ns");
	assert_string_equal(format_nanoseconds(buf, 250000), "250 us");
}

static void clock_is_local(void **state)
{
	char buf[FORMAT_MAX];

	(void)state;
	setenv("TZ", "UTC-1", 1);
	tzset();
	assert_string_equal(format_clock(buf, 1125000), "1970-01-01 01:00:01.125");
}

static void shares(void **state)
{
	(void)state;
	assert_int_equal(format_percent(1, 0), 0);
	assert_int_equal(format_percent(1, 3), 33);
	assert_int_equal(format_percent(2, 3), 67);
	assert_int_equal(format_percent(UINT64_MAX, UINT64_MAX), 100);
	assert_int_equal(format_percent(UINT64_MAX / 2, UINT64_MAX), 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(durations),
		cmocka_unit_test(clock_is_local),
		cmocka_unit_test(shares),
	};

	return cmocka_run_group_tests_name("ctl_format", tests, NULL, NULL);
}
