// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line and the configuration: what is wrong is named with file and line, and nothing starts. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/seen.h"
#include "tests/support/words.h"

static void check(struct house *h, const char *sections, int want)
{
	static const char *const args[] = { "--check-config", NULL };
	int status;

	unlink(h->log);
	house_write_config(h, sections);
	status = house_run(h, args);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != want) {
		house_show_log(h);
		fail_msg("--check-config ends with %d, not %d", status, want);
	}
}

/* Line 1 is [daemon], line 2 the backing that the house writes; the rest follows. */
static void refused_at(struct house *h, const char *sections, int line, const char *word)
{
	char where[HOUSE_PATH + 16];

	check(h, sections, 2);
	snprintf(where, sizeof(where), "%s:%d:", h->config, line);
	if (!house_logged(h, where) || !house_logged(h, word)) {
		house_show_log(h);
		fail_msg("not named: %s ... %s", where, word);
	}
	/* Without --check-config it is refused just the same. */
	assert_int_equal(WEXITSTATUS(house_run(h, NULL)), 2);
}

#define FINE "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n"

static void errors_name_file_and_line(void **state)
{
	struct house *h = house_prepare(NULL);

	(void)state;
	check(h, HOUSE_TIERS, 0);
	refused_at(h, FINE "hihg = 90%\n", 7, "hihg");
	refused_at(h, "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32X\n", 6, "32X");
	refused_at(h, "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 99999999999999999999T\n", 6, "capacity");
	refused_at(h, "[tier dram]\nkind = nmua\n", 4, "nmua");
	refused_at(h, FINE "[teir far]\nkind = memory\n", 7, "teir");
	refused_at(h, FINE "[policy default]\nmin-residency = 10 parsecs\n", 8, "parsecs");
	refused_at(h, FINE "[policy default]\ntrack = maybe\n", 8, "maybe");
	refused_at(h, FINE "high = 190%\n", 7, "190%");
	refused_at(h, FINE "[quota uid=root]\nranges = 1\n", 7, "uid");
	refused_at(h, FINE "nonsense\n", 7, "");
	house_remove(h);
}

/* What only the whole shows has its place in the file too. */
static void what_does_not_fit_together_has_its_line(void **state)
{
	struct house *h = house_prepare(NULL);

	(void)state;
	refused_at(h, FINE "high = 50%\nlow = 60%\n", 8, "low <= high");
	refused_at(h, FINE "[policy default]\ntiers = dram, nonesuch\n", 8, "nonesuch");
	refused_at(h, FINE "[match uid=0]\npolicy = nonesuch\n", 8, "nonesuch");
	refused_at(h, FINE "[tier far]\nkind = file\ncapacity = 1G\n", 7, "path");
	refused_at(h, FINE "[quota default]\ntier.nonesuch = 1G\n", 8, "nonesuch");
	refused_at(h, "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 900T\n", 6, "its nodes have");
	refused_at(h, "[tier dram]\nkind = numa\nnodes = 0,63\n", 5, "node 63");
	refused_at(h, FINE "[tier far]\nkind = memory\ncapacity = 900T\n", 9, "do not fit into this machine");
	refused_at(h, FINE "[tier a]\nkind = file\npath = /var/tmp/x\ncapacity = 2M\n"
		   "[tier b]\nkind = file\npath = /var/tmp/x\ncapacity = 2M\n", 13, "same file");
	house_remove(h);
}

static void all_is_told_and_warnings_apart(void **state)
{
	struct house *h = house_prepare(NULL);

	(void)state;
	check(h, FINE "hihg = 90%\nlow = 99%\n[policy default]\nburst = 1K\n"
	      "[tier far]\nkind = file\npath = /no/such/place/x\ncapacity = 2M\n", 2);
	assert_true(house_logged(h, ":7:") && house_logged(h, "hihg"));
	assert_true(house_logged(h, ":8:") && house_logged(h, "low <= high"));
	assert_true(house_logged(h, ":10:") && house_logged(h, "burst"));
	assert_true(house_logged(h, "hmmd: warning: ") && house_logged(h, ":13:"));
	/* A warning alone stops nothing. */
	check(h, FINE "[tier far]\nkind = file\npath = /no/such/place/x\ncapacity = 2M\n", 0);
	assert_true(house_logged(h, "hmmd: warning: ") && house_logged(h, "/no/such/place"));
	check(h, FINE, 0);
	assert_false(house_logged(h, "warning"));
	house_remove(h);
}

static void what_does_not_fit_together_is_refused(void **state)
{
	static const char *const bad[] = {
		"[tier far]\nkind = memory\ncapacity = 1G\n",			/* nothing the program can touch */
		FINE "high = 50%\nlow = 60%\n",
		FINE "[policy default]\ntiers = dram, nonesuch\n",
		FINE "[policy default]\nrate = 100M\nburst = 4K\n",		/* less than one huge page */
		FINE "[match uid=0]\npolicy = nonesuch\n",
		FINE "[tier far]\nkind = file\ncapacity = 1G\n",		/* no path */
		FINE "[quota default]\ntier.nonesuch = 1G\n",
	};
	struct house *h = house_prepare(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(h, bad[i], 2);
	house_remove(h);
}

static void drop_ins_change_single_values(void **state)
{
	struct house *h = house_prepare(NULL);
	char dir[HOUSE_PATH + 8], path[HOUSE_PATH + 32];
	struct hmm_client *c;
	FILE *f;

	(void)state;
	snprintf(dir, sizeof(dir), "%s.d", h->config);
	assert_int_equal(mkdir(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/50-smaller.conf", dir);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs("[tier far]\ncapacity = 128M\n", f);
	fclose(f);
	house_start(h);
	c = house_client(h, "config", HMM_CLIENT_NO_HELPER);
	assert_int_equal(ask_number(c, "tiers", "name", "far", "capacity"), 128 * MiB);
	assert_int_equal(ask_number(c, "tiers", "name", "dram", "capacity"), 32 * MiB);
	hmm_client_unref(c);
	house_stop(h);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs("[tier far]\n\ncapcity = 128M\n", f);
	fclose(f);
	assert_int_equal(WEXITSTATUS(house_run(h, NULL)), 2);
	assert_true(house_logged(h, "50-smaller.conf:3:"));
	house_remove(h);
}

static void bad_arguments_are_refused(void **state)
{
	static const char *const bad[][3] = {
		{ "--nonesuch" }, { "--config" }, { "--log-level", "loud" }, { "surplus" },
		{ "--config", "/nonexistent/hmmd.conf" },
	};
	static const char *const version[] = { "--version", NULL };
	struct house *h = house_prepare(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int status = house_run(h, bad[i]);

		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 2);
	}
	assert_int_equal(WEXITSTATUS(house_run(h, version)), 0);
	house_remove(h);
}

/* --dry-run decides and tells, and moves nothing by itself. */
static void dry_run_moves_nothing(void **state)
{
	struct house_options o = { .args = { "--dry-run" } };
	struct hmm_range_options named = HMM_RANGE_OPTIONS_INIT;
	struct house *h = house_prepare(&o);
	struct hmm_client *c;
	struct hmm_range *r = NULL;
	struct hmm_move_result result;
	char config[512], disk[HOUSE_PATH + 8], want[64];

	(void)state;
	snprintf(disk, sizeof(disk), "%s/disk", h->dir);
	snprintf(config, sizeof(config), "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\nhigh = 20%%\nlow = 10%%\n"
		 "[tier far]\nkind = file\npath = %s\ncapacity = 256M\n", disk);
	house_write_config(h, config);
	house_start(h);
	c = house_client(h, "dry", 0);
	named.name = "parched";
	assert_int_equal(ask_status(c, "dry_run"), 1);
	assert_int_equal(hmm_alloc(c, 12 * HUGE_PAGE, &named, &r), 0);
	words_fill(hmm_range_addr(r), 12 * HUGE_PAGE, 1);	/* far above the mark of 20 % */
	/* It tells what it would do, to whom and where to, and by then it has done nothing. */
	snprintf(want, sizeof(want), "(pid %d), range ", (int)getpid());
	assert_soon(house_logged(h, "dry run: would evict") && house_logged(h, want) && house_logged(h, "parched, to far"));
	assert_int_equal(ask_status(c, "evicted_bytes"), 0);
	assert_int_equal(ask_used(c, "far"), 0);
	assert_int_equal(access(disk, F_OK), -1);
	/* What is asked for is done, without the disk. */
	move_some(r, 0, HUGE_PAGE, "far", &result);
	assert_int_equal(result.moved, HUGE_PAGE);
	assert_int_equal(access(disk, F_OK), -1);
	assert_int_equal(words_bad(hmm_range_addr(r), 12 * HUGE_PAGE, 1), 0);
	hmm_client_unref(c);
	house_close(h);
	/* The same without it moves: the test would notice if nothing ever did. */
	o.args[0] = NULL;
	o.config = "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\nhigh = 20%\nlow = 10%\n"
		   "[tier far]\nkind = memory\ncapacity = 256M\n";
	h = house_open(&o);
	c = house_client(h, "wet", 0);
	assert_int_equal(hmm_alloc(c, 12 * HUGE_PAGE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), 12 * HUGE_PAGE, 1);
	assert_soon(ask_status(c, "evicted_bytes") > 0);
	hmm_client_unref(c);
	house_close(h);
}

/* A dry run with the tier of a file, */
static struct house *dry_house(void)
{
	struct house_options o = { .args = { "--dry-run" } };
	struct house *h = house_prepare(&o);
	char config[512];

	snprintf(config, sizeof(config), "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n"
		 "[tier far]\nkind = file\npath = %s/disk\ncapacity = 64M\n[policy default]\nengine = static\ntrack = no\n", h->dir);
	house_write_config(h, config);
	house_start(h);
	return h;
}

/* and four pages of ours that it was asked to put there. */
static void put_there(const struct house *h, struct hmm_client **ret, struct hmm_range **ret_range)
{
	*ret = house_client(h, "killed", 0);
	assert_int_equal(hmm_alloc(*ret, 4 * HUGE_PAGE, NULL, ret_range), 0);
	words_fill(hmm_range_addr(*ret_range), 4 * HUGE_PAGE, 2);
	move_all(*ret_range, 0, 4 * HUGE_PAGE, "far");
}

static void wet_after_it_was_killed(struct house *h)
{
	house_kill(h);
	h->options.args[0] = NULL;
	house_start(h);
}

/* Removed as well: a tier's file is not hmmd's to remove. */
static bool had_disk(const struct house *h)
{
	char disk[HOUSE_PATH + 8];

	snprintf(disk, sizeof(disk), "%s/disk", h->dir);
	return !unlink(disk);
}

/* What a dry run was asked to put into the tier of a file is in memory, also for who comes after it was killed. */
static void a_dry_run_that_is_killed_loses_nothing(void **state)
{
	struct hmm_client *c;
	struct hmm_range *r;
	struct house *h = dry_house();
	char said[160];

	(void)state;
	put_there(h, &c, &r);
	wet_after_it_was_killed(h);
	assert_false(had_disk(h));
	/* Everybody may know, and nobody is named to everybody. */
	assert_true(house_logged(h, "tier far is in memory and not in its file until hmmd starts without programs that"));
	assert_int_equal(words_bad(hmm_range_addr(r), 4 * HUGE_PAGE, 2), 0);
	ask_text(c, "doctor", "check", "tiers", "text", said, sizeof(said));
	assert_non_null(strstr(said, "far in memory and not in its file"));
	hmm_client_unref(c);
	house_close(h);
}

/* A map of who has what there that could not be used, and says nobody, is not believed by the next one. */
static void an_old_map_does_not_speak_for_a_dry_run(void **state)
{
	struct house *h = dry_house();
	char map[HOUSE_PATH + 16], old[HOUSE_PATH + 16];
	struct hmm_client *c;
	struct hmm_range *r;

	(void)state;
	snprintf(map, sizeof(map), "%s/slots.1", h->state);
	snprintf(old, sizeof(old), "%s/old", h->dir);
	hmm_client_unref(house_client(h, "first", 0));	/* hmmd is there and no longer starting */
	assert_int_equal(house_stop(h), 0);
	assert_int_equal(rename(map, old), 0);
	assert_int_equal(symlink(old, map), 0);	/* is not followed by who would write it */
	house_start(h);
	put_there(h, &c, &r);
	wet_after_it_was_killed(h);
	assert_true(house_logged(h, "tier far is in memory and not in its file"));
	assert_int_equal(words_bad(hmm_range_addr(r), 4 * HUGE_PAGE, 2), 0);
	hmm_client_unref(c);
	assert_int_equal(unlink(old), 0);
	house_close(h);
}

/* The memory is not kept for its own sake: who still lives has nothing there. */
static void what_a_dry_run_left_is_let_go_when_nobody_wants_it(void **state)
{
	struct hmm_client *c;
	struct hmm_range *r;
	struct house *h = dry_house();
	struct seen seen = { 0 };

	(void)state;
	put_there(h, &c, &r);
	assert_int_equal(hmm_client_set_event_handler(c, seen_note, &seen), 0);
	move_all(r, 0, 4 * HUGE_PAGE, "dram");
	wet_after_it_was_killed(h);
	assert_soon(atomic_load(&seen.reconnected) == 1);
	assert_false(house_logged(h, "tier far is in memory"));
	assert_int_equal(words_bad(hmm_range_addr(r), 4 * HUGE_PAGE, 2), 0);
	hmm_client_unref(c);
	assert_true(had_disk(h));
	house_close(h);
}

static void one_daemon_per_socket(void **state)
{
	struct house *h = house_open(NULL);
	int status = house_run(h, NULL);
	struct hmm_client *c;

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 0);
	c = house_client(h, "still here", 0);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_name_file_and_line),
		cmocka_unit_test(what_does_not_fit_together_has_its_line),
		cmocka_unit_test(all_is_told_and_warnings_apart),
		cmocka_unit_test(what_does_not_fit_together_is_refused),
		cmocka_unit_test(drop_ins_change_single_values),
		cmocka_unit_test(bad_arguments_are_refused),
		cmocka_unit_test(dry_run_moves_nothing),
		cmocka_unit_test(a_dry_run_that_is_killed_loses_nothing),
		cmocka_unit_test(an_old_map_does_not_speak_for_a_dry_run),
		cmocka_unit_test(what_a_dry_run_left_is_let_go_when_nobody_wants_it),
		cmocka_unit_test(one_daemon_per_socket),
	};

	return cmocka_run_group_tests_name("configuration", tests, NULL, NULL);
}
