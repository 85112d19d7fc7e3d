// SPDX-License-Identifier: GPL-2.0-or-later
/* Plans: down to the low mark and within the budget, back when there is room, drains to the last page. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/core_world.h"
#include "tests/unit/random.h"

static struct config config;
static struct world *w;
static struct space *s;
static struct range *r;
static struct plan plan;

static void open_world(void)
{
	assert_int_equal(config_check(&config, (char[256]){ 0 }, 256), 0);
	assert_int_equal(world_new(&w, &config, 1), 0);
	s = test_space(w, 1000);
	r = test_range(s, TEST_ADDR, 120, NULL);
}

static int set_up(void **state)
{
	(void)state;
	test_config(&config);
	config.policies[0].min_residency_us = 0;
	open_world();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_books(w);
	test_space_free(s);
	world_free(w);
	return 0;
}

static void fill(uint64_t pages)
{
	uint64_t i;

	for (i = 0; i < pages; i++)
		assert_int_equal(test_fill(r, i, SECOND), 0);
}

/* 90 per cent of 64 pages is 57, 75 per cent is 48. */
static void evicts_from_above_high_to_low(void **state)
{
	size_t i;

	(void)state;
	fill(57);
	plan_make(w, 10 * SECOND, &plan);
	assert_int_equal(plan.n, 0);
	assert_int_equal(test_fill(r, 57, SECOND), 0);
	r->heat[3].value = 0;
	plan_make(w, 10 * SECOND, &plan);
	assert_int_equal(plan.n, 10);
	assert_int_equal(plan.moves[0].vpn, range_first_vpn(r) + 3);
	for (i = 0; i < plan.n; i++) {
		assert_int_equal(plan.moves[i].kind, MOVE_EVICT);
		assert_int_equal(plan.moves[i].tier, FAR);
		assert_int_equal(plan.moves[i].reason, REASON_PRESSURE);
	}
	assert_int_equal(r->holders, 10);
	assert_int_equal(test_carry_out(w, &plan, 10 * SECOND), 10);
	plan_make(w, 11 * SECOND, &plan);
	assert_int_equal(plan.n, 0);
}

static void the_budget_throttles_and_says_so(void **state)
{
	uint64_t now, moved = 0;

	(void)state;
	policy_apply(r->policy,
		     &(struct policy_config){ .name = "default",
					      .engine = ENGINE_STATIC,
					      .rate = 4 * PAGE,
					      .burst = 2 * PAGE },
		     w);
	fill(60);
	plan_make(w, 10 * SECOND, &plan);
	assert_int_equal(plan.n, 2);
	assert_non_null(r->policy->throttled);
	for (now = 10 * SECOND; now < 12 * SECOND; now += 50000) {
		moved += test_carry_out(w, &plan, now);
		plan_make(w, now, &plan);
	}
	moved += test_carry_out(w, &plan, now);
	assert_in_range(moved, 8, 10);		/* four a second, and the burst */
	for (; r->policy->throttled && now < 60 * SECOND; now += 50000) {
		plan_make(w, now, &plan);
		test_carry_out(w, &plan, now);
	}
	assert_null(r->policy->throttled);
	assert_int_equal(w->tiers[DRAM].pool.used, 48 * PAGE);
	assert_true(r->policy->budget.refused > 0);
}

/*
 * With another node below in the order, the coldest go there while it has room; only then to a
 * device.
 */
static void nodes_come_before_devices(void **state)
{
	struct policy_config c = { .name = "default", .engine = ENGINE_TIERED, .n_tiers = 3 };

	(void)state;
	strcpy(c.tiers[0], "dram");
	strcpy(c.tiers[1], "cxl");
	strcpy(c.tiers[2], "far");
	policy_apply(r->policy, &c, w);
	fill(60);
	plan_make(w, 10 * SECOND, &plan);
	assert_int_equal(plan.n, 12);
	assert_int_equal(plan.moves[0].kind, MOVE_NODE);
	assert_int_equal(plan.moves[0].tier, CXL);
	assert_int_equal(test_carry_out(w, &plan, 10 * SECOND), 12);
	assert_int_equal(w->tiers[CXL].pool.used, 12 * PAGE);
	w->tiers[CXL].pool.limit = 12 * PAGE;
	assert_int_equal(test_fill(r, 100, SECOND), 0);
	fill(60);
	for (uint64_t i = 60; !tier_above_high(&w->tiers[DRAM]); i++)
		assert_int_equal(test_fill(r, i, SECOND), 0);
	plan_make(w, 11 * SECOND, &plan);
	assert_int_equal(plan.moves[plan.n - 1].kind, MOVE_EVICT);
	test_carry_out(w, &plan, 11 * SECOND);
}

/*
 * What is hotter than the coldest resident page comes back, as far as there is room below the low
 * mark.
 */
static void hot_pages_come_back_when_there_is_room(void **state)
{
	uint64_t i;
	size_t k;

	(void)state;
	fill(60);
	for (i = 0; i < 60; i++)
		r->heat[i].value = (uint16_t)(i * 1000);
	for (i = 30; i < 60; i++)
		assert_int_equal(test_evict(r, i, FAR, 2 * SECOND), 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(test_evict(r, i, FAR, 2 * SECOND), 0);
	r->heat[40].value = 0;			/* away and cold: stays away */
	plan_make(w, 10 * SECOND, &plan);
	assert_int_equal(plan.n, 48 - 25);
	for (k = 0; k < plan.n; k++) {
		assert_int_equal(plan.moves[k].kind, MOVE_FILL);
		assert_int_equal(plan.moves[k].reason, REASON_POLICY);
		assert_in_range(plan.moves[k].vpn - range_first_vpn(r), 36, 59);
		assert_int_not_equal(plan.moves[k].vpn - range_first_vpn(r), 40);
	}
	test_carry_out(w, &plan, 10 * SECOND);
	plan_make(w, 20 * SECOND, &plan);
	assert_int_equal(plan.n, 0);		/* no room any more: no ping-pong */
}

/* Looking costs, so a look that found nothing makes the next one later, up to about a minute. */
static void looks_get_seldom_where_nothing_is_found(void **state)
{
	uint64_t now, looks = 0, last = 0;

	(void)state;
	fill(10);
	r->heat[9].value = 0;
	assert_int_equal(test_evict(r, 9, FAR, SECOND), 0);
	for (now = 10 * SECOND; now < 1000 * SECOND; now += 100000) {
		plan_make(w, now, &plan);
		assert_int_equal(plan.n, 0);
		looks += r->policy->look_at_us != last;
		last = r->policy->look_at_us;
	}
	assert_in_range(looks, 10, 25);
	r->heat[9].value = HEAT_MAX;
	for (; !plan.n && now < 1100 * SECOND; now += 100000)
		plan_make(w, now, &plan);
	assert_int_equal(plan.n, 1);
	test_carry_out(w, &plan, now);
}

static void nothing_comes_back_within_a_budget_of_nothing(void **state)
{
	(void)state;
	fill(20);
	for (uint64_t i = 10; i < 20; i++)
		assert_int_equal(test_evict(r, i, FAR, SECOND), 0);
	r->heat[0].value = 0;
	budget_init(&r->policy->budget, PAGE, 3 * PAGE);
	plan_make(w, 10 * SECOND, &plan);
	assert_int_equal(plan.n, 3);
	assert_non_null(r->policy->throttled);
	test_carry_out(w, &plan, 10 * SECOND);
}

static void drains_a_device(void **state)
{
	uint64_t i, now;

	(void)state;
	fill(60);
	for (i = 0; i < 40; i++)
		assert_int_equal(test_evict(r, i, i % 2 ? FAR : DISK, SECOND), 0);
	assert_int_equal(world_drain(w, FAR), 0);
	for (now = 10 * SECOND; w->tiers[FAR].state == TIER_DRAINING && now < 60 * SECOND;
	     now += 100000) {
		plan_make(w, now, &plan);
		test_carry_out(w, &plan, now);
	}
	assert_int_equal(w->tiers[FAR].state, TIER_DRAINED);
	assert_int_equal(w->tiers[FAR].pool.used, 0);
	assert_non_null(pool_take(&s->account->pools[FAR], PAGE));
	world_undrain(w, FAR);
	assert_int_equal(w->tiers[FAR].state, TIER_ONLINE);
	assert_null(pool_take(&s->account->pools[FAR], PAGE));
	pool_give(&s->account->pools[FAR], PAGE);
}

static void drains_a_node_but_never_the_last(void **state)
{
	uint64_t now;

	(void)state;
	fill(60);
	page_flag(space_word(s, TEST_ADDR + 7 * PAGE), PAGE_PINNED, 0);
	assert_int_equal(world_drain(w, DRAM), 0);
	assert_int_equal(r->home, CXL);
	assert_int_equal(world_drain(w, CXL), 1);
	assert_true(r->reach & 1 << CXL);
	for (now = 10 * SECOND; now < 20 * SECOND; now += 100000) {
		plan_make(w, now, &plan);
		test_carry_out(w, &plan, now);
	}
	assert_int_equal(w->tiers[DRAM].pool.used, PAGE);
	assert_int_equal(w->tiers[DRAM].state, TIER_DRAINING);
	page_flag(space_word(s, TEST_ADDR + 7 * PAGE), 0, PAGE_PINNED);
	plan_make(w, now, &plan);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.moves[0].reason, REASON_DRAIN);
	test_carry_out(w, &plan, now);
	plan_make(w, now, &plan);
	assert_int_equal(w->tiers[DRAM].state, TIER_DRAINED);
	world_undrain(w, DRAM);
	assert_int_equal(r->home, DRAM);
}

static void what_must_stay_is_told_before(void **state)
{
	struct drain_lack lack;

	(void)state;
	fill(60);
	assert_int_equal(space_pin(r, PAGE), 0);
	page_flag(space_word(s, TEST_ADDR + 7 * PAGE), PAGE_PINNED, 0);
	assert_int_equal(world_may_drain(w, DRAM, false, &lack), DRAIN_E_HELD);
	assert_true(lack.needed == PAGE && lack.range == r);
	assert_int_equal(world_may_drain(w, DRAM, true, &lack), 0);
	page_flag(space_word(s, TEST_ADDR + 7 * PAGE), 0, PAGE_PINNED);
	space_unpin(r, PAGE);
	for (unsigned int i = CXL; i < w->n_tiers; i++)
		tier_set_limit(&w->tiers[i], 4 * PAGE);
	assert_int_equal(world_may_drain(w, DRAM, true, &lack), DRAIN_E_ROOM);
	assert_true(lack.needed > lack.fits && lack.range == r);
	assert_int_equal(r->home, DRAM);
}

/* Without room the tier is used again; for busy pages, too, unless it was to go on. A failed one stays so. */
static void a_drain_that_fails_ends(void **state)
{
	static const struct op_result dry = { .asked = PAGE, .busy = PAGE, .no_room = PAGE },
				      busy = { .asked = PAGE, .busy = PAGE }, done = { .asked = PAGE, .moved = PAGE };

	(void)state;
	assert_int_equal(world_drain(w, FAR), 0);
	assert_false(world_drain_passed(w, FAR, &busy));
	assert_int_equal(w->tiers[FAR].state, TIER_ONLINE);
	assert_int_equal(world_drain(w, FAR), 0);
	w->tiers[FAR].keep = true;
	assert_true(world_drain_passed(w, FAR, &busy));
	assert_int_equal(w->tiers[FAR].state, TIER_DRAINING);
	assert_false(world_drain_passed(w, FAR, &dry));
	assert_int_equal(world_drain(w, FAR), 0);
	assert_true(world_drain_passed(w, FAR, &done));
	assert_int_equal(w->tiers[FAR].state, TIER_DRAINED);
	w->tiers[FAR].state = TIER_FAILED;
	assert_int_equal(world_drain(w, FAR), 0);
	assert_true(world_drain_passed(w, FAR, &done));
	world_undrain(w, FAR);
	assert_int_equal(w->tiers[FAR].state, TIER_FAILED);
	w->tiers[FAR].state = TIER_ONLINE;
}

/* A draining node without room in the other one empties into devices. */
static void a_drain_goes_down_when_the_other_node_is_full(void **state)
{
	(void)state;
	fill(60);
	w->tiers[CXL].pool.limit = 5 * PAGE;
	assert_int_equal(world_drain(w, DRAM), 0);
	for (uint64_t now = 10 * SECOND; now < 20 * SECOND; now += 100000) {
		plan_make(w, now, &plan);
		test_carry_out(w, &plan, now);
	}
	assert_int_equal(w->tiers[DRAM].pool.used, 0);
	assert_true(w->tiers[FAR].pool.used >= 55 * PAGE);
	world_undrain(w, DRAM);
}

static void a_drain_keeps_to_the_rate(void **state)
{
	(void)state;
	fill(30);
	for (uint64_t i = 0; i < 30; i++)
		assert_int_equal(test_evict(r, i, FAR, SECOND), 0);
	budget_init(&r->policy->budget, PAGE, 5 * PAGE);
	assert_int_equal(world_drain(w, FAR), 0);
	plan_make(w, 10 * SECOND, &plan);
	assert_int_equal(plan.n, 5);
	test_carry_out(w, &plan, 10 * SECOND);
	world_undrain(w, FAR);
}

/* A device without its reserve gives pages back while memory has room, whatever they are like. */
static void a_full_device_gets_its_reserve_back(void **state)
{
	uint64_t i;

	(void)state;
	fill(20);
	for (i = 0; i < 20; i++) {
		assert_int_equal(test_evict(r, i, FAR, SECOND), 0);
		r->heat[i].value = 0;
	}
	w->tiers[FAR].pool.limit = 20 * PAGE;
	plan_make(w, 10 * SECOND, &plan);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.moves[0].kind, MOVE_FILL);
	assert_int_equal(plan.moves[0].reason, REASON_PRESSURE);
	test_carry_out(w, &plan, 10 * SECOND);
	w->tiers[FAR].pool.limit = 256 * PAGE;
}

static void a_plan_holds_what_it_names_and_ends(void **state)
{
	struct move m = { .range = r, .pages = 1 };
	unsigned int i;

	(void)state;
	plan.n = 0;
	for (i = 0; i < PLAN_MOVES; i++)
		assert_int_equal(plan_add(&plan, &m), 0);
	assert_int_equal(plan_add(&plan, &m), 1);
	assert_int_equal(r->holders, PLAN_MOVES);
	while (plan.n--)
		range_drop(r);
	plan.n = 0;
	r->dying = true;
	assert_int_equal(plan_add(&plan, &m), 1);
	assert_int_equal(r->holders, 0);
	r->dying = false;
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(evicts_from_above_high_to_low),
		IN_WORLD(the_budget_throttles_and_says_so),
		IN_WORLD(nodes_come_before_devices),
		IN_WORLD(hot_pages_come_back_when_there_is_room),
		IN_WORLD(looks_get_seldom_where_nothing_is_found),
		IN_WORLD(nothing_comes_back_within_a_budget_of_nothing),
		IN_WORLD(drains_a_device),
		IN_WORLD(drains_a_node_but_never_the_last),
		IN_WORLD(what_must_stay_is_told_before),
		IN_WORLD(a_drain_that_fails_ends),
		IN_WORLD(a_drain_goes_down_when_the_other_node_is_full),
		IN_WORLD(a_drain_keeps_to_the_rate),
		IN_WORLD(a_full_device_gets_its_reserve_back),
		IN_WORLD(a_plan_holds_what_it_names_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
