// SPDX-License-Identifier: GPL-2.0-or-later
/* Pools: all or none along the chain, and sums that hold under threads. */
#include <pthread.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/core/pool.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/random.h"

static void takes_all_or_none(void **state)
{
	struct pool tier, uid;

	(void)state;
	assert_int_equal(pool_init(&tier, NULL, 100), 0);
	assert_int_equal(pool_init(&uid, &tier, 60), 0);
	assert_null(pool_take(&uid, 50));
	assert_ptr_equal(pool_take(&uid, 11), &uid);
	assert_int_equal(pool_free_bytes(&uid), 10);
	assert_null(pool_take(&tier, 45));
	assert_int_equal(pool_free_bytes(&uid), 5);
	assert_ptr_equal(pool_take(&uid, 6), &tier);
	assert_int_equal(uid.used, 50);
	assert_int_equal(tier.used, 95);
	assert_ptr_equal(pool_take(&tier, UINT64_MAX), &tier);
	pool_force(&uid, 100);
	assert_int_equal(tier.used, 195);
	assert_int_equal(pool_free_bytes(&uid), 0);
	assert_ptr_equal(pool_take(&uid, 0), &uid);
	pool_give(&uid, 150);
	pool_give(&tier, 45);
	assert_int_equal(tier.used, 0);
	pool_done(&uid);
	pool_done(&tier);
}

static void draining_and_shrinking_pools_take_nothing(void **state)
{
	struct pool tier, uid;

	(void)state;
	assert_int_equal(pool_init(&tier, NULL, 100), 0);
	assert_int_equal(pool_init(&uid, &tier, 100), 0);
	assert_null(pool_take(&uid, 40));
	tier.draining = true;
	assert_ptr_equal(pool_take(&uid, 1), &tier);
	assert_int_equal(pool_free_bytes(&uid), 0);
	tier.draining = false;
	tier.limit = 30;
	assert_ptr_equal(pool_take(&uid, 1), &tier);
	assert_int_equal(uid.used, 40);
	pool_give(&uid, 11);
	assert_null(pool_take(&uid, 1));
	pool_give(&uid, 30);
	pool_count(&uid, 5, 7);
	assert_int_equal(tier.moved_in, 5);
	assert_int_equal(tier.moved_out, 7);
	pool_done(&uid);
	pool_done(&tier);
}

static void survives_want_of_memory(void **state)
{
	struct pool p = { .victims = NULL };
	int n;

	(void)state;
	for (n = 0; n < 2; n++) {
		alloc_fail_after(n);
		assert_int_equal(pool_init(&p, NULL, 1), -ENOMEM);
		assert_true(alloc_failed());
	}
	pool_done(&p);	/* half-built */
}

enum { THREADS = 4, ROUNDS = 30000, LIMIT = 1000 };

struct race {
	struct pool tier, uids[2];
	atomic_int above, next;
	atomic_long taken;
};

static void *take_and_give(void *arg)
{
	struct race *race = arg;
	int number = atomic_fetch_add(&race->next, 1);
	struct pool *p = &race->uids[number % 2];
	uint64_t seed = (uint64_t)number, mine = 0, bytes;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		bytes = random_below(&seed, 200);
		if (!pool_take(p, bytes))
			mine += bytes;
		if (atomic_load(&race->tier.used) > LIMIT || atomic_load(&p->used) > LIMIT * 3 / 4)
			atomic_fetch_add(&race->above, 1);
		if (mine > 300) {
			pool_give(p, mine);
			mine = 0;
			atomic_fetch_add(&race->taken, 1);
		}
	}
	pool_give(p, mine);
	return NULL;
}

static void no_limit_is_passed_under_threads(void **state)
{
	static struct race race;
	pthread_t threads[THREADS];
	int i;

	(void)state;
	assert_int_equal(pool_init(&race.tier, NULL, LIMIT), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(pool_init(&race.uids[i], &race.tier, LIMIT * 3 / 4), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &race), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(race.above, 0);
	assert_true(race.taken > 0);
	for (i = 0; i < 2; i++)
		pool_done(&race.uids[i]);
	pool_done(&race.tier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_all_or_none),
		cmocka_unit_test(draining_and_shrinking_pools_take_nothing),
		cmocka_unit_test(survives_want_of_memory),
		cmocka_unit_test(no_limit_is_passed_under_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
