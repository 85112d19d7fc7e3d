// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of hmmctl: options anywhere, values both ways, mistakes named. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libclient/ctl/args.h"

static int parse(struct args *a, const char *const *words)
{
	int n = 0;

	while (words[n])
		n++;
	return args_parse(a, n, (char *const *)words);
}

static void options_stand_anywhere(void **state)
{
	const char *const words[] = { "hmmctl", "migrate", "--json", "12", "--to", "far", "--wait", NULL };
	struct args a;

	(void)state;
	assert_int_equal(parse(&a, words), 0);
	assert_int_equal(a.given, ARGS_JSON | ARGS_TO | ARGS_WAIT);
	assert_string_equal(a.to, "far");
	assert_null(a.socket);
	assert_int_equal(a.n_words, 2);
	assert_string_equal(a.word[0], "migrate");
	assert_string_equal(a.word[1], "12");
}

static void values_come_after_equals_too(void **state)
{
	const char *const words[] = { "hmmctl", "--socket=/tmp/a=b", NULL };
	struct args a;

	(void)state;
	assert_int_equal(parse(&a, words), 0);
	assert_string_equal(a.socket, "/tmp/a=b");
	assert_int_equal(a.n_words, 0);
}

static void two_dashes_end_the_options(void **state)
{
	const char *const words[] = { "hmmctl", "policy", "--", "--json", "-", NULL };
	struct args a;

	(void)state;
	assert_int_equal(parse(&a, words), 0);
	assert_int_equal(a.given, 0);
	assert_int_equal(a.n_words, 3);
	assert_string_equal(a.word[1], "--json");
	assert_string_equal(a.word[2], "-");
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *words[12];
		const char *wrong;
	} cases[] = {
		{ { "hmmctl", "--jsno" }, "no option '--jsno'; did you mean --json?" },
		{ { "hmmctl", "--colour" }, "no option '--colour'" },
		{ { "hmmctl", "--to" }, "--to wants a value" },
		{ { "hmmctl", "--to=" }, "--to wants a value" },
		{ { "hmmctl", "--socket", "" }, "--socket wants a value" },
		{ { "hmmctl", "--json=yes" }, "--json takes no value" },
		{ { "hmmctl", "--jsonx=yes" }, "no option '--jsonx=yes'" },
		{ { "hmmctl", "1", "2", "3", "4", "5", "6", "7", "8", "9" }, "too many arguments at '9'" },
	};
	struct args a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(&a, cases[i].words), -EINVAL);
		assert_string_equal(a.wrong, cases[i].wrong);
	}
}

static void every_option_has_its_name(void **state)
{
	(void)state;
	assert_string_equal(args_option_name(ARGS_FOLLOW), "--follow");
	assert_string_equal(args_option_name(ARGS_HELP), "--help");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(values_come_after_equals_too),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(every_option_has_its_name),
	};

	return cmocka_run_group_tests_name("ctl_args", tests, NULL, NULL);
}
