// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Advice for adopted memory: what stays is charged, is chosen by nobody, and moves at nobody's
 * request; and it keeps nobody else from moving.
 */
#include "tests/unit/adopted_world.h"

static int set_up_watched(void **state)
{
	set_up(state);
	assert_int_equal(adopted_watch(r), 0);
	book_all(&in_memory);
	return 0;
}

static void cold(uint64_t page)
{
	page_flag(space_word(s, TEST_ADDR + page * PAGE), PAGE_COLD, 0);
}

static void advice_outlives_every_move(void **state)
{
	(void)state;
	assert_int_equal(adopted_stay(r, vpn_of(5), 1), 0);
	cold(5);
	book_seen(r, vpn_of(5), &on_device, NULL);
	book_seen(r, vpn_of(5), &nowhere, NULL);
	book_seen(r, vpn_of(5), &in_memory, NULL);
	assert_int_equal(adopted_word(r, vpn_of(5)) & PAGE_FLAGS, PAGE_STAY | PAGE_COLD);
	assert_int_equal(adopted_word(r, vpn_of(4)) & PAGE_FLAGS, 0);
	assert_int_equal(adopted_word(r, vpn_of(PAGES)), 0);
}

/* Each page once; a pin of the driver, which has the same word, is charged by others. */
static void what_stays_is_charged(void **state)
{
	(void)state;
	assert_int_equal(adopted_stay(r, vpn_of(0), 4), 0);
	assert_int_equal(adopted_stay(r, vpn_of(2), 4), 0);
	assert_int_equal(r->pinned_bytes, 6 * PAGE);
	page_flag(space_word(s, TEST_ADDR + 8 * PAGE), PAGE_PINNED, 0);
	assert_int_equal(adopted_stay(r, vpn_of(8), 1), 0);
	assert_int_equal(r->pinned_bytes, 7 * PAGE);
	assert_int_equal(w->tiers[DRAM].pinned, 7 * PAGE);
	adopted_stay_end(r, vpn_of(4), 10);
	assert_int_equal(r->pinned_bytes, 4 * PAGE);
	assert_true(adopted_word(r, vpn_of(8)) & PAGE_PINNED);
	assert_int_equal(adopted_stay(r, vpn_of(0), PAGES), SPACE_E_FULL);
	assert_int_equal(r->pinned_bytes, 4 * PAGE);
	assert_false(adopted_word(r, vpn_of(4)) & PAGE_STAY);
	adopted_stay_end(r, vpn_of(0), PAGES);
	adopted_stay_end(r, vpn_of(0), PAGES);
	assert_int_equal(r->pinned_bytes, 0);
	assert_int_equal(w->tiers[DRAM].pinned, 0);
}

static void ends_without_a_word_have_no_advice(void **state)
{
	struct range *odd = adopt(TEST_ADDR + 1000 * PAGE + BASE, 2 * PAGE);

	(void)state;
	assert_int_equal(adopted_stay(odd, vpn_of(1000), 3), 0);
	assert_int_equal(odd->pinned_bytes, PAGE);
	assert_int_equal(adopted_word(odd, vpn_of(1001)) & PAGE_FLAGS, PAGE_STAY);
	adopted_stay_end(odd, vpn_of(1000), 3);
	assert_int_equal(odd->pinned_bytes, 0);
}

static void let_go_of_plan(void)
{
	while (plan.n)
		range_drop(plan.moves[--plan.n].range);
}

/* All of memory is used, so some have to go. */
static void the_policy_takes_the_cold_and_leaves_what_stays(void **state)
{
	uint64_t i;

	(void)state;
	assert_int_equal(adopted_stay(r, vpn_of(0), 8), 0);
	for (i = 4; i < 12; i++)
		cold(i);
	plan_make(w, 100 * SECOND, &plan);
	assert_int_equal(plan.n, PAGES - 48); /* down to the low mark of 75 per cent */
	for (i = 0; i < plan.n; i++)
		assert_true(plan.moves[i].vpn >= vpn_of(8));
	for (i = 0; i < 4; i++)
		assert_in_range(plan.moves[i].vpn, vpn_of(8), vpn_of(11));
	let_go_of_plan();
}

/* Room for 32 of those that are away; the 47 hottest of them are told not to come. */
static void what_stays_away_takes_nobodys_place(void **state)
{
	uint64_t i;

	(void)state;
	for (i = 16; i < PAGES; i++) {
		book_seen(r, vpn_of(i), &on_device, NULL);
		heat_hint(range_heat(r, vpn_of(i)), true);
	}
	adopted_settle(r, vpn_of(0), PAGES, SECOND);
	for (i = 0; i < 16; i++)
		heat_hint(range_heat(r, vpn_of(i)), false);
	range_heat(r, vpn_of(PAGES - 1))->value = HEAT_NEW;
	assert_int_equal(adopted_stay(r, vpn_of(16), 24), 0);
	for (i = 40; i < PAGES - 1; i++)
		cold(i);
	plan_make(w, 100 * SECOND, &plan);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.moves[0].vpn, vpn_of(PAGES - 1));
	let_go_of_plan();
}

struct area {
	uint64_t first, end; /* pages */
};

/* What is handed out of the first eight pages, and the bytes that are busy. */
static void assert_moves(enum move_kind kind, unsigned int tier, const struct area *areas, size_t n,
			 uint64_t busy)
{
	struct op *op = NULL;
	uint64_t addr, end;

	assert_int_equal(op_new(&op, w, 0, kind, (uint8_t)tier), 0);
	assert_int_equal(op_add_bytes(op, r, TEST_ADDR + BASE, 8 * PAGE - 2 * BASE), 0);
	assert_int_equal(op_issue(op, &plan, SECOND), n);
	assert_int_equal(op->result.busy, busy);
	for (size_t i = 0; i < n; i++) {
		const struct op_result all = { .moved = PAGES * PAGE };

		move_area(&plan.moves[i], &addr, &end);
		assert_int_equal(addr, TEST_ADDR + (areas[i].first ? areas[i].first * PAGE : BASE));
		assert_int_equal(end, TEST_ADDR + areas[i].end * PAGE -
					      (areas[i].end == 8 ? BASE : 0));
		op_report_bytes(op, &plan.moves[i], &all);
	}
	assert_true(op_done(op));
	assert_int_equal(op->result.asked, op->result.moved + op->result.busy);
	let_go_of_plan();
	op_free(op, w);
}

#define ASSERT_MOVES(kind, tier, busy, ...)                                                        \
	assert_moves(kind, tier, (const struct area[]) { __VA_ARGS__ },                            \
		     sizeof((const struct area[]) { __VA_ARGS__ }) / sizeof(struct area), busy)

static void an_operation_goes_around_what_stays(void **state)
{
	(void)state;
	ASSERT_MOVES(MOVE_EVICT, HBM, 0, { 0, 8 });
	assert_int_equal(adopted_stay(r, vpn_of(2), 2), 0);
	ASSERT_MOVES(MOVE_EVICT, HBM, 2 * PAGE, { 0, 2 }, { 4, 8 });
	assert_int_equal(adopted_stay(r, vpn_of(7), 1), 0);
	ASSERT_MOVES(MOVE_EVICT, HBM, 3 * PAGE - BASE, { 0, 2 }, { 4, 7 });
	ASSERT_MOVES(MOVE_NODE, CXL, 3 * PAGE - BASE, { 0, 2 }, { 4, 7 });
	ASSERT_MOVES(MOVE_NODE, DRAM, 0, { 0, 8 }); /* there it is */
	ASSERT_MOVES(MOVE_PIN, DRAM, 0, { 0, 8 });
	book_seen(r, vpn_of(2), &on_device, NULL);
	ASSERT_MOVES(MOVE_NODE, DRAM, PAGE, { 0, 2 }, { 3, 8 });
	ASSERT_MOVES(MOVE_EVICT, HBM, 2 * PAGE - BASE, { 0, 3 }, { 4, 7 });
	book_seen(r, vpn_of(2), &nowhere, NULL);
	ASSERT_MOVES(MOVE_NODE, DRAM, PAGE, { 0, 2 }, { 3, 8 });
	adopted_stay_end(r, vpn_of(0), PAGES);
	ASSERT_MOVES(MOVE_EVICT, HBM, 0, { 0, 8 });
}

/* It begins and ends inside huge pages. What it was made with comes back. */
static void only_a_whole_range_has_a_home(void **state)
{
	struct range *odd = adopt(TEST_ADDR + 1000 * PAGE + BASE, 2 * PAGE);

	(void)state;
	range_prefer_end(odd, w, vpn_of(1000), 3);
	assert_int_equal(range_prefer(odd, w, CXL, vpn_of(1001), 1), 1);
	assert_int_equal(range_prefer(odd, w, CXL, vpn_of(1000), 2), 1);
	assert_int_equal(odd->home, DRAM);
	assert_int_equal(range_prefer(odd, w, DRAM, vpn_of(1001), 1), 0); /* there it is at home */
	assert_int_equal(range_prefer(odd, w, CXL, vpn_of(1000), 3), 0);
	assert_int_equal(odd->home, CXL);
	range_prefer_end(odd, w, vpn_of(1001), 1);
	assert_int_equal(odd->home, CXL);
	range_prefer_end(odd, w, vpn_of(1000), 3);
	assert_int_equal(odd->home, DRAM);
	odd->prefer = CXL;
	assert_int_equal(range_prefer(odd, w, DRAM, vpn_of(1000), 3), 0);
	range_prefer_end(odd, w, vpn_of(1000), 3);
	assert_int_equal(odd->home, CXL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_watched, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(advice_outlives_every_move),
		TEST(what_stays_is_charged),
		TEST(ends_without_a_word_have_no_advice),
		TEST(the_policy_takes_the_cold_and_leaves_what_stays),
		TEST(what_stays_away_takes_nobodys_place),
		TEST(an_operation_goes_around_what_stays),
		TEST(only_a_whole_range_has_a_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
