// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All managed ranges of a client are windows of one file: 64 of them cost as many descriptors as one does, in the
 * client, in the daemon and in the store, and the daemon that comes back finds each where it was.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/manager.h"
#include "tests/support/move.h"
#include "tests/support/rawpeer.h"
#include "tests/support/seen.h"
#include "tests/support/words.h"

enum { MANY = 64, SEED = 4096 };

struct cost {
	int client, daemon;
	size_t stored;
};

/* A program of its own, for ours holds what the stand-in for systemd stores. */
static void live_with_ranges(const struct house *h, unsigned int n, int ready)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;
	struct hmm_range *r = NULL;

	o.socket_path = h->socket;
	if (hmm_client_new(&c, &o) < 0)
		_exit(1);
	for (unsigned int i = 0; i < n; i++) {
		if (hmm_alloc(c, HUGE_PAGE, NULL, &r) < 0)
			_exit(1);
		*(volatile char *)hmm_range_addr(r) = 1;
	}
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static struct cost cost_of(const struct house *h, unsigned int n)
{
	struct cost cost;
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid)
		live_with_ranges(h, n, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	cost.client = count_descriptors(pid);
	cost.daemon = count_descriptors_at_rest(h->pid);
	cost.stored = manager_stored(h->manager);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_soon(manager_stored(h->manager) == 0);
	return cost;
}

static void many_ranges_cost_what_one_does(void **state)
{
	struct house_options o = { .backing = *state, .managed = true,
				   .config = "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 192M\n"
					     "[policy default]\nengine = static\ntrack = no\n" };
	const char *missing = house_backing_missing(*state);
	struct cost one, many;
	struct house *h;

	if (missing)
		skip_because("%s", missing);
	h = house_open(&o);
	cost_of(h, 1);	/* what the daemon opens once */
	one = cost_of(h, 1);
	many = cost_of(h, MANY);
	printf("# %d ranges: client %d, hmmd %d, stored %zu; one: %d, %d, %zu\n", MANY, many.client, many.daemon,
	       many.stored, one.client, one.daemon, one.stored);
	assert_int_equal(many.client, one.client);
	assert_true(many.daemon < one.daemon + 8);	/* what it opens now and then, whoever is there */
	assert_int_equal(many.stored, one.stored);
	house_close(h);
}

static struct house *with_file(const char *backing, bool managed)
{
	struct house_options o = { .backing = backing, .managed = managed };
	struct house *h = house_prepare(&o);
	char config[512];

	snprintf(config, sizeof(config), "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 64M\n"
		 "[tier far]\nkind = file\npath = %s/far\ncapacity = 512M\n"
		 "[policy default]\nengine = static\ntrack = no\n", h->dir);
	house_write_config(h, config);
	house_start(h);
	return h;
}

static void alloc_filled(struct hmm_client *c, struct hmm_range **ret, uint64_t seed)
{
	assert_int_equal(hmm_alloc(c, 2 * HUGE_PAGE, NULL, ret), 0);
	words_fill(hmm_range_addr(*ret), 2 * HUGE_PAGE, seed);
}

static size_t all_bad(struct hmm_range *const *r)
{
	size_t bad = 0;

	for (unsigned int i = 0; i < MANY; i++)
		bad += r[i] ? words_bad(hmm_range_addr(r[i]), 2 * HUGE_PAGE, SEED + i) : 0;
	return bad;
}

static void restart(struct house *h, struct seen *seen)
{
	unsigned int before = atomic_load(&seen->reconnected);

	house_kill(h);
	house_start(h);
	assert_soon(atomic_load(&seen->reconnected) == before + 1);
}

/* Twice as much as there is memory, so half of it is on the device when the daemon dies; freed and made anew in between. */
static void kill_under_many(struct house *h)
{
	struct hmm_client *c = house_client(h, "windows", 0);
	struct hmm_range *r[MANY];
	struct seen seen = { 0 };

	assert_int_equal(hmm_client_set_event_handler(c, seen_note, &seen), 0);
	for (unsigned int i = 0; i < MANY; i++)
		alloc_filled(c, &r[i], SEED + i);
	restart(h, &seen);
	assert_int_equal(all_bad(r), 0);
	for (unsigned int i = 0; i < MANY; i += 3) {
		assert_int_equal(hmm_range_free(r[i]), 0);
		r[i] = NULL;
	}
	restart(h, &seen);
	for (unsigned int i = 0; i < MANY; i += 3) {
		assert_int_equal(hmm_alloc(c, 2 * HUGE_PAGE, NULL, &r[i]), 0);
		for (size_t at = 0; at < 2 * HUGE_PAGE; at += sizeof(uint64_t))
			assert_int_equal(*(uint64_t *)((char *)hmm_range_addr(r[i]) + at), 0);
		words_fill(hmm_range_addr(r[i]), 2 * HUGE_PAGE, SEED + i);
	}
	restart(h, &seen);
	assert_int_equal(all_bad(r), 0);
	assert_int_equal(atomic_load(&seen.lost), 0);
	assert_int_equal(ask_status(c, "ranges"), MANY);
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(hmm_range_free(r[i]), 0);
	assert_int_equal(ask_sum(c, "tiers", "used"), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void a_kill_with_many_ranges_and_the_fd_store(void **state)
{
	const char *missing = house_backing_missing(*state);

	if (missing)
		skip_because("%s", missing);
	kill_under_many(with_file(*state, true));
}

static void a_kill_with_many_ranges_alone(void **state)
{
	const char *missing = house_backing_missing(*state);

	if (missing)
		skip_because("%s", missing);
	kill_under_many(with_file(*state, false));
}

/* Bytes of memory in the files without a name that we hold. By path: the library's threads close some meanwhile. */
static uint64_t held_in_files(void)
{
	uint64_t bytes = 0;
	char path[32];
	struct stat st;

	for (int fd = 3; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0)
			bytes += (uint64_t)st.st_blocks * 512;
	}
	return bytes;
}

static void expect_zeros(struct hmm_range *r)
{
	const char *at = hmm_range_addr(r);

	for (size_t i = 0; i < hmm_range_size(r); i++)
		assert_int_equal(at[i], 0);
}

/* With the daemon there, and while it is dead: then the next one hears of it first when the client is back. */
static void what_is_freed_is_memory_again(void **state)
{
	const char *missing = house_backing_missing(*state);
	struct hmm_client *c;
	struct hmm_range *r[4];
	struct seen seen = { 0 };
	struct house *h;
	uint64_t before;

	if (missing)
		skip_because("%s", missing);
	before = held_in_files();
	h = with_file(*state, false);
	c = house_client(h, "windows", 0);
	assert_int_equal(hmm_client_set_event_handler(c, seen_note, &seen), 0);
	for (unsigned int i = 0; i < 4; i++)
		alloc_filled(c, &r[i], SEED + i);
	assert_int_equal(held_in_files() - before, 8 * HUGE_PAGE);
	assert_int_equal(hmm_range_free(r[1]), 0);
	assert_int_equal(held_in_files() - before, 6 * HUGE_PAGE);
	assert_int_equal(hmm_alloc(c, 2 * HUGE_PAGE, NULL, &r[1]), 0);
	expect_zeros(r[1]);
	words_fill(hmm_range_addr(r[1]), 2 * HUGE_PAGE, SEED + 1);
	house_kill(h);
	assert_int_equal(hmm_range_free(r[2]), 0);
	assert_int_equal(held_in_files() - before, 6 * HUGE_PAGE);
	house_start(h);
	assert_soon(atomic_load(&seen.reconnected) == 1);
	assert_int_equal(hmm_alloc(c, 2 * HUGE_PAGE, NULL, &r[2]), 0);
	expect_zeros(r[2]);
	words_fill(hmm_range_addr(r[2]), 2 * HUGE_PAGE, SEED + 2);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(words_bad(hmm_range_addr(r[i]), 2 * HUGE_PAGE, SEED + i), 0);
	assert_int_equal(held_in_files() - before, 8 * HUGE_PAGE);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(hmm_range_free(r[i]), 0);
	assert_int_equal(held_in_files(), before);
	hmm_client_unref(c);
	house_close(h);
}

/* Whoever does not say that it can map windows gets a file of its own for every range. */
static void a_client_that_knows_no_windows(void **state)
{
	struct house *h;
	struct rawpeer *p;
	struct rawrange r[2];
	struct stat st;

	h = house_on(state, HOUSE_QUIET);
	p = rawpeer_open(h->socket);
	rawpeer_hello(p);
	rawpeer_attach(p);
	for (unsigned int i = 0; i < 2; i++) {
		rawpeer_alloc(p, 1 + i, &r[i]);
		assert_int_equal(fstat(r[i].file, &st), 0);
		assert_int_equal(st.st_size, r[i].size);
		rawpeer_map(p, &r[i]);
		words_fill(r[i].addr, r[i].size, SEED + i);
	}
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(words_bad(r[i].addr, r[i].size, SEED + i), 0);
	for (unsigned int i = 0; i < 2; i++)
		rawpeer_free(p, &r[i]);
	rawpeer_close(p);
	house_close(h);
}

/* Where files may not be large the windows are used up one day, and the program does not notice. */
static void a_file_that_is_used_up(void **state)
{
	struct house_options o = { .backing = *state, .config =
		"[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n[policy default]\nengine = static\ntrack = no\n" };
	const char *missing = house_backing_missing(*state);
	struct rlimit before, small;
	struct hmm_range *first = NULL, *r[3] = { NULL };
	struct hmm_client *c;
	struct house *h;

	if (missing)
		skip_because("%s", missing);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){ 32 * MiB, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	h = house_open(&o);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	c = house_client(h, "windows", 0);
	alloc_filled(c, &first, SEED);
	for (unsigned int i = 0; i < 30; i++) {
		assert_int_equal(hmm_range_free(r[i % 3]), 0);
		alloc_filled(c, &r[i % 3], SEED + i);
	}
	assert_int_equal(words_bad(hmm_range_addr(first), 2 * HUGE_PAGE, SEED), 0);
	for (unsigned int i = 27; i < 30; i++)
		assert_int_equal(words_bad(hmm_range_addr(r[i % 3]), 2 * HUGE_PAGE, SEED + i), 0);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(many_ranges_cost_what_one_does),
		PER_BACKING(a_kill_with_many_ranges_and_the_fd_store),
		PER_BACKING(a_kill_with_many_ranges_alone),
		PER_BACKING(what_is_freed_is_memory_again),
		PER_BACKING(a_client_that_knows_no_windows),
		PER_BACKING(a_file_that_is_used_up),
	};

	return cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}
