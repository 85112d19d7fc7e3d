// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading configurations: every kind of value, drop-ins over main files, and the text of every refusal. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/config_rig.h"

#define GIB (1ULL << 30)
#define LONG_LINE 2000

static void daemon_section_is_read(void **state)
{
	struct fixture *f = *state;

	reads(f, "[daemon]\nsocket = /run/x.sock\nstate-dir=/run/x\ncontrol-group = staff\nbacking = thp\n"
		 "fault-threads = 3\nworkers = 2\ntick = 50ms\ntrack = 2s\n");
	assert_string_equal(f->config.socket, "/run/x.sock");
	assert_string_equal(f->config.state_dir, "/run/x");
	assert_string_equal(f->config.control_group, "staff");
	assert_int_equal(f->config.backing, BACKING_CHOICE_THP);
	assert_int_equal(f->config.fault_threads, 3);
	assert_int_equal(f->config.workers, 2);
	assert_int_equal(f->config.tick_us, 50000);
	assert_int_equal(f->config.track_us, 2000000);
}

static void tiers_are_read(void **state)
{
	struct fixture *f = *state;
	const struct tier_config *t = f->config.tiers;

	reads(f, "[tier dram]\nkind = numa\nnodes = 0,2-3\ncapacity = 1G\nhigh = 90%\nlow = 80%\n"
		 "[tier far]\nkind = file\npath = /var/far\ncapacity = 200G\n[tier gpu]\nkind = cuda\ndevice = 3\n");
	assert_int_equal(f->config.n_tiers, 3);
	assert_string_equal(t[0].name, "dram");
	assert_int_equal(t[0].kind, TIER_NUMA);
	assert_int_equal(t[0].nodes, 0xd);
	assert_int_equal(t[0].capacity, GIB);
	assert_int_equal(t[0].high, 90);
	assert_int_equal(t[0].low, 80);
	assert_int_equal(t[1].kind, TIER_FILE);
	assert_string_equal(t[1].path, "/var/far");
	assert_true(t[1].high > t[1].low);
	assert_int_equal(t[2].index, 3);
}

static void policies_begin_with_defaults(void **state)
{
	struct fixture *f = *state;
	const struct policy_config *p = f->config.policies;

	reads(f, "[policy default]\nrate = 100M\n[policy batch]\nengine = static\ntiers = dram, far\ntrack = no\n"
		 "min-residency = 1min\n");
	assert_int_equal(f->config.n_policies, 2);
	assert_int_equal(p[0].rate, 100ULL << 20);
	assert_string_equal(p[1].name, "batch");
	assert_int_equal(p[1].engine, ENGINE_STATIC);
	assert_int_equal(p[1].n_tiers, 2);
	assert_string_equal(p[1].tiers[1], "far");
	assert_int_equal(p[1].rate, 0);
	assert_int_equal(p[1].burst, p[0].burst);
	assert_int_equal(p[1].min_residency_us, 60000000);
	assert_false(p[1].track);
}

static void quotas_find_tiers_that_come_later(void **state)
{
	struct fixture *f = *state;

	reads(f, "[quota uid=1000]\ntier.far = 4G\nmanaged = 8G\nranges = 10\n[quota default]\npinned = 1G\n"
		 "[tier dram]\nkind = numa\nnodes = 0\n[tier far]\nkind = memory\n");
	assert_int_equal(config_parse_end(&f->parser), 0);
	assert_int_equal(f->config.n_quotas, 1);
	assert_int_equal(f->config.quotas[0].uid, 1000);
	assert_int_equal(f->config.quotas[0].bytes[1], 4 * GIB);
	assert_true(f->config.quotas[0].bytes[0] == UINT64_MAX);
	assert_int_equal(f->config.quotas[0].managed, 8 * GIB);
	assert_int_equal(f->config.quotas[0].ranges, 10);
	assert_int_equal(f->config.quotas[0].connections, 1024);	/* as for everybody */
	assert_int_equal(f->config.quotas[0].operations, 4096);
	assert_int_equal(f->config.default_quota.pinned, GIB);
}

static void matches_take_several_rules(void **state)
{
	struct fixture *f = *state;
	const struct match_config *m = f->config.matches;

	reads(f, "[match unit=postgresql.service]\npolicy = a\n[match program=make uid=7]\npolicy = b\n");
	assert_int_equal(f->config.n_matches, 2);
	assert_string_equal(m[0].unit, "postgresql.service");
	assert_true(m[0].uid == UINT32_MAX);
	assert_string_equal(m[1].program, "make");
	assert_int_equal(m[1].uid, 7);
	assert_string_equal(m[1].policy, "b");
}

static void later_files_win_key_by_key(void **state)
{
	struct fixture *f = *state;

	reads(f, "[tier a]\nkind = memory\ncapacity = 1G\nhigh = 70%\n");
	assert_int_equal(parse(f, "b.conf", "[tier a]\ncapacity = 2G\n"), 0);
	assert_int_equal(f->config.n_tiers, 1);
	assert_int_equal(f->config.tiers[0].capacity, 2 * GIB);
	assert_int_equal(f->config.tiers[0].high, 70);
}

static void comments_and_blanks_are_nothing(void **state)
{
	struct fixture *f = *state;

	reads(f, "\xef\xbb\xbf# first\n\n  ; second\n[daemon] # third\n\tworkers = 4 ; fourth\r\n");
	assert_int_equal(f->config.workers, 4);
}

static void unknown_section_names_the_nearest(void **state)
{
	refuses(*state, "\n[teir a]\n", "a.conf:2: ", "[teir]", "[tier]");
}

static void unknown_section_lists_them_when_none_is_near(void **state)
{
	refuses(*state, "[xyzzyplugh]\n", "a.conf:1: ", "xyzzyplugh", "[policy NAME]");
}

static void unknown_key_names_the_nearest(void **state)
{
	refuses(*state, "[daemon]\nworkers = 1\nfault-thread = 2\n", "a.conf:3: ", "\"fault-thread\"", "\"fault-threads\"");
}

static void unknown_unit_says_what_would_be_right(void **state)
{
	refuses(*state, "[tier a]\ncapacity = 10X\n", "a.conf:2: ", "10X", "64G");
}

static void unknown_choice_lists_the_choices(void **state)
{
	refuses(*state, "[policy default]\nengine = clever\n", "a.conf:2: ", "clever", "tiered or static");
}

static void number_out_of_bounds_names_them(void **state)
{
	refuses(*state, "[daemon]\nworkers = 17\n", "a.conf:2: ", "17", "1 to 16");
}

static void share_wants_its_sign(void **state)
{
	refuses(*state, "[tier a]\nhigh = 90\n", "a.conf:2: ", "90", "90%");
}

static void overflow_is_refused(void **state)
{
	refuses(*state, "[tier a]\ncapacity = 99999999999T\n", "a.conf:2: ", "99999999999T", "a size");
}

static void key_before_sections_is_refused(void **state)
{
	refuses(*state, "workers = 1\n", "a.conf:1: ", "before the first section", "[daemon]");
}

static void line_without_equals_is_refused(void **state)
{
	refuses(*state, "[daemon]\nworkers\n", "a.conf:2: ", "neither", "KEY = VALUE");
}

static void header_without_end_is_refused(void **state)
{
	refuses(*state, "[daemon\n", "a.conf:1: ", "header", "]");
}

static void key_beside_header_is_refused(void **state)
{
	refuses(*state, "[daemon] workers = 1\n", "a.conf:1: ", "after the section's header", "line of its own");
}

static void tier_twice_in_a_file_is_refused(void **state)
{
	refuses(*state, "[tier a]\nkind = memory\n[daemon]\n[tier a]\n", "a.conf:4: ", "twice", "one section");
}

static void quota_of_unknown_tier_names_its_line(void **state)
{
	refuses(*state, "[quota default]\ntier.far = 1G\n[tier a]\n", "a.conf:2: ", "tier.far", "no tier");
}

static void relative_path_is_refused(void **state)
{
	refuses(*state, "[daemon]\nsocket = hmmd.sock\n", "a.conf:2: ", "hmmd.sock", "absolute path");
}

static void bad_names_are_refused(void **state)
{
	refuses(*state, "[tier ../x]\n", "a.conf:1: ", "../x", "letters");
}

static void long_line_is_refused_not_cut(void **state)
{
	char text[LONG_LINE + 32];
	int n = sprintf(text, "[daemon]\ncontrol-group = ");

	memset(text + n, 'x', LONG_LINE - (size_t)n);
	strcpy(text + LONG_LINE, "\nworkers = 3\n");
	refuses(*state, text, "a.conf:2: ", "longer", "1023 bytes");
}

static void nul_byte_is_refused(void **state)
{
	static const char text[] = "[daemon]\nworkers\0= 3\n";
	struct fixture *f = *state;

	assert_int_equal(config_parse(&f->parser, "a.conf", text, sizeof(text) - 1), -EINVAL);
	assert_non_null(strstr(f->report.errors.text, "a.conf:2: the line holds a NUL byte"));
}

static void too_many_tiers_are_refused(void **state)
{
	char text[HMM_LIMIT_TIERS * 16 + 16];
	int n = 0;

	for (int i = 0; i <= HMM_LIMIT_TIERS; i++)
		n += sprintf(text + n, "[tier t%d]\n", i);
	refuses(*state, text, "a.conf:33: ", "one tier too many", "32");
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

enum { DROP_INS = 8 };	/* so many that a directory's own order is not theirs by luck */

struct files {
	char dir[32], main[64], drop_dir[64], drop[DROP_INS][96];
};

static void make_files(struct files *f)
{
	strcpy(f->dir, "/tmp/hmmd-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	sprintf(f->main, "%s/hmmd.conf", f->dir);
	sprintf(f->drop_dir, "%s/hmmd.conf.d", f->dir);
	for (int i = 0; i < DROP_INS; i++)
		sprintf(f->drop[i], "%s/%d0-x.conf", f->drop_dir, i + 1);
	assert_int_equal(mkdir(f->drop_dir, 0700), 0);
}

static void remove_files(const struct files *f)
{
	for (int i = 0; i < DROP_INS; i++)
		unlink(f->drop[i]);
	rmdir(f->drop_dir);
	unlink(f->main);
	assert_int_equal(rmdir(f->dir), 0);
}

static void drop_ins_come_in_the_order_of_their_names(void **state)
{
	struct config *c = malloc(sizeof(*c));
	char origin[256], text[128];
	struct config_report report;
	struct files f;

	(void)state;
	make_files(&f);
	write_file(f.main, "[daemon]\nworkers = 1\nfault-threads = 4\n");
	for (unsigned int i = DROP_INS; i > 0; i--) {
		sprintf(text, "[daemon]\nworkers = %u\n[match uid=%u]\npolicy = default\n", i, i);
		write_file(f.drop[i - 1], text);
	}
	assert_int_equal(config_load(c, f.main, false, origin, sizeof(origin), &report), 0);
	assert_int_equal(c->workers, DROP_INS);
	assert_int_equal(c->fault_threads, 4);
	for (unsigned int i = 0; i < DROP_INS; i++)
		assert_int_equal(c->matches[i].uid, i + 1);
	assert_non_null(strstr(origin, "8 drop-ins"));
	assert_true(c->n_tiers >= 2);
	remove_files(&f);
	free(c);
}

static void error_in_a_drop_in_names_the_drop_in(void **state)
{
	struct config *c = malloc(sizeof(*c));
	struct config_report report;
	char origin[256];
	struct files f;

	(void)state;
	make_files(&f);
	write_file(f.main, "[daemon]\nworkers = 1\n");
	write_file(f.drop[0], "[daemon]\nworkerz = 2\n");
	assert_int_equal(config_load(c, f.main, false, origin, sizeof(origin), &report), -EINVAL);
	assert_non_null(strstr(report.errors.text, "10-x.conf:2: "));
	remove_files(&f);
	free(c);
}

static void missing_file_is_an_error_only_when_named(void **state)
{
	struct config *c = malloc(sizeof(*c));
	struct config_report report;
	char origin[256];

	(void)state;
	assert_int_equal(config_load(c, "/nonexistent/hmmd.conf", false, origin, sizeof(origin), &report), -EINVAL);
	assert_non_null(strstr(report.errors.text, "no such file"));
	free(c);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(daemon_section_is_read), CASE(tiers_are_read), CASE(policies_begin_with_defaults),
		CASE(quotas_find_tiers_that_come_later), CASE(matches_take_several_rules),
		CASE(later_files_win_key_by_key), CASE(comments_and_blanks_are_nothing),
		CASE(unknown_section_names_the_nearest), CASE(unknown_section_lists_them_when_none_is_near),
		CASE(unknown_key_names_the_nearest), CASE(unknown_unit_says_what_would_be_right),
		CASE(unknown_choice_lists_the_choices), CASE(number_out_of_bounds_names_them),
		CASE(share_wants_its_sign), CASE(overflow_is_refused), CASE(key_before_sections_is_refused),
		CASE(line_without_equals_is_refused), CASE(header_without_end_is_refused),
		CASE(key_beside_header_is_refused), CASE(tier_twice_in_a_file_is_refused),
		CASE(quota_of_unknown_tier_names_its_line), CASE(relative_path_is_refused),
		CASE(bad_names_are_refused), CASE(long_line_is_refused_not_cut), CASE(nul_byte_is_refused),
		CASE(too_many_tiers_are_refused),
		cmocka_unit_test(drop_ins_come_in_the_order_of_their_names),
		cmocka_unit_test(error_in_a_drop_in_names_the_drop_in),
		cmocka_unit_test(missing_file_is_an_error_only_when_named),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
