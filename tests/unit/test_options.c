// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line: what it accepts, what it refuses, and how it goes over the configuration. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/io/config_options.h"
#include "daemon/io/options.h"

#define PARSE(o, ...) parse(o, (char *[]){ "hmmd", __VA_ARGS__, NULL })

static int parse(struct options *o, char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return options_parse(o, argc, argv);
}

static void every_option_is_taken(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "--config", "/a", "--socket", "/b", "--state-dir=/c",
			       "--rootless", "--check-config", "--dry-run", "--log-level", "debug"),
			 0);
	assert_string_equal(o.config, "/a");
	assert_string_equal(o.socket, "/b");
	assert_string_equal(o.state_dir, "/c");
	assert_true(o.rootless && o.check_config && o.dry_run);
	assert_false(o.version || o.help);
	assert_int_equal(o.log_level, LOG_LEVEL_DEBUG);
}

static void nothing_means_defaults(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, (char *[]){ "hmmd", NULL }), 0);
	assert_null(o.config);
	assert_false(o.rootless || o.check_config || o.dry_run);
	assert_int_equal(o.log_level, LOG_LEVEL_INFO);
}

static void wrong_ones_are_refused(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "--no-such"), 2);
	assert_int_equal(PARSE(&o, "--config"), 2);
	assert_int_equal(PARSE(&o, "--socket", ""), 2);
	assert_int_equal(PARSE(&o, "--log-level", "loud"), 2);
	assert_int_equal(PARSE(&o, "stray"), 2);
}

static struct config *defaults(void)
{
	struct config *c = malloc(sizeof(*c));

	config_defaults(c);
	return c;
}

static void paths_go_over_the_configuration(void **state)
{
	struct options o = { .socket = "/x/s", .state_dir = "/x/d" };
	struct config *c = defaults();
	char text[128];

	(void)state;
	assert_int_equal(config_apply_options(c, &o, text, sizeof(text)), 0);
	assert_string_equal(c->socket, "/x/s");
	assert_string_equal(c->state_dir, "/x/d");
	assert_int_equal(c->backing, BACKING_CHOICE_AUTO);
	free(c);
}

static void rootless_lives_below_the_runtime_directory(void **state)
{
	struct options o = { .rootless = true };
	struct config *c = defaults();
	char text[128];

	(void)state;
	setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1);
	assert_int_equal(config_apply_options(c, &o, text, sizeof(text)), 0);
	assert_string_equal(c->socket, "/run/user/1000/hmmd/hmmd.sock");
	assert_string_equal(c->state_dir, "/run/user/1000/hmmd");
	assert_int_equal(c->backing, BACKING_CHOICE_SMALL);
	free(c);
}

static void rootless_without_a_place_is_refused(void **state)
{
	struct options o = { .rootless = true };
	struct config *c = defaults();
	char text[128];

	(void)state;
	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(config_apply_options(c, &o, text, sizeof(text)), -EINVAL);
	assert_non_null(strstr(text, "XDG_RUNTIME_DIR"));
	free(c);
}

static void long_path_is_refused(void **state)
{
	char path[CONFIG_PATH + 1], text[128];
	struct options o = { .socket = path };
	struct config *c = defaults();

	(void)state;
	memset(path, '/', CONFIG_PATH);
	path[CONFIG_PATH] = '\0';
	assert_int_equal(config_apply_options(c, &o, text, sizeof(text)), -EINVAL);
	assert_non_null(strstr(text, "--socket"));
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_is_taken),
		cmocka_unit_test(nothing_means_defaults),
		cmocka_unit_test(wrong_ones_are_refused),
		cmocka_unit_test(paths_go_over_the_configuration),
		cmocka_unit_test(rootless_lives_below_the_runtime_directory),
		cmocka_unit_test(rootless_without_a_place_is_refused),
		cmocka_unit_test(long_path_is_refused),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
