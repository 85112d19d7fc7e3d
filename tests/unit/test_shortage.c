// SPDX-License-Identifier: GPL-2.0-or-later
/* A tier for which the kernel gives less: the limit sinks to what is used, and rises by steps as probes succeed. */
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
#define MS 1000ULL	/* us */

enum { WHOLE = 64 };	/* pages */

static struct tier t;

static int open_tier(void **state)
{
	struct tier_config c;

	(void)state;
	config_tier_defaults(&c);
	strcpy(c.name, "t");
	c.kind = TIER_NUMA;
	c.capacity = WHOLE * PAGE;
	return tier_init(&t, 0, &c);
}

static int close_tier(void **state)
{
	(void)state;
	pool_give(&t.pool, atomic_load(&t.pool.used));
	tier_done(&t);
	return 0;
}

static void is_at(uint64_t pages)
{
	assert_int_equal(atomic_load(&t.pool.limit), pages * PAGE);
	assert_int_equal(tier_capacity(&t), pages * PAGE);
	assert_int_equal(tier_promised(&t), WHOLE * PAGE);
}

static void what_is_used_is_the_limit(void **state)
{
	(void)state;
	pool_force(&t.pool, 10 * PAGE);
	tier_short(&t);
	is_at(10);
	assert_true(atomic_load(&t.shortage.on));
	assert_int_equal(t.shortage.reason, WAIT_NODE);
	atomic_store(&t.shortage.reason, WAIT_HUGE_POOL);
	pool_force(&t.pool, 2 * PAGE);	/* somebody had taken the room before */
	tier_short(&t);
	is_at(10);			/* never up */
	assert_int_equal(t.shortage.reason, WAIT_HUGE_POOL);	/* what was found out stays */
	pool_give(&t.pool, 7 * PAGE);
	tier_short(&t);
	is_at(5);
}

static void a_page_that_was_given_makes_room_for_one(void **state)
{
	(void)state;
	pool_force(&t.pool, 10 * PAGE);
	tier_short(&t);
	tier_relax(&t);
	is_at(11);
	tier_relax(&t);
	is_at(11);			/* there is room for that one */
	pool_force(&t.pool, PAGE);
	tier_relax(&t);
	is_at(12);
	pool_force(&t.pool, 53 * PAGE);
	for (int i = 0; i < 2 * WHOLE; i++)
		tier_relax(&t);
	is_at(WHOLE);			/* never beyond what was configured */
}

static void probes_come_at_their_time(void **state)
{
	uint64_t in_us = 0;

	(void)state;
	assert_false(tier_probe_due(&t, 1000 * MS, &in_us));
	assert_int_equal(in_us, UINT64_MAX);
	pool_force(&t.pool, 10 * PAGE);
	tier_short(&t);
	assert_false(tier_probe_due(&t, 1000 * MS, &in_us));
	assert_int_equal(in_us, 10 * MS);
	assert_false(tier_probe_due(&t, 1009 * MS, &in_us));
	assert_int_equal(in_us, MS);
	assert_true(tier_probe_due(&t, 1010 * MS, &in_us));
	assert_int_equal(in_us, 0);
}

/* In vain: half as often each time, but once a second at least. */
static void a_probe_in_vain_is_not_repeated_soon(void **state)
{
	uint64_t now = 1000 * MS, in_us = 0, wait = 10 * MS;

	(void)state;
	pool_force(&t.pool, 10 * PAGE);
	tier_short(&t);
	tier_probe_due(&t, now, &in_us);
	for (int i = 0; i < 12; i++) {
		now += in_us;
		assert_true(tier_probe_due(&t, now, &in_us));
		assert_false(tier_probed(&t, false, UINT64_MAX, now));
		is_at(10);
		wait = wait * 2 < 1000 * MS ? wait * 2 : 1000 * MS;
		assert_false(tier_probe_due(&t, now, &in_us));
		assert_int_equal(in_us, wait);
	}
	assert_int_equal(in_us, 1000 * MS);
}

static void steps_double_until_all_is_there(void **state)
{
	uint64_t now = 1000 * MS, in_us = 0, at = 10, step = 1;

	(void)state;
	pool_force(&t.pool, 10 * PAGE);
	tier_short(&t);
	tier_probe_due(&t, now, &in_us);
	for (; at < WHOLE; step *= 2) {
		assert_true(atomic_load(&t.shortage.on));
		now += in_us;
		assert_true(tier_probe_due(&t, now, &in_us));
		assert_true(tier_probed(&t, true, UINT64_MAX, now));
		at = at + step < WHOLE ? at + step : WHOLE;
		is_at(at);
		tier_probe_due(&t, now, &in_us);
	}
	assert_false(atomic_load(&t.shortage.on));
	assert_false(tier_probe_due(&t, now, &in_us));
	assert_int_equal(in_us, UINT64_MAX);
	pool_force(&t.pool, PAGE);
	tier_short(&t);			/* the next one begins anew */
	assert_false(tier_probe_due(&t, now, &in_us));
	assert_int_equal(in_us, 10 * MS);
	assert_int_equal(t.shortage.step, PAGE);
}

/* Not beyond what the known limits leave, in whole pages; and a step that was wrong is taken back. */
static void known_limits_bound_a_step(void **state)
{
	uint64_t in_us = 0;

	(void)state;
	pool_force(&t.pool, 10 * PAGE);
	tier_short(&t);
	tier_probe_due(&t, 0, &in_us);
	t.shortage.step = 32 * PAGE;
	assert_true(tier_probed(&t, true, 4 * PAGE + PAGE / 2, 10 * MS));
	is_at(14);
	assert_int_equal(t.shortage.step, 64 * PAGE);
	assert_false(tier_probed(&t, true, 4 * PAGE, 30 * MS));
	is_at(14);
	assert_int_equal(t.shortage.step, PAGE);
	pool_force(&t.pool, 2 * PAGE);
	tier_short(&t);
	is_at(12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_used_is_the_limit, open_tier, close_tier),
		cmocka_unit_test_setup_teardown(a_page_that_was_given_makes_room_for_one, open_tier, close_tier),
		cmocka_unit_test_setup_teardown(probes_come_at_their_time, open_tier, close_tier),
		cmocka_unit_test_setup_teardown(a_probe_in_vain_is_not_repeated_soon, open_tier, close_tier),
		cmocka_unit_test_setup_teardown(steps_double_until_all_is_there, open_tier, close_tier),
		cmocka_unit_test_setup_teardown(known_limits_bound_a_step, open_tier, close_tier),
	};

	return cmocka_run_group_tests_name("shortage", tests, NULL, NULL);
}
