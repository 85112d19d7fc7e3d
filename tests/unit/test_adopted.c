// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Adopted memory in the books and in the plans: what is seen is booked exactly, and what is cold
 * goes.
 */
#include <errno.h>

#include "tests/unit/adopted_world.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/random.h"

static void what_is_seen_is_booked(void **state)
{
	const struct adopted_seen both = { .memory = 100, .device = 412, .node = CXL, .dev = HBM };

	(void)state;
	book_seen(r, vpn_of(0), &in_memory, NULL); /* not watched yet: nothing */
	assert_int_equal(r->tier_bytes[DRAM], 0);
	assert_int_equal(adopted_watch(r), 0);
	assert_int_equal(adopted_watch(r), 0);
	book_all(&in_memory);
	assert_int_equal(r->tier_bytes[DRAM], PAGES * PAGE);
	assert_int_equal(w->tiers[DRAM].pool.used, 0); /* nobody was asked for it */
	assert_int_equal(tier_used(&w->tiers[DRAM]), PAGES * PAGE);
	book_seen(r, vpn_of(0), &on_device, NULL);
	assert_int_equal(test_word(r, 0) & 0xf, PAGE_ADOPTED);
	assert_int_equal(page_word_tier(test_word(r, 0)), HBM);
	assert_int_equal(w->tiers[HBM].pool.used, PAGE);
	assert_int_equal(s->account->pools[HBM].used, PAGE);
	assert_int_equal(w->tiers[HBM].pool.moved_in, PAGE);
	assert_int_equal(w->tiers[DRAM].pool.moved_out, PAGE);
	book_seen(r, vpn_of(0), &both, NULL);
	assert_int_equal(w->tiers[HBM].pool.used, 412 * BASE);
	assert_int_equal(r->tier_bytes[CXL], 100 * BASE);
	assert_int_equal(page_word_tier(test_word(r, 0)), HBM); /* most of it */
	book_seen(r, vpn_of(0), &nowhere, NULL);
	assert_int_equal(test_state(r, 0), PAGE_ABSENT);
	assert_int_equal(w->tiers[HBM].pool.used, 0);
	book_seen(r, vpn_of(PAGES), &on_device, NULL); /* beyond it */
	assert_int_equal(w->tiers[HBM].pool.used, 0);
}

/* Whatever is seen in whatever order, the sums are those of the last of each. */
static void sums_are_exact(void **state)
{
	uint64_t seed = 7, memory = 0, device = 0, i;
	struct adopted_seen seen;

	(void)state;
	assert_int_equal(adopted_watch(r), 0);
	for (i = 0; i < 10000; i++) {
		seen.memory = (uint16_t)(random_next(&seed) % (FULL + 1));
		seen.device = (uint16_t)(FULL - seen.memory);
		seen.node = random_next(&seed) % 2 ? DRAM : CXL;
		seen.dev = random_next(&seed) % 8 ? HBM : ADOPTED_NO_TIER;
		book_seen(r, vpn_of(random_next(&seed) % PAGES), &seen, NULL);
	}
	for (i = 0; i < PAGES; i++) {
		seen = adopted_last(r, vpn_of(i));
		memory += (uint64_t)seen.memory * BASE;
		device += seen.dev == HBM ? (uint64_t)seen.device * BASE : 0;
	}
	assert_int_equal(r->tier_bytes[DRAM] + r->tier_bytes[CXL], memory);
	assert_int_equal(r->tier_bytes[HBM], device);
	assert_int_equal(w->tiers[HBM].pool.used, device);
}

/* What was taken before is not charged twice, and what is left of it is the taker's. */
static void room_pays_for_what_is_booked(void **state)
{
	struct adopted_room room = { .tier = HBM, .bytes = 3 * PAGE };

	(void)state;
	assert_int_equal(adopted_watch(r), 0);
	assert_null(pool_take(&s->account->pools[HBM], room.bytes));
	book_seen(r, vpn_of(0), &on_device, &room);
	book_seen(r, vpn_of(0), &on_device, &room); /* nothing new */
	book_seen(r, vpn_of(1), &in_memory, &room);
	assert_int_equal(room.bytes, 2 * PAGE);
	pool_give(&s->account->pools[HBM], room.bytes);
	assert_int_equal(w->tiers[HBM].pool.used, PAGE);
	room = (struct adopted_room) { .tier = HBM, .bytes = 0 };
	book_seen(r, vpn_of(2), &on_device, &room); /* more is there than was thought */
	assert_int_equal(w->tiers[HBM].pool.used, 2 * PAGE);
}

/* It begins and ends inside huge pages: these have no word, but their bytes count. */
static void ends_without_a_word_count(void **state)
{
	const struct adopted_seen part = { .device = 511, .node = ADOPTED_NO_TIER, .dev = HBM };
	struct range *odd = adopt(TEST_ADDR + 1000 * PAGE + BASE, 2 * PAGE);

	(void)state;
	assert_int_equal(range_pages(odd), 1);
	assert_int_equal(range_first_vpn(odd), vpn_of(1001));
	assert_int_equal(adopted_watch(odd), 0);
	book_seen(odd, vpn_of(1000), &part, NULL);
	book_seen(odd, vpn_of(1001), &on_device, NULL);
	adopted_settle(odd, vpn_of(1000), 3, SECOND);
	assert_int_equal(odd->tier_bytes[HBM], PAGE + 511 * BASE);
	assert_true(range_heat(odd, vpn_of(1001))->away);
}

/* What was freed and touched anew has not gone on from where its forerunner was moved to. */
static void what_is_nowhere_nobody_moved(void **state)
{
	unsigned int tier;

	(void)state;
	assert_int_equal(adopted_watch(r), 0);
	for (int freed = 0; freed < 3; freed++) {
		book_seen(r, vpn_of(0), &on_device, NULL);
		adopted_settle(r, vpn_of(0), 1, SECOND);
		range_by_hand(r, vpn_of(0), HBM, true, SECOND);
		if (freed == 1) {
			book_seen(r, vpn_of(0), &nowhere, NULL);
			adopted_settle(r, vpn_of(0), 1, SECOND);
		} else if (freed) {
			adopted_forget(r, vpn_of(0), vpn_of(1));
		}
		book_seen(r, vpn_of(0), &in_memory, NULL);
		adopted_settle(r, vpn_of(0), 1, 2 * SECOND);
		assert_int_equal(range_undone(r, vpn_of(0), &tier), !freed);
	}
}

/* The word of memory that nobody watches says so itself, as long as it says where the memory is. */
static void by_hand_goes_with_the_place(void **state)
{
	(void)state;
	assert_int_equal(adopted_moved(r, vpn_of(0), 4, DRAM, true), 0);
	assert_int_equal(adopted_moved(r, vpn_of(1), 1, DRAM, false), 0);
	adopted_unknown(r, vpn_of(2), 1);
	assert_int_equal(adopted_stay(r, vpn_of(3), 1), 0);
	assert_int_equal(adopted_watch(r), 0);
	assert_int_equal(adopted_word(r, vpn_of(0)) & PAGE_FLAGS, PAGE_HAND);
	assert_int_equal(adopted_word(r, vpn_of(1)) & PAGE_FLAGS, 0);
	assert_int_equal(adopted_word(r, vpn_of(2)) & PAGE_FLAGS, 0);
	assert_int_equal(adopted_word(r, vpn_of(3)) & PAGE_FLAGS, PAGE_HAND | PAGE_STAY);
	assert_int_equal(adopted_words(r, vpn_of(3), 1), 0);
	assert_int_equal(adopted_word(r, vpn_of(3)) & PAGE_FLAGS, PAGE_STAY);
}

static void watching_may_fail(void **state)
{
	(void)state;
	alloc_fail_after(0);
	assert_int_equal(adopted_watch(r), -ENOMEM);
	assert_true(alloc_failed());
	assert_null(atomic_load(&r->adopted));
	assert_int_equal(adopted_watch(r), 0);
}

/* As if the worker did it. Returns how many pages moved. */
static unsigned int carry_out(void)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < plan.n; i++) {
		assert_int_equal(plan.moves[i].pages, 1);
		book_seen(r, plan.moves[i].vpn,
			     plan.moves[i].kind == MOVE_EVICT ? &on_device : &in_memory, NULL);
		assert_true(plan.moves[i].kind == MOVE_EVICT ? plan.moves[i].tier == HBM
							     : plan.moves[i].kind == MOVE_NODE);
		range_drop(plan.moves[i].range);
		n++;
	}
	plan.n = 0;
	return n;
}

static void cold_pages_go_and_hot_ones_come_back(void **state)
{
	uint64_t i;

	(void)state;
	assert_int_equal(adopted_watch(r), 0);
	book_all(&in_memory); /* all of dram: above its high mark of 90 per cent */
	adopted_settle(r, vpn_of(0), PAGES, SECOND);
	for (i = 0; i < PAGES; i++)
		heat_hint(range_heat(r, vpn_of(i)), i >= 32);
	plan_make(w, 100 * SECOND, &plan);
	assert_int_equal(carry_out(), PAGES - 48); /* down to the low mark of 75 */
	adopted_settle(r, vpn_of(0), PAGES, 100 * SECOND);
	for (i = 0; i < PAGES; i++)
		if (i >= 32)
			assert_int_equal(page_word_tier(test_word(r, i)), DRAM);
	for (i = 0; i < 32; i++)
		book_seen(r, vpn_of(i), &on_device, NULL);
	adopted_settle(r, vpn_of(0), PAGES, 101 * SECOND);
	heat_hint(range_heat(r, vpn_of(3)), true); /* away and hot, while memory has room */
	heat_hint(range_heat(r, vpn_of(40)), false);
	plan_make(w, 200 * SECOND, &plan);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.moves[0].vpn, vpn_of(3));
	carry_out();
}

static void who_only_wants_room_gets_no_adopted_victim(void **state)
{
	(void)state;
	assert_int_equal(adopted_watch(r), 0);
	book_all(&in_memory);
	assert_int_equal(policy_rank(w, DRAM, UINT32_MAX, 100 * SECOND, 16), 0);
}

static void what_goes_to_and_fro_is_left_alone(void **state)
{
	uint64_t now_us = 100 * SECOND;

	(void)state;
	assert_int_equal(adopted_watch(r), 0);
	book_all(&in_memory);
	assert_false(adopted_held(r, vpn_of(1), now_us));
	adopted_thrash(r, vpn_of(1), now_us);
	assert_true(adopted_held(r, vpn_of(1), now_us + SECOND - 1000));
	assert_false(adopted_held(r, vpn_of(1), now_us + SECOND));
	adopted_thrash(r, vpn_of(1), now_us + SECOND); /* again: twice as long */
	assert_true(adopted_held(r, vpn_of(1), now_us + 3 * SECOND - 1000));
	assert_false(adopted_held(r, vpn_of(1), now_us + 3 * SECOND));
	adopted_thrash(r, vpn_of(1), now_us + 100 * SECOND); /* long after: anew */
	assert_false(adopted_held(r, vpn_of(1), now_us + 101 * SECOND));
	assert_false(adopted_held(r, vpn_of(0), now_us));
	adopted_thrash(r, vpn_of(0), 300 * SECOND);
	heat_hint(range_heat(r, vpn_of(0)), false); /* the coldest, but held */
	plan_make(w, 300 * SECOND, &plan);
	assert_true(plan.n > 0);
	for (size_t i = 0; i < plan.n; i++)
		assert_int_not_equal(plan.moves[i].vpn, vpn_of(0));
	carry_out();
}

static void pinned_pages_stay(void **state)
{
	(void)state;
	assert_int_equal(adopted_watch(r), 0);
	book_all(&in_memory);
	for (uint64_t i = 0; i < PAGES; i++)
		page_flag(space_word(s, r->addr + i * PAGE), PAGE_PINNED, 0);
	plan_make(w, 300 * SECOND, &plan);
	assert_int_equal(plan.n, 0);
}

static void a_draining_device_is_emptied(void **state)
{
	(void)state;
	assert_int_equal(adopted_watch(r), 0);
	book_all(&on_device);
	assert_int_equal(world_drain(w, HBM), 0);
	plan_make(w, SECOND, &plan);
	assert_true(carry_out() >= PAGES); /* the policy wants some of them back, too */
	assert_int_equal(w->tiers[HBM].pool.used, 0);
	plan_make(w, 2 * SECOND, &plan);
	assert_int_equal(w->tiers[HBM].state, TIER_DRAINED);
	carry_out();
	world_undrain(w, HBM);
}

/* To the byte, in one move. */
static void an_operation_is_about_bytes(void **state)
{
	struct op *op = NULL;
	uint64_t addr, end;
	struct op_result done = { .moved = 3 * BASE, .busy = PAGE };

	(void)state;
	assert_int_equal(op_new(&op, w, 0, MOVE_EVICT, HBM), 0);
	assert_int_equal(op_add_bytes(op, r, TEST_ADDR + BASE, 2 * PAGE), 0);
	assert_int_equal(op->result.asked, 2 * PAGE);
	assert_int_equal(op_issue(op, &plan, SECOND), 1);
	move_area(&plan.moves[0], &addr, &end);
	assert_int_equal(addr, TEST_ADDR + BASE);
	assert_int_equal(end, TEST_ADDR + BASE + 2 * PAGE);
	op_report_bytes(op, &plan.moves[0], &done);
	assert_true(op_done(op));
	assert_int_equal(op->result.failed, PAGE - 3 * BASE);
	assert_int_equal(op->result.moved + op->result.busy + op->result.failed, op->result.asked);
	range_drop(r);
	op_free(op, w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_seen_is_booked),
		TEST(sums_are_exact),
		TEST(room_pays_for_what_is_booked),
		TEST(ends_without_a_word_count),
		TEST(what_is_nowhere_nobody_moved),
		TEST(by_hand_goes_with_the_place),
		TEST(watching_may_fail),
		TEST(cold_pages_go_and_hot_ones_come_back),
		TEST(who_only_wants_room_gets_no_adopted_victim),
		TEST(what_goes_to_and_fro_is_left_alone),
		TEST(pinned_pages_stay),
		TEST(a_draining_device_is_emptied),
		TEST(an_operation_is_about_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
