// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon comes back with another configuration while programs live. What is on record of their pages names
 * tiers by their place and files by their kind, so places and kind must be what they were, whatever the file says.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/seen.h"
#include "tests/support/words.h"

enum { PAGES = 12, SEED = 141 };
#define SIZE (PAGES * HUGE_PAGE)

#define DRAM "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n"
#define QUIET "[policy default]\nengine = static\ntrack = no\n"

/* One file tier; %s is the house. */
#define DISK(name, capacity) "[tier " name "]\nkind = file\npath = %1$s/" name "\ncapacity = " capacity "\n"

static void configure(struct house *h, const char *format)
{
	char config[1024];

	snprintf(config, sizeof(config), format, h->dir);
	house_write_config(h, config);
}

struct life {
	struct house *h;
	struct hmm_client *c;
	struct hmm_range *r;
	struct seen seen;
};

/* Who waits as long as the test does, however many starts are refused meanwhile. */
static struct hmm_client *patient(const struct house *h)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;

	o.socket_path = h->socket;
	o.reconnect_timeout_us = UINT64_MAX;
	assert_int_equal(hmm_client_new(&c, &o), 0);
	return c;
}

/* A third of the range in memory, a third on `near`, a third on `far`; then the daemon is killed. */
static void live(struct life *l, const char *backing)
{
	*l = (struct life){ .h = house_prepare(&(struct house_options){ .backing = backing }) };
	configure(l->h, DRAM DISK("near", "64M") DISK("far", "64M") QUIET);
	house_start(l->h);
	l->c = patient(l->h);
	assert_int_equal(hmm_client_set_event_handler(l->c, seen_note, &l->seen), 0);
	assert_int_equal(hmm_alloc(l->c, SIZE, NULL, &l->r), 0);
	words_fill(hmm_range_addr(l->r), SIZE, SEED);
	move_all(l->r, 0, SIZE / 3, "near");
	move_all(l->r, SIZE / 3, SIZE / 3, "far");
	house_kill(l->h);
}

/* A daemon runs again, and everything is there: first as it lies, then in memory. */
static void all_is_there(struct life *l, unsigned int starts)
{
	assert_soon(atomic_load(&l->seen.reconnected) == starts);
	assert_int_equal(ask_used(l->c, "near"), SIZE / 3);
	assert_int_equal(ask_used(l->c, "far"), SIZE / 3);
	assert_int_equal(words_bad(hmm_range_addr(l->r), SIZE, SEED), 0);
	assert_int_equal(atomic_load(&l->seen.lost), 0);
	move_all(l->r, 0, SIZE / 3, "near");
	move_all(l->r, SIZE / 3, SIZE / 3, "far");
}

static void die(struct life *l)
{
	assert_int_equal(hmm_range_free(l->r), 0);
	hmm_client_unref(l->c);
	assert_soon(count_files(l->h->state, ".ledger") == 0);
	house_close(l->h);
}

static void another_order(void **state)
{
	struct hmm_move_result result;
	struct life l;

	(void)state;
	live(&l, NULL);
	configure(l.h, DISK("far", "64M") DISK("new", "64M") DISK("near", "64M") DRAM QUIET "[quota default]\ntier.new = 4M\n");
	house_start(l.h);
	all_is_there(&l, 1);
	/* The quota went with its tier. */
	assert_int_equal(words_bad(hmm_range_addr(l.r), SIZE, SEED), 0);
	move_some(l.r, 0, SIZE / 3, "new", &result);
	assert_int_equal(result.moved, 4 * MiB);
	/* Read again the file is the same configuration. */
	kill(l.h->pid, SIGHUP);
	assert_soon(house_logged(l.h, "the configuration was read again"));
	/* What a reload adds is on record, too. */
	configure(l.h, DISK("late", "64M") DISK("far", "64M") DISK("new", "64M") DISK("near", "64M") DRAM QUIET);
	kill(l.h->pid, SIGHUP);
	assert_soon(ask_number(l.c, "tiers", "name", "late", "capacity") == 64 * MiB);
	assert_int_equal(words_bad(hmm_range_addr(l.r), SIZE, SEED), 0);
	move_all(l.r, 0, SIZE / 3, "late");
	house_kill(l.h);
	configure(l.h, DRAM DISK("new", "64M") DISK("near", "64M") DISK("late", "64M") DISK("far", "64M") QUIET);
	house_start(l.h);
	assert_soon(atomic_load(&l.seen.reconnected) == 2);
	assert_int_equal(ask_used(l.c, "late"), SIZE / 3);
	assert_int_equal(words_bad(hmm_range_addr(l.r), SIZE, SEED), 0);
	assert_int_equal(atomic_load(&l.seen.lost), 0);
	die(&l);
}

/* The sections' order is the order of preference all the same. */
static void preference_follows_the_file(void **state)
{
	struct life l;
	char tiers[64];

	(void)state;
	live(&l, NULL);
	configure(l.h, DISK("far", "64M") DRAM DISK("near", "64M") QUIET);
	house_start(l.h);
	all_is_there(&l, 1);
	ask_text(l.c, "policies", "key", "tiers", "value", tiers, sizeof(tiers));
	assert_string_equal(tiers, "far,dram,near");
	die(&l);
}

static void what_would_read_the_wrong_device_is_refused(void **state)
{
	static const char *const bad[] = {
		DRAM DISK("near", "64M") QUIET,						/* it is missing */
		DRAM DISK("near", "64M") DISK("farther", "64M") QUIET,			/* has another name */
		DRAM DISK("near", "64M") "[tier far]\nkind = memory\n" QUIET,
		DRAM DISK("near", "64M") "[tier far]\nkind = file\npath = %1$s/else\ncapacity = 64M\n" QUIET,
	};
	struct life l;

	(void)state;
	live(&l, NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unlink(l.h->log);
		configure(l.h, bad[i]);
		assert_false(house_try(l.h));
		assert_true(house_logged(l.h, "tier far "));
		assert_true(house_logged(l.h, l.h->config));
	}
	configure(l.h, DRAM DISK("near", "64M") DISK("far", "64M") QUIET);
	house_start(l.h);
	all_is_there(&l, 1);
	die(&l);
}

static void sh(const char *format, const struct house *h)
{
	char command[1024];

	snprintf(command, sizeof(command), format, h->dir);
	assert_int_equal(system(command), 0);
}

/* Each spoils the device, and mends it again. %1$s is the house. */
static void a_device_that_is_not_what_it_was_is_refused(void **state)
{
	static const char *const spoilt[][2] = {
		{ "cd %1$s && cp --sparse=never far far.was && truncate -s 30M far", "cd %1$s && cp --sparse=never far.was far" },
		{ "cd %1$s && truncate -s 30M far && truncate -s $(stat -c %%s far.was) far", "cd %1$s && cp --sparse=never far.was far" },
		{ "cd %1$s && truncate -s 0 far", "cd %1$s && cp --sparse=never far.was far" },
		{ "cd %1$s && mv far away", "cd %1$s && test ! -e far && mv away far" },
		{ "cd %1$s && mv far x && mv near far && mv x near", "cd %1$s && mv far x && mv near far && mv x near" },
		{ "cd %1$s && head -c 40M /dev/urandom >far", "cd %1$s && cp --sparse=never far.was far" },
	};
	struct life l;

	(void)state;
	live(&l, NULL);
	for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
		unlink(l.h->log);
		configure(l.h, DRAM DISK("near", "64M") DISK("far", "64M") QUIET);
		sh(spoilt[i][0], l.h);
		assert_false(house_try(l.h));
		assert_true(house_logged(l.h, "may hold memory of pid"));
		sh(spoilt[i][1], l.h);
	}
	sh("rm %1$s/far.was", l.h);
	house_start(l.h);
	all_is_there(&l, 1);
	die(&l);
}

/* An older copy of the device has its name and its length, and words that were true once. */
static void an_older_copy_is_refused(void **state)
{
	struct life l;

	(void)state;
	live(&l, NULL);
	sh("cd %1$s && cp far far.was", l.h);
	for (unsigned int starts = 1; starts <= 2; starts++) {
		house_start(l.h);
		all_is_there(&l, starts);
		house_kill(l.h);
	}
	sh("cd %1$s && mv far away && mv far.was far", l.h);
	unlink(l.h->log);
	assert_false(house_try(l.h));
	assert_true(house_logged(l.h, "tier far may hold memory of pid"));
	sh("cd %1$s && mv away far", l.h);
	house_start(l.h);
	all_is_there(&l, 3);
	die(&l);
}

/* The operator gives the pages up: lost and said so, never zeros. */
static void pages_can_be_given_up(void **state)
{
	uint8_t tiers[PAGES];
	struct life l;

	(void)state;
	live(&l, NULL);
	sh("rm %1$s/far %1$s/state/tiers", l.h);
	house_start(l.h);
	assert_soon(atomic_load(&l.seen.reconnected) == 1);
	assert_soon(atomic_load(&l.seen.lost) > 0);
	assert_int_equal(hmm_range_residency(l.r, 0, 0, tiers), 0);
	for (size_t i = 0; i < PAGES; i++)
		assert_int_equal(tiers[i] == HMM_TIER_LOST, i < 2 * PAGES / 3);	/* one record is of all devices */
	die(&l);
}

/* Pages lie all over it. */
static void a_device_does_not_shrink_under_them(void **state)
{
	struct life l;

	(void)state;
	live(&l, NULL);
	configure(l.h, DRAM DISK("near", "64M") DISK("far", "2M") QUIET);
	house_start(l.h);
	all_is_there(&l, 1);
	assert_int_equal(ask_number(l.c, "tiers", "name", "far", "capacity"), 64 * MiB);
	die(&l);
}

static void without_programs_anything_goes(void **state)
{
	struct house *h = house_prepare(NULL);
	struct hmm_client *c, *observer;
	struct seen seen = { 0 };

	(void)state;
	configure(h, DRAM DISK("near", "64M") DISK("far", "64M") QUIET);
	house_start(h);
	c = house_client(h, "a client with nothing", 0);	/* does not count */
	assert_int_equal(hmm_client_set_event_handler(c, seen_note, &seen), 0);
	house_kill(h);
	configure(h, DISK("far", "32M") DRAM QUIET);
	house_start(h);
	observer = house_client(h, "observer", HMM_CLIENT_NO_HELPER);
	assert_int_equal(ask_number(observer, "tiers", "name", "far", "capacity"), 32 * MiB);
	assert_int_equal(ask_tier(observer, "far"), 0);
	hmm_client_unref(observer);
	assert_soon(atomic_load(&seen.reconnected) == 1);
	hmm_client_unref(c);
	assert_soon(count_files(h->state, ".ledger") == 0);
	house_close(h);
}

/* Their files are of the backing that they had, whatever would be chosen now. */
static void the_backing_is_theirs(void **state)
{
	static const char *const others[] = { "auto", "hugetlb", "thp", "small" };
	const char *missing = house_backing_missing(*state);
	struct life l;
	unsigned int starts = 0;
	char backing[16];

	if (missing)
		skip_because("%s", missing);
	live(&l, *state);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(l.h->backing, sizeof(l.h->backing), "%s", others[i]);
		configure(l.h, DRAM DISK("near", "64M") DISK("far", "64M") QUIET);
		house_start(l.h);
		all_is_there(&l, ++starts);
		ask_text(l.c, "status", NULL, NULL, "backing", backing, sizeof(backing));
		assert_string_equal(backing, *state);
		house_kill(l.h);
	}
	house_start(l.h);
	all_is_there(&l, ++starts);
	die(&l);
}

/* The tmpfs cannot be found again: starting would be losing it. */
static void a_backing_that_is_gone_is_said(void **state)
{
	const char *missing = house_backing_missing("thp");
	struct house *h;
	struct life l;
	char dir[HOUSE_PATH + 8];

	(void)state;
	if (missing)
		skip_because("%s", missing);
	live(&l, "thp");
	h = l.h;
	snprintf(dir, sizeof(dir), "%s/thp", h->state);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(mknod(dir, S_IFREG | 0600, 0), 0);
	assert_false(house_try(h));
	assert_true(house_logged(h, "thp"));
	assert_true(house_logged(h, "which lives"));
	assert_int_equal(unlink(dir), 0);
	hmm_range_free(l.r);
	hmm_client_unref(l.c);
	house_remove(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_order),
		cmocka_unit_test(preference_follows_the_file),
		cmocka_unit_test(what_would_read_the_wrong_device_is_refused),
		cmocka_unit_test(a_device_that_is_not_what_it_was_is_refused),
		cmocka_unit_test(an_older_copy_is_refused),
		cmocka_unit_test(pages_can_be_given_up),
		cmocka_unit_test(a_device_does_not_shrink_under_them),
		cmocka_unit_test(without_programs_anything_goes),
		PER_BACKING(the_backing_is_theirs),
		cmocka_unit_test(a_backing_that_is_gone_is_said),
	};

	return cmocka_run_group_tests_name("reconfigure", tests, NULL, NULL);
}
