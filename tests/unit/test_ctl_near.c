// SPDX-License-Identifier: GPL-2.0-or-later
/* Suggestions: a typing mistake finds its verb, another word does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libclient/ctl/near.h"

static void distances(void **state)
{
	(void)state;
	assert_int_equal(near_distance("", ""), 0);
	assert_int_equal(near_distance("", "pin"), 3);
	assert_int_equal(near_distance("pin", ""), 3);
	assert_int_equal(near_distance("drain", "drain"), 0);
	assert_int_equal(near_distance("drian", "drain"), 1);
	assert_int_equal(near_distance("stauts", "status"), 1);
	assert_int_equal(near_distance("kitten", "sitting"), 3);
	assert_int_equal(near_distance("reload", "load"), 2);
}

static void long_words_are_never_near(void **state)
{
	(void)state;
	assert_int_equal(near_distance("a2345678901234567890123456789012345", "pin"), 35);
	assert_int_equal(near_distance("pin", "a2345678901234567890123456789012345"), 35);
}

static void matches(void **state)
{
	(void)state;
	assert_true(near_match("stauts", "status"));
	assert_true(near_match("mig", "migrate"));
	assert_true(near_match("clietns", "clients"));
	assert_true(near_match("pn", "pin"));
	assert_false(near_match("p", "policy"));
	assert_false(near_match("make", "tiers"));
	assert_false(near_match("top", "pin"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distances),
		cmocka_unit_test(long_words_are_never_near),
		cmocka_unit_test(matches),
	};

	return cmocka_run_group_tests_name("ctl_near", tests, NULL, NULL);
}
