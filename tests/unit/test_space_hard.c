// SPDX-License-Identifier: GPL-2.0-or-later
/* Address spaces in bad times: no memory, full tables, a restart, readers during changes. */
#include <pthread.h>
#include <errno.h>
#include <sched.h>
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
static struct space *s;

static int set_up(void **state)
{
	(void)state;
	test_config(&config);
	assert_int_equal(world_new(&w, &config, 100), 0);
	s = test_space(w, 1000);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_books(w);
	test_space_free(s);
	assert_int_equal(w->n_commits, 0);
	assert_int_equal(idmap_count(w->ranges), 0);
	world_free(w);
	return 0;
}

static int alloc(struct space *space, const char *policy, const char *prefer, uint64_t pages,
		 struct range **ret)
{
	struct range_request q = {
		.size = pages * PAGE, .name = "n", .policy = policy, .prefer = prefer
	};

	return space_alloc(space, &q, ret);
}

/*
 * Whatever allocation fails, nothing is left behind (the tear-down counts) and the next try works.
 */
static void survives_want_of_memory(void **state)
{
	uint64_t addrs[3] = { TEST_ADDR, TEST_ADDR + 4 * PAGE, TEST_ADDR + 8 * PAGE }, id;
	uint64_t sizes[3] = { PAGE, PAGE, PAGE };
	struct range_request q = { .name = "x" };
	static radix_word mirror[4 * LEDGER_FANOUT], owners[4 * LEDGER_FANOUT];
	struct space *small = NULL;
	struct range *r;
	int n, rc;

	(void)state;
	for (n = 0;; n++) {
		alloc_fail_after(n);
		rc = alloc(s, NULL, NULL, 4, &r);
		if (!alloc_failed())
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(s->n_ranges, 0);
	}
	assert_int_equal(rc, 0);
	assert_true(n >= 3);
	test_range_free(r);
	for (n = 0;; n++) {
		alloc_fail_after(n);
		rc = space_register(s, &q, addrs, sizes, 3, &id);
		if (!alloc_failed())
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(s->n_ranges, 0);
	}
	for (n = 0;; n++) {
		alloc_fail_after(n);
		rc = space_new(&small, w, 9, 9, 55, mirror, owners, 4, 4, false);
		if (!alloc_failed())
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_null(small);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(space_new(&small, w, 9, 9, 55, mirror, owners, 4, 1, false), -EINVAL);
	space_free(small);
	assert_null(space_free(NULL));
}

/* A page table that is too small refuses, and takes the range once it has grown. */
static void tables_grow_on_demand(void **state)
{
	static radix_word mirror[16 * LEDGER_FANOUT], owners[16 * LEDGER_FANOUT];
	struct range_request q = { .name = "x" };
	struct space *small;
	struct range *r;
	uint64_t id;

	(void)state;
	assert_int_equal(space_new(&small, w, 9, 9, 1000, mirror, owners, 16, 3, false), 0);
	assert_int_equal(alloc(small, NULL, NULL, 4, &r), 0);
	assert_int_equal(space_map(small, r, TEST_ADDR), SPACE_E_TABLES);
	assert_int_equal(r->addr, 0);
	radix_set_tables(&small->mirror, 16);
	assert_int_equal(space_map(small, r, TEST_ADDR), SPACE_E_TABLES);	/* now the owners */
	assert_null(space_word(small, TEST_ADDR));
	assert_int_equal(btree_count(small->by_addr), 0);
	radix_set_tables(&small->owners, 16);
	space_reclaim(small);
	assert_int_equal(space_map(small, r, TEST_ADDR), 0);
	assert_int_equal(space_register(small, &q, (uint64_t[]){ 1ULL << 46 },
					(uint64_t[]){ 1ULL << 44 }, 1, &id),
			 0);
	assert_int_equal(small->mirror.used, 4);	/* addresses alone need no table */
	assert_int_equal(space_words_make(space_find_id(small, id), 1ULL << 25, 1ULL << 23), SPACE_E_TABLES);
	test_range_free(space_find_id(small, id));
	assert_int_equal(small->n_ranges, 1);
	test_range_free(r);
	space_free(small);
}

/*
 * Words of the ledger survive for a range that comes back; what did not come back reads as never
 * touched.
 */
static void a_restart_keeps_the_words(void **state)
{
	static radix_word mirror[16 * LEDGER_FANOUT], kept[16 * LEDGER_FANOUT];
	static radix_word owners[2][16 * LEDGER_FANOUT];
	struct space *old, *again;
	struct range *r;
	uint32_t used;

	(void)state;
	assert_int_equal(space_new(&old, w, 9, 9, 1000, mirror, owners[0], 16, 16, false), 0);
	test_range(old, TEST_ADDR, 4, NULL);
	*space_word(old, TEST_ADDR + PAGE) = PAGE_DEVICE | FAR << 4 | 3ULL << 32;
	test_range(old, TEST_ADDR * 2, 1, NULL);
	*space_word(old, TEST_ADDR * 2) = PAGE_RESIDENT;
	used = old->mirror.used;
	memcpy(kept, mirror, sizeof(mirror));
	assert_int_equal(space_new(&again, w, 9, 9, 1000, mirror, owners[1], 16, used, true), 0);
	radix_set_tables(&again->owners, 16);
	r = test_range(again, TEST_ADDR, 2, NULL);
	assert_int_equal(test_state(r, 1), PAGE_DEVICE);
	*space_word(again, TEST_ADDR + 3 * PAGE) = PAGE_RESIDENT;
	assert_non_null(space_word(again, TEST_ADDR * 2));
	space_recovered(again);
	assert_null(space_word(again, TEST_ADDR * 2));	/* that range did not come back */
	assert_int_equal(test_state(r, 1), PAGE_DEVICE);
	/* Over a stale word of the same table. */
	r = test_range(again, TEST_ADDR + 2 * PAGE, 4, NULL);
	assert_int_equal(test_word(r, 1), 0);
	while (!list_empty(&again->ranges))
		test_range_free(container_of(again->ranges.next, struct range, in_space));
	space_free(again);
	/* The dead daemon's own view dies without a look at what the next one did. */
	memcpy(mirror, kept, sizeof(mirror));
	while (!list_empty(&old->ranges))
		test_range_free(container_of(old->ranges.next, struct range, in_space));
	space_free(old);
}

struct race {
	struct space *space;
	_Atomic bool stop;
	_Atomic uint64_t held, wrong, refused;
	_Atomic(struct range *)
		dying; /* set before it leaves, cleared after the readers acknowledged */
	_Atomic uint64_t epoch[2];
};

struct reader {
	struct race *race;
	int number;
};

/*
 * What a fault thread does: owner, hold, word, drop; between two faults it holds nothing and says
 * so.
 */
static void *fault(void *arg)
{
	struct reader *reader = arg;
	struct race *race = reader->race;
	uint64_t seed = (uint64_t)reader->number, addr;
	struct range *r;

	while (!atomic_load(&race->stop)) {
		atomic_fetch_add(&race->epoch[reader->number], 1);
		addr = TEST_ADDR + random_below(&seed, 512) * PAGE;
		r = space_owner(race->space, addr);
		if (!r)
			continue;
		if (!range_hold(r)) {
			atomic_fetch_add(&race->refused, 1);
			continue;
		}
		if (addr < r->addr || addr >= range_end(r) || !space_word(race->space, addr))
			atomic_fetch_add(&race->wrong, 1);
		atomic_fetch_add(&race->held, 1);
		range_drop(r);
	}
	atomic_store(&race->epoch[reader->number], UINT64_MAX);
	return NULL;
}

/* Every reader has begun a new fault since: none can have seen the range before it left. */
static void wait_for_readers(struct race *race)
{
	uint64_t seen;
	int i;

	for (i = 0; i < 2; i++)
		for (seen = atomic_load(&race->epoch[i]);
		     atomic_load(&race->epoch[i]) == seen && seen != UINT64_MAX;)
			sched_yield();	/* the reader may want this very CPU */
}

static void readers_never_see_a_freed_range(void **state)
{
	struct race race = { .space = s };
	struct reader readers[2] = { { &race, 0 }, { &race, 1 } };
	pthread_t threads[2];
	uint64_t seed = 5;
	struct range *r;
	int i;

	(void)state;
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fault, &readers[i]), 0);
	for (i = 0; i < 100; i++) {
		r = test_range(s, TEST_ADDR + random_below(&seed, 200) * PAGE,
			       1 + random_below(&seed, 200), NULL);
		wait_for_readers(&race);
		space_range_leave(s, r);
		wait_for_readers(&race);
		while (atomic_load(&r->holders))
			sched_yield();
		space_range_free(r, NULL, NULL);
		wait_for_readers(&race);
		space_reclaim(s);
	}
	atomic_store(&race.stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(race.wrong, 0);
	assert_true(race.held > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(survives_want_of_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tables_grow_on_demand, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_restart_keeps_the_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(readers_never_see_a_freed_range, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
