// SPDX-License-Identifier: GPL-2.0-or-later
/* What a configuration says twice or cannot mean, and that all of it is told at once. */
#include "tests/unit/config_rig.h"

static void every_section_stands_once_in_a_file(void **state)
{
	refuses(*state, "[quota uid=0]\nranges = 1\n[daemon]\n[quota uid=0]\n", "a.conf:4: ", "line 1", "one section");
}

static void every_key_stands_once_in_a_section(void **state)
{
	refuses(*state, "[tier a]\nkind = numa\nnodes = 0\nkind = memory\n", "a.conf:4: kind", "twice", "line 2");
}

static void a_limit_stands_once_in_a_section(void **state)
{
	refuses(*state, "[quota default]\ntier.a = 1G\ntier.a = 2G\n[tier a]\n", "a.conf:3: tier.a", "twice", "line 2");
}

static void a_mark_does_not_hide_a_section(void **state)
{
	refuses(*state, "\xef\xbb\xbf[deamon]\nworkers = 1\n", "a.conf:1: ", "[deamon]", "[daemon]");
}

static void a_section_after_a_mark_is_read(void **state)
{
	struct fixture *f = *state;

	reads(f, "\xef\xbb\xbf[daemon]\nworkers = 4\n");
	assert_int_equal(f->config.workers, 4);
}

static void values_that_mean_nothing_are_refused(void **state)
{
	refuses(*state, "[policy a]\nburst = 1K\n", "a.conf:2: ", "1K", "at least 2048K");
}

static void no_rate_is_not_a_rate_of_nothing(void **state)
{
	refuses(*state, "[policy a]\nrate = 0\n", "a.conf:2: ", "rate = 0", "none");
}

static void no_capacity_is_not_the_default(void **state)
{
	refuses(*state, "[tier a]\ncapacity = 0\n", "a.conf:2: ", "capacity = 0", "at least");
}

static void a_key_of_another_kind_is_refused(void **state)
{
	refuses(*state, "[tier a]\nkind = numa\nnodes = 0\npath = /x\n", "a.conf:4: ", "path", "kind = file");
}

/* One run tells it all, and nothing that only follows from something else. */
static void all_that_is_wrong_is_told(void **state)
{
	static const char *const lines[] = { "a.conf:2: ", "a.conf:3: ", "a.conf:4: ", "a.conf:6: ", "a.conf:8: ", "a.conf:9: " };
	struct fixture *f = *state;
	const char *at;

	assert_int_equal(parse(f, "a.conf", "[daemon]\nworkerz = 1\nnonsense\ntick = 1 parsec\n[tier dram]\n"
			       "kind = nmua\nnodes = 0\n[teir far]\nmore nonsense\nkind = memory\n"), -EINVAL);
	config_parse_end(&f->parser);
	assert_int_equal(f->report.errors.n, sizeof(lines) / sizeof(lines[0]));
	at = f->report.errors.text;
	for (size_t i = 0; i < f->report.errors.n; i++, at = strchr(at, '\n') + 1)
		if (strncmp(at, lines[i], strlen(lines[i])) != 0)
			fail_msg("not %s: %s", lines[i], at);
}

static void what_a_file_has_reaches_no_terminal(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, "a.conf", "[daemon]\ncontrol-grup = \033[2J\n[\033x]\n"), -EINVAL);
	assert_null(strchr(f->report.errors.text, '\033'));
}

static void a_short_text_has_whole_lines_and_a_count(void **state)
{
	struct fixture *f = *state;
	char text[160];

	parse(f, "a.conf", "[daemon]\naaaaaaaaaaaaaaaaaaaaa = 1\nbbbbbbbbbbbbbbbbbbbb = 1\nccccccccccccccccccccc = 1\n");
	config_lines_say(&f->report.errors, text, sizeof(text));
	assert_non_null(strstr(text, "a.conf:2: "));
	assert_null(strstr(text, "a.conf:3: "));
	assert_non_null(strstr(text, "\n... and 2 more"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_section_stands_once_in_a_file), CASE(every_key_stands_once_in_a_section),
		CASE(a_limit_stands_once_in_a_section), CASE(a_mark_does_not_hide_a_section),
		CASE(a_section_after_a_mark_is_read), CASE(values_that_mean_nothing_are_refused),
		CASE(no_rate_is_not_a_rate_of_nothing), CASE(no_capacity_is_not_the_default),
		CASE(a_key_of_another_kind_is_refused), CASE(all_that_is_wrong_is_told),
		CASE(what_a_file_has_reaches_no_terminal), CASE(a_short_text_has_whole_lines_and_a_count),
	};

	return cmocka_run_group_tests_name("config_wrong", tests, NULL, NULL);
}
