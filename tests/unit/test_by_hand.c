// SPDX-License-Identifier: GPL-2.0-or-later
/* What somebody moved by hand: it holds for a time, then policies decide again; and what did not stay is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/core_world.h"

enum { ALL = 20, HOT = 10 /* pages from here on */ };
#define HOLD (5 * SECOND)

static struct config config;
static struct world *w;
static struct space *s;
static struct range *r;
static struct plan plan;

/* Room enough for all of it in memory, and half of it worth having there. */
static int set_up(void **state)
{
	uint64_t i;

	(void)state;
	test_config(&config);
	config.policies[0].min_residency_us = HOLD;
	assert_int_equal(config_check(&config, (char[256]){ 0 }, 256), 0);
	assert_int_equal(world_new(&w, &config, 1), 0);
	s = test_space(w, 1000);
	r = test_range(s, TEST_ADDR, ALL, NULL);
	for (i = 0; i < ALL; i++) {
		assert_int_equal(test_fill(r, i, SECOND), 0);
		r->heat[i].value = i < HOT ? 0 : HEAT_MAX;
	}
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

static struct op *move_by_hand(uint64_t pages, uint64_t now_us)
{
	struct op *op;

	assert_int_equal(op_new(&op, w, 0, MOVE_EVICT, FAR), 0);
	assert_int_equal(op_add_span(op, r, range_first_vpn(r) + ALL - pages, pages), 0);
	plan.n = 0;
	assert_int_equal(op_issue(op, &plan, now_us), pages);
	assert_int_equal(test_carry_out(w, &plan, now_us), pages);
	assert_true(op_done(op));
	return op;
}

static unsigned int undone(void)
{
	unsigned int tier, n = 0;

	for (uint64_t i = 0; i < ALL; i++)
		if (range_undone(r, range_first_vpn(r) + i, &tier)) {
			assert_int_equal(tier, FAR);
			n++;
		}
	return n;
}

/* At each look until then: those who look seldom would hold by themselves. */
static void it_holds_for_the_time_of_the_policy(void **state)
{
	uint64_t now;

	(void)state;
	op_free(move_by_hand(ALL - HOT, 2 * SECOND), w);
	for (now = 2 * SECOND; now < 2 * SECOND + HOLD; now += SECOND / 10) {
		r->policy->look_at_us = 0;
		plan_make(w, now, &plan);
		assert_int_equal(plan.n, 0);
	}
	assert_int_equal(undone(), 0);
	r->policy->look_at_us = 0;
	plan_make(w, now, &plan);
	assert_int_equal(plan.n, ALL - HOT);
	for (size_t i = 0; i < plan.n; i++) {
		assert_int_equal(plan.moves[i].kind, MOVE_FILL);
		range_filled(r, plan.moves[i].vpn, now, false);
		assert_false(range_undone(r, plan.moves[i].vpn, &(unsigned int){ 0 }));	/* not yet there */
	}
	for (size_t i = 0; i < plan.n; i++)
		range_drop(plan.moves[i].range);
	plan.n = 0;
}

/* Whether that is seen before it is handed out or by who wanted to move it. */
static void ask_again(uint64_t now_us)
{
	struct op *op;

	assert_int_equal(op_new(&op, w, 0, MOVE_EVICT, FAR), 0);
	assert_int_equal(op_add_span(op, r, range_first_vpn(r) + HOT, ALL - HOT), 0);
	plan.n = 0;
	assert_int_equal(op_issue(op, &plan, now_us), 0);
	assert_int_equal(op->result.already_there, (ALL - HOT) * PAGE);
	op_free(op, w);
	for (uint64_t i = HOT; i < ALL; i++)
		range_by_hand(r, range_first_vpn(r) + i, FAR, false, now_us);
}

/* That would be a pin, for which there is a quota. */
static void asking_again_does_not_make_it_longer(void **state)
{
	(void)state;
	op_free(move_by_hand(ALL - HOT, 2 * SECOND), w);
	ask_again(2 * SECOND + HOLD / 2);
	r->policy->look_at_us = 0;
	plan_make(w, 2 * SECOND + HOLD / 2, &plan);
	assert_int_equal(plan.n, 0);	/* nor does it make it shorter */
	ask_again(2 * SECOND + HOLD - 1);
	r->policy->look_at_us = 0;
	plan_make(w, 2 * SECOND + HOLD, &plan);
	assert_int_equal(plan.n, ALL - HOT);
	for (size_t i = 0; i < plan.n; i++)
		range_drop(plan.moves[i].range);
	plan.n = 0;
}

/* Nobody wanted a page that is elsewhere twice, so it is said once; and not at all of one that was touched. */
static void what_went_on_is_said_once(void **state)
{
	uint64_t word;

	(void)state;
	op_free(move_by_hand(2, 2 * SECOND), w);
	test_fault(w, r, ALL - 2, 3 * SECOND);
	assert_int_equal(undone(), 0);
	assert_int_equal(r->heat[ALL - 1].hand, FAR + 1);
	word = test_word(r, ALL - 1);
	assert_int_equal(test_fill(r, ALL - 1, 3 * SECOND), 0);
	assert_int_not_equal(test_word(r, ALL - 1), word);
	r->heat[ALL - 1].hand = FAR + 1;	/* as when a policy brings it back: nothing touched it */
	assert_int_equal(undone(), 1);
	assert_int_equal(undone(), 0);
	assert_int_equal(r->heat[ALL - 1].hand, 0);
}

static void what_is_moved_again_is_where_it_is_wanted(void **state)
{
	(void)state;
	op_free(move_by_hand(2, 2 * SECOND), w);
	range_by_hand(r, range_first_vpn(r) + ALL - 1, DRAM, true, 3 * SECOND);	/* it is not there */
	assert_int_equal(r->heat[ALL - 1].hand, 0);
	assert_int_equal(undone(), 0);
}

static void what_did_not_stay_is_counted(void **state)
{
	struct op *op = move_by_hand(8, 2 * SECOND);

	(void)state;
	op_count_left(op);
	assert_int_equal(op->result.moved, 8 * PAGE);
	assert_int_equal(op->result.moved_on, 0);
	for (uint64_t i = 1; i <= 3; i++)
		test_fault(w, r, ALL - i, 3 * SECOND);
	op_count_left(op);
	assert_int_equal(op->result.moved, 8 * PAGE);
	assert_int_equal(op->result.moved_on, 3 * PAGE);
	op_free(op, w);
}

/* What never came is not somewhere else again, and of a range that has gone nothing can be said. */
static void what_never_came_did_not_leave(void **state)
{
	struct op *op;
	uint64_t i;

	(void)state;
	assert_int_equal(op_new(&op, w, 0, MOVE_EVICT, FAR), 0);
	assert_int_equal(op_add_span(op, r, range_first_vpn(r), 4), 0);
	plan.n = 0;
	assert_int_equal(op_issue(op, &plan, SECOND), 4);
	for (i = 0; i < 2; i++) {
		assert_int_equal(test_evict(r, i, FAR, SECOND), 0);
		op_report(op, &plan.moves[i], MOVE_MOVED, SECOND);
	}
	for (; i < 4; i++)
		op_report(op, &plan.moves[i], MOVE_NO_ROOM, SECOND);
	for (i = 0; i < 4; i++)
		range_drop(plan.moves[i].range);
	op_count_left(op);
	assert_int_equal(op->result.moved, 2 * PAGE);
	assert_int_equal(op->result.failed, 2 * PAGE);
	assert_int_equal(op->result.moved_on, 0);
	test_range_free(r);
	op_count_left(op);
	assert_int_equal(op->result.moved_on, 0);
	op_free(op, w);
	r = test_range(s, TEST_ADDR, ALL, NULL);
}

static void what_was_never_touched_is_said_to_be_so(void **state)
{
	struct range *fresh = test_range(s, TEST_ADDR + (1ULL << 30), 3, NULL);
	struct op *op;

	(void)state;
	assert_int_equal(test_fill(fresh, 1, SECOND), 0);
	assert_int_equal(op_new(&op, w, 0, MOVE_NODE, DRAM), 0);
	assert_int_equal(op_add_span(op, fresh, range_first_vpn(fresh), 3), 0);
	plan.n = 0;
	assert_int_equal(op_issue(op, &plan, SECOND), 0);
	assert_int_equal(op->result.already_there, 3 * PAGE);
	assert_int_equal(op->result.untouched, 2 * PAGE);
	op_free(op, w);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(it_holds_for_the_time_of_the_policy),
		IN_WORLD(asking_again_does_not_make_it_longer),
		IN_WORLD(what_went_on_is_said_once),
		IN_WORLD(what_is_moved_again_is_where_it_is_wanted),
		IN_WORLD(what_did_not_stay_is_counted),
		IN_WORLD(what_never_came_did_not_leave),
		IN_WORLD(what_was_never_touched_is_said_to_be_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
