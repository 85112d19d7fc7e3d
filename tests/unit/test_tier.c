// SPDX-License-Identifier: GPL-2.0-or-later
/* Tiers: marks at their exact edges, defaults, and figures per second. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/core/tier.h"
#include "proto/ledger.h"
#include "tests/unit/alloc_fail.h"

#define PAGE LEDGER_PAGE_SIZE

static struct tier_config config(enum tier_kind kind, uint64_t capacity)
{
	struct tier_config c;

	config_tier_defaults(&c);
	strcpy(c.name, "t");
	c.kind = kind;
	c.capacity = capacity;
	return c;
}

static void marks_are_exact(void **state)
{
	struct tier_config c = config(TIER_NUMA, 100 * PAGE);
	struct tier t;

	(void)state;
	c.high = 80;
	c.low = 70;
	assert_int_equal(tier_init(&t, 3, &c), 0);
	assert_int_equal(t.index, 3);
	assert_true(tier_is_resident(&t));
	pool_force(&t.pool, 70 * PAGE);
	assert_int_equal(tier_over_low(&t), 0);
	assert_int_equal(tier_under_low(&t), 0);
	pool_force(&t.pool, 10 * PAGE);
	assert_false(tier_above_high(&t));
	assert_int_equal(tier_over_low(&t), 10 * PAGE);
	pool_force(&t.pool, 1);
	assert_true(tier_above_high(&t));
	assert_false(t.relieving);
	tier_look(&t);
	assert_true(t.relieving);
	pool_give(&t.pool, 5 * PAGE);
	tier_look(&t);
	assert_true(t.relieving);	/* between the marks it goes on */
	pool_give(&t.pool, 5 * PAGE + 1);
	tier_look(&t);
	assert_false(t.relieving);
	pool_force(&t.pool, 5 * PAGE);
	tier_look(&t);
	assert_false(t.relieving);
	pool_force(&t.pool, 5 * PAGE + 1);
	pool_give(&t.pool, 80 * PAGE + 1);
	assert_int_equal(tier_under_low(&t), 70 * PAGE);
	tier_done(&t);
}

static void huge_capacities_do_not_overflow(void **state)
{
	struct tier_config c = config(TIER_NUMA, 0);
	struct tier t;

	(void)state;
	assert_int_equal(tier_init(&t, 0, &c), 0);
	assert_true(tier_capacity(&t) > 1ULL << 60);
	pool_force(&t.pool, 1ULL << 60);
	assert_false(tier_above_high(&t));
	pool_give(&t.pool, 1ULL << 60);
	tier_done(&t);
	c = config(TIER_MEMORY, 0);
	assert_int_equal(tier_init(&t, 0, &c), 0);
	assert_int_equal(tier_capacity(&t), 1ULL << 30);
	assert_false(tier_is_resident(&t));
	assert_true(tier_is_managed(&t));
	tier_done(&t);
	c.kind = TIER_KERNEL;
	assert_int_equal(tier_init(&t, 0, &c), 0);
	assert_false(tier_is_managed(&t));
	assert_int_equal(tier_capacity(&t), 0);	/* until its device says */
	tier_set_capacity(&t, 4 * PAGE);
	assert_int_equal(tier_free(&t), 4 * PAGE);
	t.state = TIER_FAILED;
	assert_int_equal(tier_free(&t), 0);
	tier_done(&t);
	alloc_fail_after(0);
	assert_int_equal(tier_init(&t, 0, &c), -ENOMEM);
	assert_true(alloc_failed());
}

static void figures_are_per_second(void **state)
{
	struct tier_config c = config(TIER_NUMA, 100 * PAGE);
	struct tier t;

	(void)state;
	assert_int_equal(tier_init(&t, 0, &c), 0);
	tier_report(&t, 1000000);
	pool_count(&t.pool, 3000, 500);
	tier_report(&t, 1500000);	/* too soon */
	assert_int_equal(t.in_per_second, 0);
	tier_report(&t, 3000000);
	assert_int_equal(t.in_per_second, 1500);
	assert_int_equal(t.out_per_second, 250);
	tier_report(&t, 4000000);
	assert_int_equal(t.in_per_second, 0);
	tier_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_are_exact),
		cmocka_unit_test(huge_capacities_do_not_overflow),
		cmocka_unit_test(figures_are_per_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
