// SPDX-License-Identifier: GPL-2.0-or-later
/* PID[:ADDR-END]: what is taken, and that nothing else is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libclient/ctl/span.h"

static void taken(void **state)
{
	static const struct {
		const char *text;
		struct span span;
	} cases[] = {
		{ "1", { 1, 0, 0 } },
		{ "2147483647", { INT32_MAX, 0, 0 } },
		{ "12:0-1", { 12, 0, 1 } },
		{ "12:7f0000000000-7f0000200000", { 12, 0x7f0000000000, 0x7f0000200000 } },
		{ "12:0x7F0000000000-0X7f0000200000", { 12, 0x7f0000000000, 0x7f0000200000 } },
		{ "12:0-ffffffffffffffff", { 12, 0, UINT64_MAX } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span s;
		const char *why = NULL;

		assert_int_equal(span_parse(cases[i].text, &s, &why), 0);
		assert_int_equal(s.pid, cases[i].span.pid);
		assert_true(s.addr == cases[i].span.addr);
		assert_true(s.end == cases[i].span.end);
	}
}

static void refused(void **state)
{
	static const char *const cases[] = {
		"", "0", "-1", "+1", " 1", "1 ", "x", "2147483648", "99999999999999999999",
		":0-1", "12:", "12:0", "12:0-", "12:-1", "12:0-0", "12:2-1", "12:0-1 ", "12:0-1-2",
		"12:0x-1", "12:0-10000000000000000", "12,0-1", "12:g-h",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span s = { 7, 7, 7 };
		const char *why = NULL;

		assert_int_equal(span_parse(cases[i], &s, &why), -EINVAL);
		assert_non_null(why);
		assert_int_equal(s.pid, 7);
	}
}

static void pids(void **state)
{
	int32_t pid = 7;

	(void)state;
	assert_int_equal(span_parse_pid("4711", &pid), 0);
	assert_int_equal(pid, 4711);
	assert_int_equal(span_parse_pid("4711:", &pid), -EINVAL);
	assert_int_equal(span_parse_pid("", &pid), -EINVAL);
	assert_int_equal(pid, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(refused),
		cmocka_unit_test(pids),
	};

	return cmocka_run_group_tests_name("ctl_span", tests, NULL, NULL);
}
