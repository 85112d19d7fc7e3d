// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A user whose threads are held up, by its own program: nobody counts on its pages until they get on again. They
 * are no victims, no plan names them, and a drain goes on with those of others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/core/rank.h"
#include "tests/unit/core_world.h"

enum { EACH = 25 /* pages of both users in memory: together less than the low mark */ };

static struct config config;
static struct world *w;
static struct range *held, *other;	/* of two users; the first is held up, if any */
static struct plan plan;

static struct range *of_user(uint32_t uid)
{
	struct range *r = test_range(test_space(w, uid), TEST_ADDR, 120, NULL);

	for (uint64_t i = 0; i < EACH; i++) {
		assert_int_equal(test_fill(r, i, SECOND), 0);
		r->heat[i].value = 20000;
	}
	return r;
}

static int set_up(void **state)
{
	(void)state;
	test_config(&config);
	config.policies[0].min_residency_us = 0;
	assert_int_equal(world_new(&w, &config, 1), 0);
	held = of_user(1000);
	other = of_user(1001);
	held->space->held_up = true;
	return 0;
}

static int tear_down(void **state)
{
	struct space *a = held->space, *b = other->space;

	(void)state;
	test_books(w);
	test_space_free(a);
	test_space_free(b);
	world_free(w);
	return 0;
}

static void put_away(struct range *r, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		assert_int_equal(test_evict(r, i, FAR, 2 * SECOND), 0);
}

/* Moves of this range in a new plan, which is dropped. */
static unsigned int planned(const struct range *r, uint64_t now_us)
{
	unsigned int n = 0;

	plan_make(w, now_us, &plan);
	for (size_t i = 0; i < plan.n; i++) {
		n += plan.moves[i].range == r;
		range_drop(plan.moves[i].range);
	}
	plan.n = 0;
	return n;
}

static unsigned int victims(const struct range *r, uint32_t uid)
{
	struct rank_query q = { .world = w, .tier = DRAM, .uid = uid, .now_us = 10 * SECOND };
	struct victim v[POOL_VICTIMS];
	unsigned int n = 0, all = rank_select(&q, v, POOL_VICTIMS);

	for (unsigned int i = 0; i < all; i++)
		n += v[i].range == r;
	return n;
}

static void its_pages_are_no_victims(void **state)
{
	(void)state;
	assert_int_equal(victims(held, UINT32_MAX), 0);
	assert_int_equal(victims(other, UINT32_MAX), EACH);
	assert_int_equal(victims(held, 1000), 0);
	held->space->held_up = false;
	assert_int_equal(victims(held, UINT32_MAX), EACH);
	assert_int_equal(victims(held, 1000), EACH);
}

/* Ten of each are away and hotter than what is in memory, which has room. */
static void no_plan_brings_them_back(void **state)
{
	(void)state;
	put_away(held, 10);
	put_away(other, 10);
	for (uint64_t i = 0; i < 10; i++)
		held->heat[i].value = other->heat[i].value = HEAT_MAX;
	assert_int_equal(planned(held, 10 * SECOND), 0);
	assert_int_equal(planned(other, 20 * SECOND), 10);
	held->space->held_up = false;
	assert_int_equal(planned(held, 30 * SECOND), 10);
}

/* The device wants one page less, and those of the user that is held up are the first that it has. */
static void no_device_gives_them_back_for_its_reserve(void **state)
{
	(void)state;
	put_away(held, 10);
	put_away(other, 10);
	for (uint64_t i = 0; i < EACH; i++)
		held->heat[i].value = other->heat[i].value = i < 10 ? 0 : HEAT_MAX;
	w->tiers[FAR].pool.limit = 20 * PAGE;
	assert_int_equal(planned(held, 10 * SECOND), 0);
	assert_int_equal(planned(other, 20 * SECOND), 1);
	held->space->held_up = false;
	assert_int_equal(planned(held, 30 * SECOND), 1);
	w->tiers[FAR].pool.limit = 256 * PAGE;
}

static void a_draining_tier_gives_those_of_others(void **state)
{
	(void)state;
	put_away(held, 10);
	put_away(other, 10);
	assert_int_equal(world_drain(w, FAR), 0);
	assert_int_equal(planned(held, 10 * SECOND), 0);
	assert_int_equal(planned(other, 20 * SECOND), 10);
	held->space->held_up = false;
	assert_int_equal(planned(held, 30 * SECOND), 10);
	world_undrain(w, FAR);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(its_pages_are_no_victims),
		IN_WORLD(no_plan_brings_them_back),
		IN_WORLD(no_device_gives_them_back_for_its_reserve),
		IN_WORLD(a_draining_tier_gives_those_of_others),
	};

	return cmocka_run_group_tests_name("held-up", tests, NULL, NULL);
}
