// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Promises: what is taken always fits, and a machine that is promised away to the last page still
 * works.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/alloc_fail.h"
#include "tests/unit/core_world.h"
#include "tests/unit/random.h"

static struct config config;
static struct world *w;

enum { ALL = 1 << DRAM | 1 << FAR, FAR_PROMISABLE = 256 - COMMIT_RESERVE_PAGES };

static void open_world(void)
{
	assert_int_equal(config_check(&config, (char[256]){ 0 }, 256), 0);
	assert_int_equal(world_new(&w, &config, 1), 0);
}

static void the_sum_of_the_tiers_is_the_limit(void **state)
{
	struct account *a, *b;

	(void)state;
	test_config(&config);
	open_world();
	a = world_account(w, 1);
	b = world_account(w, 2);
	assert_int_equal(commit_take(w, a, ALL, (64 + FAR_PROMISABLE + 1) * PAGE), COMMIT_E_FULL);
	assert_int_equal(commit_take(w, a, ALL, 200 * PAGE), 0);
	assert_int_equal(commit_take(w, b, ALL, (64 + FAR_PROMISABLE - 200 + 1) * PAGE),
			 COMMIT_E_FULL);
	assert_int_equal(commit_take(w, b, ALL, (64 + FAR_PROMISABLE - 200) * PAGE), 0);
	assert_int_equal(commit_take(w, b, ALL, 1), COMMIT_E_FULL);
	assert_int_equal(commit_take(w, b, 1 << DISK, 10 * PAGE), 0); /* elsewhere there is room */
	assert_int_equal(commit_take(w, b, 1 << DISK | ALL, (FAR_PROMISABLE - 10) * PAGE), 0);
	assert_int_equal(commit_take(w, a, 1 << DISK, PAGE),
			 COMMIT_E_FULL); /* somebody counts on it */
	assert_true(commit_fits(w));
	commit_give(w, b, 1 << DISK | ALL, PAGE);
	assert_int_equal(commit_take(w, a, 1 << DISK, PAGE), 0);
	tier_set_limit(&w->tiers[FAR], tier_promised(&w->tiers[FAR]) - PAGE);
	assert_false(commit_fits(w));
	world_free(w);
}

static void a_uid_has_its_own_sum(void **state)
{
	struct account *a;

	(void)state;
	test_config(&config);
	config.quotas[config.n_quotas++] = config.default_quota;
	config.quotas[0].uid = 5;
	config.quotas[0].bytes[DRAM] = 8 * PAGE;
	config.quotas[0].bytes[FAR] = 32 * PAGE;
	open_world();
	a = world_account(w, 5);
	assert_int_equal(commit_take(w, a, ALL, (8 + 32) * PAGE), COMMIT_E_QUOTA);
	assert_int_equal(commit_take(w, a, ALL, (8 + 30) * PAGE),
			 0); /* 32 / 16 pages to swap with */
	assert_int_equal(commit_take(w, a, ALL, PAGE), COMMIT_E_QUOTA);
	assert_int_equal(commit_take(w, a, ALL, 1000 * PAGE),
			 COMMIT_E_FULL); /* nobody could have that */
	w->tiers[FAR].state = TIER_DRAINING;
	assert_int_equal(commit_take(w, world_account(w, 6), ALL, 27 * PAGE), COMMIT_E_FULL);
	world_free(w);
}

/*
 * Who may have little on devices must have the rest in memory: if that took all of it, nobody else could
 * ever bring a page in.
 */
static void forced_residents_leave_room(void **state)
{
	struct account *a;

	(void)state;
	test_config(&config);
	config.quotas[config.n_quotas++] = config.default_quota;
	config.quotas[0].uid = 5;
	config.quotas[0].bytes[FAR] = 40 * PAGE;
	open_world();
	a = world_account(w, 5);
	assert_int_equal(commit_take(w, a, ALL, 101 * PAGE), COMMIT_E_FULL);	/* 61 of 64 */
	assert_int_equal(commit_take(w, a, ALL, 100 * PAGE), 0);
	assert_true(commit_fits(w));
	a->pools[FAR].limit -= PAGE;
	assert_false(commit_fits(w));
	world_free(w);
}

static void moves_and_want_of_memory(void **state)
{
	struct account *a;

	(void)state;
	test_config(&config);
	open_world();
	a = world_account(w, 1);
	alloc_fail_after(0);
	assert_int_equal(commit_take(w, a, ALL, PAGE), -ENOMEM);
	assert_true(alloc_failed());
	assert_int_equal(w->n_commits, 0);
	assert_int_equal(commit_take(w, a, ALL, 3 * PAGE), 0);
	alloc_fail_after(0);
	assert_int_equal(commit_move(w, a, ALL, 1 << FAR, PAGE), -ENOMEM);
	assert_true(alloc_failed());
	assert_int_equal(commit_move(w, a, ALL, 1 << FAR, PAGE), 0);
	assert_int_equal(commit_move(w, a, ALL, ALL, PAGE), 0);
	assert_int_equal(w->n_commits, 2);
	commit_give(w, a, 1 << FAR, PAGE);
	commit_give(w, a, ALL, 2 * PAGE);
	assert_int_equal(w->n_commits, 0);
	world_free(w);
}

/*
 * Random clients of three uids, of which two have quotas, allocate until they are refused; then
 * every page is touched again and again in random order. test_fault() asserts that each touch finds
 * a place.
 */
static void a_full_machine_serves_every_fault(void **state)
{
	struct space *spaces[3];
	struct range *ranges[3][8];
	struct range_request q = { .name = "x" };
	uint64_t seed = 9, now = SECOND, pages;
	unsigned int n[3] = { 0 }, i, step;

	(void)state;
	test_config(&config);
	config.quotas[0] = config.quotas[1] = config.default_quota;
	config.n_quotas = 2;
	config.quotas[0].uid = 0;
	config.quotas[0].bytes[DRAM] = 4 * PAGE;
	config.quotas[1].uid = 1;
	config.quotas[1].bytes[FAR] = 40 * PAGE;
	open_world();
	for (i = 0; i < 3; i++)
		spaces[i] = test_space(w, i);
	for (i = 0; i < 24; i++) {
		struct range **r = &ranges[i % 3][n[i % 3]];

		q.size = (1 + random_below(&seed, 60)) * PAGE;
		if (!space_alloc(spaces[i % 3], &q, r))
			assert_int_equal(
				space_map(spaces[i % 3], *r, TEST_ADDR + n[i % 3]++ * 100 * PAGE),
				0);
	}
	q.size = PAGE;
	while (!space_alloc(spaces[2], &q, &ranges[2][7]))
		;
	for (step = 0; step < 20000; step++, now += 1000) {
		i = (unsigned int)random_below(&seed, 3);
		if (n[i]) {
			struct range *r = ranges[i][random_below(&seed, n[i])];

			pages = range_pages(r);
			test_fault(w, r, random_below(&seed, pages), now);
		}
	}
	assert_true(w->tiers[DRAM].pool.used + w->tiers[FAR].pool.used > 250 * PAGE);
	test_books(w);
	for (i = 0; i < 3; i++)
		test_space_free(spaces[i]);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sum_of_the_tiers_is_the_limit),
		cmocka_unit_test(a_uid_has_its_own_sum),
		cmocka_unit_test(forced_residents_leave_room),
		cmocka_unit_test(moves_and_want_of_memory),
		cmocka_unit_test(a_full_machine_serves_every_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
