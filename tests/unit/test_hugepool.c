// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The huge-page setting: it follows what is used, and is put back whoever changes it, and whoever is killed. Files
 * take the place of the machine's.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "tests/support/test.h"

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define SETTING POOL "nr_overcommit_hugepages"
#define SURPLUS POOL "surplus_hugepages"

static char dir[64], record[96], fake[96], fake_surplus[96];
static struct hugepool *pool;
static bool setting_is_fake, surplus_is_fake;

static int open_pool(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(strcpy(dir, "/tmp/hmmd-hugepool-XXXXXX")));
	snprintf(record, sizeof(record), "%s/record", dir);
	snprintf(fake, sizeof(fake), "%s/setting", dir);
	snprintf(fake_surplus, sizeof(fake_surplus), "%s/surplus", dir);
	return 0;
}

static int close_dir(void)
{
	unlink(record);
	unlink(fake);
	unlink(fake_surplus);
	return rmdir(dir);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static long number_in(const char *path)
{
	long n = -1;
	FILE *f = fopen(path, "re");

	assert_int_equal(fscanf(f, "%ld", &n), 1);
	fclose(f);
	return n;
}

static bool stand_in(const char *file, const char *text, const char *at)
{
	write_text(file, text);
	return mount(file, at, NULL, MS_BIND, NULL) == 0;
}

/*
 * The real setting belongs to everybody, and what others take of the pool changes at any time: files take the
 * place of both, in a mount namespace of this process.
 */
static const char *fake_setting(const char *setting, const char *surplus)
{
	static char reason[128];

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return "no mount namespace for us";
	setting_is_fake = stand_in(fake, setting, SETTING);
	surplus_is_fake = setting_is_fake && stand_in(fake_surplus, surplus, SURPLUS);
	if (surplus_is_fake)
		return NULL;
	snprintf(reason, sizeof(reason), "nothing can be mounted over the 2 MiB pool's files: %s", strerror(errno));
	return reason;
}

/* Also after a test that failed half-way: what it left mounted would be met by the next one. */
static int close_pool(void **state)
{
	(void)state;
	pool = hugepool_free(pool);
	if (surplus_is_fake)
		umount2(SURPLUS, MNT_DETACH);
	if (setting_is_fake)
		umount2(SETTING, MNT_DETACH);
	setting_is_fake = surplus_is_fake = false;
	return close_dir();
}

static void stand_ins(const char *setting, const char *surplus)
{
	const char *missing = fake_setting(setting, surplus);

	if (missing)
		skip_because("%s", missing);
}

static void set_number(const char *path, long n)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fprintf(f, "%ld\n", n);
	assert_int_equal(fclose(f), 0);
}

/* Another daemon, which adds its part and then waits or is killed. */
static pid_t other_daemon(uint64_t headroom, bool dies)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (hugepool_new(&pool, record, UINT64_MAX, headroom))
			_exit(1);
		if (dies)
			raise(SIGKILL);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	if (dies)
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* What others have taken of our part is made good as far as the headroom goes. */
static void pool_follows_the_use_and_is_put_back(void **state)
{
	uint64_t seen = 0;

	(void)state;
	stand_ins("1000\n", "0\n");
	assert_int_equal(hugepool_new(&pool, record, 100 * HUGE_PAGE, 10 * HUGE_PAGE), 0);
	assert_int_equal(number_in(SETTING), 1010);
	hugepool_follow(pool, 40 * HUGE_PAGE);	/* the pool's own pages did */
	assert_int_equal(number_in(SETTING), 1010);
	set_number(SURPLUS, 1007);	/* of these, 7 of ours and 1000 of others */
	hugepool_follow(pool, 7 * HUGE_PAGE);
	assert_int_equal(number_in(SETTING), 1017);
	assert_true(hugepool_more(pool, 7 * HUGE_PAGE, &seen));
	assert_int_equal(number_in(SETTING), 1017);	/* it was raised since this one asked */
	set_number(SURPLUS, 1017);	/* others took all that was left */
	assert_true(hugepool_more(pool, 8 * HUGE_PAGE, &seen));
	assert_int_equal(number_in(SETTING), 1027);
	set_number(SURPLUS, 1027);
	assert_true(hugepool_more(pool, 8 * HUGE_PAGE, &seen));
	assert_int_equal(number_in(SETTING), 1028);
	set_number(SURPLUS, 1028);
	assert_false(hugepool_more(pool, 8 * HUGE_PAGE, &seen));
	assert_int_equal(number_in(SETTING), 1028);
	set_number(SURPLUS, 1095);
	hugepool_follow(pool, 95 * HUGE_PAGE);
	assert_int_equal(number_in(SETTING), 1100);	/* no more than the ceiling */
	hugepool_set_ceiling(pool, 20 * HUGE_PAGE);
	hugepool_follow(pool, 95 * HUGE_PAGE);
	assert_int_equal(number_in(SETTING), 1020);
	pool = hugepool_free(pool);
	assert_int_equal(number_in(SETTING), 1000);
	assert_null(hugepool_free(NULL));
}

/* Pages of an earlier daemon's clients are nobody else's. */
static void pool_begins_above_what_is_there(void **state)
{
	(void)state;
	stand_ins("5\n", "85\n");
	assert_int_equal(hugepool_new(&pool, record, UINT64_MAX, 10 * HUGE_PAGE), 0);
	assert_int_equal(number_in(SETTING), 95);
	hugepool_follow(pool, 60 * HUGE_PAGE);
	assert_int_equal(number_in(SETTING), 95);
	set_number(SURPLUS, 60);
	hugepool_follow(pool, 60 * HUGE_PAGE);
	assert_int_equal(number_in(SETTING), 75);
}

/* What strangers hold when somebody takes the setting down was not taken of ours. */
static void pool_is_not_starved_by_a_lower_setting(void **state)
{
	uint64_t seen = 0;

	(void)state;
	stand_ins("500\n", "0\n");
	assert_int_equal(hugepool_new(&pool, record, UINT64_MAX, 10 * HUGE_PAGE), 0);
	set_number(SURPLUS, 300);
	set_number(SETTING, 100);
	hugepool_follow(pool, 0);
	assert_int_equal(number_in(SETTING), 310);
	assert_true(hugepool_more(pool, HUGE_PAGE, &seen));
	set_number(SURPLUS, 310);
	assert_false(hugepool_more(pool, HUGE_PAGE, &seen) && number_in(SETTING) > 311);
	pool = hugepool_free(pool);
	assert_int_equal(number_in(SETTING), 100);
}

static void pool_of_a_daemon_that_was_killed_is_given_back(void **state)
{
	(void)state;
	stand_ins("7\n", "0\n");
	other_daemon(100 * HUGE_PAGE, true);
	assert_int_equal(number_in(SETTING), 107);
	assert_int_equal(hugepool_new(&pool, record, UINT64_MAX, 3 * HUGE_PAGE), 0);
	assert_int_equal(number_in(SETTING), 10);
	pool = hugepool_free(pool);
	assert_int_equal(number_in(SETTING), 7);
	other_daemon(100 * HUGE_PAGE, true);
	assert_int_equal(hugepool_give_back(record), 0);
	assert_int_equal(number_in(SETTING), 7);
}

static void pools_of_two_daemons_do_not_undo_each_other(void **state)
{
	pid_t other;

	(void)state;
	stand_ins("0\n", "0\n");
	other = other_daemon(20 * HUGE_PAGE, false);
	assert_soon(number_in(SETTING) == 20);
	assert_int_equal(hugepool_new(&pool, record, UINT64_MAX, 10 * HUGE_PAGE), 0);
	assert_int_equal(number_in(SETTING), 30);
	pool = hugepool_free(pool);
	assert_int_equal(number_in(SETTING), 20);
	kill(other, SIGKILL);
	assert_int_equal(waitpid(other, NULL, 0), other);
	assert_int_equal(hugepool_give_back(record), 0);
	assert_int_equal(number_in(SETTING), 0);
}

/* What the administrator writes is what was meant: nothing is taken away from it. */
static void pool_leaves_what_the_administrator_sets(void **state)
{
	(void)state;
	stand_ins("50\n", "0\n");
	assert_int_equal(hugepool_new(&pool, record, UINT64_MAX, 10 * HUGE_PAGE), 0);
	set_number(SETTING, 5);
	pool = hugepool_free(pool);
	assert_int_equal(number_in(SETTING), 5);
	assert_int_equal(hugepool_new(&pool, record, UINT64_MAX, 10 * HUGE_PAGE), 0);
	assert_int_equal(number_in(SETTING), 15);
	set_number(SETTING, 400);
	hugepool_follow(pool, 0);
	assert_int_equal(number_in(SETTING), 410);
	pool = hugepool_free(pool);
	assert_int_equal(number_in(SETTING), 400);
	other_daemon(10 * HUGE_PAGE, true);
	set_number(SETTING, 3);
	assert_int_equal(hugepool_give_back(record), 0);
	assert_int_equal(number_in(SETTING), 3);
}

/* Killed between the record and the setting, or between the setting and the record. */
static void pool_knows_whether_a_change_was_made(void **state)
{
	static const char under_way[] = "hmmd-hugepages 1\nsetting 30 90\nshare 4 20 80\n";

	(void)state;
	stand_ins("30\n", "0\n");
	write_text(record, under_way);
	assert_int_equal(hugepool_give_back(record), 0);
	assert_int_equal(number_in(SETTING), 10);
	set_number(SETTING, 90);
	write_text(record, under_way);
	assert_int_equal(hugepool_give_back(record), 0);
	assert_int_equal(number_in(SETTING), 10);
}

static void pool_refuses_a_record_of_another_version(void **state)
{
	(void)state;
	stand_ins("30\n", "0\n");
	assert_int_equal(hugepool_give_back(record), 0);	/* there is none */
	write_text(record, "hmmd-hugepages 2\nsetting 30 30\n");
	assert_int_equal(hugepool_give_back(record), -EPROTONOSUPPORT);
	assert_int_equal(hugepool_new(&pool, record, UINT64_MAX, 10 * HUGE_PAGE), -EPROTONOSUPPORT);
	assert_non_null(strstr(hugepool_trouble(-EPROTONOSUPPORT), "version"));
	assert_int_equal(number_in(SETTING), 30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pool_follows_the_use_and_is_put_back),
		TEST(pool_begins_above_what_is_there),
		TEST(pool_is_not_starved_by_a_lower_setting),
		TEST(pool_of_a_daemon_that_was_killed_is_given_back),
		TEST(pools_of_two_daemons_do_not_undo_each_other),
		TEST(pool_leaves_what_the_administrator_sets),
		TEST(pool_knows_whether_a_change_was_made),
		TEST(pool_refuses_a_record_of_another_version),
	};

	return cmocka_run_group_tests_name("hugepool", tests, NULL, NULL);
}
