// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations: every byte asked for ends in exactly one count, whatever happens on the way. */
#include "tests/unit/alloc_fail.h"
#include "tests/unit/one_space.h"
#include "tests/unit/random.h"

static struct plan plan;
static uint64_t now_us = SECOND;

static int set_up(void **state)
{
	(void)state;
	test_config(&config);
	open_space(100);
	plan.n = 0;
	return 0;
}

static struct op *new_op(enum move_kind kind, unsigned int tier, uint64_t page, uint64_t pages)
{
	struct op *op = NULL;

	assert_int_equal(op_new(&op, w, 7, kind, (uint8_t)tier), 0);
	assert_int_equal(op_add_span(op, r, range_first_vpn(r) + page, pages), 0);
	return op;
}

static void adds_up(const struct op *op)
{
	const struct op_result *x = &op->result;

	assert_true(op_done(op));
	assert_int_equal(x->asked, x->moved + x->already_there + x->busy + x->failed);
}

/* Reports every move of the plan with this outcome. */
static void report_all(struct op *op, enum move_outcome outcome)
{
	size_t i;

	for (i = 0; i < plan.n; i++) {
		op_report(op, &plan.moves[i], outcome, now_us);
		range_drop(plan.moves[i].range);
	}
	plan.n = 0;
}

/* Until the op has something again. */
static void wait_for(const struct op *op)
{
	if (!op_done(op) && op_due_us(op) > now_us)
		now_us = op_due_us(op);
}

static void hands_out_a_few_at_a_time(void **state)
{
	struct op *op = new_op(MOVE_FILL, DRAM, 0, 100);
	uint64_t moves = 0;

	(void)state;
	assert_ptr_equal(idmap_get(w->ops, op->id), op);
	assert_false(op_done(op));
	while (!op_done(op)) {
		assert_true(op_issue(op, &plan, now_us) > 0);
		assert_true(op->in_flight <= OP_IN_FLIGHT);
		assert_int_equal(op_issue(op, &plan, now_us), 0); /* no more until they are reported */
		moves += plan.n;
		report_all(op, MOVE_MOVED);
	}
	assert_int_equal(moves, 100);
	assert_int_equal(op->result.moved, 100 * PAGE);
	adds_up(op);
	assert_int_equal(r->holders, 0);
	op_free(op, w);
	assert_null(op_free(NULL, w));
}

static void what_is_there_is_not_moved(void **state)
{
	struct op *op;
	uint64_t i;

	(void)state;
	for (i = 0; i < 10; i++)
		test_fill(r, i, SECOND);
	for (i = 0; i < 4; i++)
		test_evict(r, i, FAR, SECOND);
	op = new_op(MOVE_EVICT, FAR, 0, 100);		/* 4 there, 6 to go, 90 never touched */
	assert_int_equal(op_issue(op, &plan, now_us), 6);
	assert_int_equal(op->result.already_there, 94 * PAGE);
	test_carry_out(w, &plan, SECOND);
	adds_up(op);
	op_free(op, w);
	op = new_op(MOVE_NODE, CXL, 0, 12);
	assert_int_equal(op_issue(op, &plan, now_us), 10);
	report_all(op, MOVE_ALREADY);
	adds_up(op);
	op_free(op, w);
	op = new_op(MOVE_DISCARD, 0, 8, 4);
	assert_int_equal(op_issue(op, &plan, now_us), 2);
	report_all(op, MOVE_FAILED);
	assert_int_equal(op->result.failed, 2 * PAGE);
	adds_up(op);
	op_free(op, w);
	op = new_op(MOVE_PIN, 0, 0, 10);
	assert_int_equal(op_issue(op, &plan, now_us), 10);
	report_all(op, MOVE_MOVED);
	adds_up(op);
	op_free(op, w);
	test_fill(r, 0, SECOND);
	op = new_op(MOVE_FILL, DRAM, 0, 1);
	assert_int_equal(op_issue(op, &plan, now_us), 0);
	adds_up(op);
	op_free(op, w);
	test_books(w);
}

static void busy_pages_are_tried_again_and_then_counted(void **state)
{
	struct op *op = new_op(MOVE_FILL, DRAM, 0, 100);
	uint64_t moves = 0;

	(void)state;
	while (!op_done(op)) {
		op_issue(op, &plan, now_us);
		moves += plan.n;
		report_all(op, MOVE_BUSY);
		wait_for(op);
	}
	assert_int_equal(op->result.busy, 100 * PAGE);
	adds_up(op);
	assert_in_range(moves, 100 + OP_IN_FLIGHT * OP_RETRIES, 100 * (1 + OP_RETRIES));
	assert_int_equal(r->holders, 0);
	op_free(op, w);
	op = new_op(MOVE_FILL, DRAM, 0, 1);
	for (moves = 0; !op_done(op); moves += plan.n, report_all(op, MOVE_BUSY), wait_for(op))
		op_issue(op, &plan, now_us);
	assert_int_equal(moves, 1 + OP_RETRIES);
	op_free(op, w);
	op = new_op(MOVE_FILL, DRAM, 0, 1);
	op_issue(op, &plan, now_us);
	report_all(op, MOVE_BUSY);
	assert_int_equal(op->result.busy, 0);
	wait_for(op);
	op_issue(op, &plan, now_us);
	report_all(op, MOVE_MOVED);		/* the second try did it */
	assert_int_equal(op->result.moved, PAGE);
	adds_up(op);
	op_free(op, w);
}

/* Whoever holds the page needs his time, however fast the others are: half a second here. */
static void a_busy_page_is_given_time(void **state)
{
	struct op *op = new_op(MOVE_FILL, DRAM, 0, 1);
	uint64_t free_at_us = now_us + 500000, tries = 0;

	(void)state;
	while (!op_done(op)) {
		tries += op_issue(op, &plan, now_us);
		report_all(op, now_us < free_at_us ? MOVE_BUSY : MOVE_MOVED);
		assert_int_equal(op_issue(op, &plan, now_us), 0);
		wait_for(op);
	}
	assert_int_equal(op->result.moved, PAGE);
	assert_in_range(tries, 2, 1 + OP_RETRIES);
	adds_up(op);
	op_free(op, w);
}

static void a_pinned_page_is_busy_at_once(void **state)
{
	struct op *op;

	(void)state;
	test_fill(r, 0, SECOND);
	page_flag(space_word(s, TEST_ADDR), PAGE_PINNED, 0);
	op = new_op(MOVE_EVICT, FAR, 0, 1);
	assert_int_equal(op_issue(op, &plan, now_us), 1);
	report_all(op, MOVE_BUSY);
	adds_up(op);
	assert_int_equal(op->result.busy, PAGE);
	page_flag(space_word(s, TEST_ADDR), 0, PAGE_PINNED);
	op_free(op, w);
}

static void a_cancelled_op_hands_out_nothing_more(void **state)
{
	struct op *op = new_op(MOVE_FILL, DRAM, 0, 50);

	(void)state;
	assert_int_equal(op_add_span(op, r, range_first_vpn(r) + 60, 10), 0);
	assert_int_equal(op_issue(op, &plan, now_us), OP_IN_FLIGHT);
	op_report(op, &plan.moves[0], MOVE_BUSY, now_us);
	op_cancel(op);
	assert_false(op_done(op));
	op_report(op, &plan.moves[1], MOVE_MOVED, now_us);
	op_report(op, &plan.moves[2], MOVE_BUSY, now_us);
	plan.n = OP_IN_FLIGHT;
	for (size_t i = 3; i < plan.n; i++)
		op_report(op, &plan.moves[i], MOVE_MOVED, now_us);
	for (size_t i = 0; i < plan.n; i++)
		range_drop(r);
	plan.n = 0;
	assert_int_equal(op_issue(op, &plan, now_us), 0);
	adds_up(op);
	assert_int_equal(op->result.busy, PAGE);
	assert_int_equal(op->result.moved, (OP_IN_FLIGHT - 2) * PAGE);
	assert_int_equal(r->holders, 0);
	op_free(op, w);
}

/* One of three ranges dies in the middle: its part fails, the others go on. */
static void a_dying_range_is_let_go(void **state)
{
	struct range *b = test_range(s, TEST_ADDR + 200 * PAGE, 50, NULL), *keep = r;
	struct op *op = new_op(MOVE_FILL, DRAM, 0, 10);
	size_t i;

	(void)state;
	assert_int_equal(op_add_span(op, b, range_first_vpn(b), 50), 0);
	assert_int_equal(op_add_span(op, r, range_first_vpn(r) + 20, 10), 0);
	assert_int_equal(op_add_span(op, b, range_first_vpn(b), 5), 0);
	assert_int_equal(op_issue(op, &plan, now_us), OP_IN_FLIGHT);	/* 10 of r, 22 of b */
	op_report(op, &plan.moves[10], MOVE_BUSY, now_us);
	space_range_leave(s, b);
	assert_int_equal(op_add_span(op, b, range_first_vpn(b), 5), 1);
	for (i = 0; i < OP_IN_FLIGHT; i++) {
		if (i != 10)
			op_report(op, &plan.moves[i], i == 11 ? MOVE_BUSY : MOVE_MOVED, now_us);
		range_drop(plan.moves[i].range);
	}
	plan.n = 0;
	assert_int_equal(b->holders, 0);
	space_range_free(b, NULL, NULL);
	assert_int_equal(op_issue(op, &plan, now_us), 10);
	report_all(op, MOVE_MOVED);
	adds_up(op);
	assert_int_equal(op->result.busy, PAGE); /* page 11 could not be tried again */
	assert_int_equal(op->result.failed, (28 + 1 + 5) * PAGE);
	assert_int_equal(op->result.moved, (10 + 20 + 10) * PAGE);
	assert_ptr_equal(keep, r);
	op_free(op, w);
}

static void adopted_memory_moves_in_one_piece(void **state)
{
	uint64_t addr = TEST_ADDR + 300 * PAGE + 4096, size = 3 * PAGE, id;
	struct range_request q = { .name = "a" };
	struct op_result part = { .moved = PAGE, .already_there = 4096, .busy = 8192 };
	struct range *a;
	struct op *op;

	(void)state;
	assert_int_equal(space_register(s, &q, &addr, &size, 1, &id), 0);
	a = space_find_id(s, id);
	assert_int_equal(op_new(&op, w, 7, MOVE_NODE, CXL), 0);
	assert_int_equal(op_add_span(op, a, addr >> 21, 4), 0);
	assert_int_equal(op->result.asked, size);
	assert_int_equal(op_issue(op, &plan, now_us), 1);
	assert_int_equal(plan.moves[0].pages, 4);
	op_report_bytes(op, &plan.moves[0], &part);
	range_drop(a);
	adds_up(op);
	assert_int_equal(op->result.failed, size - PAGE - 4096 - 8192);
	assert_int_equal(op_add_span(op, a, addr >> 21, 4), 0);
	plan.n = 0;
	assert_int_equal(op_issue(op, &plan, now_us), 1);
	part.moved = UINT64_MAX; /* more than there is does not count */
	op_report_bytes(op, &plan.moves[0], &part);
	range_drop(a);
	adds_up(op);
	assert_int_equal(op_add_span(op, a, addr >> 21, 4), 0);
	plan.n = 0;
	assert_int_equal(op_issue(op, &plan, now_us), 1);
	op_report(op, &plan.moves[0], MOVE_BUSY, now_us); /* a whole span is not tried again */
	range_drop(a);
	adds_up(op);
	plan.n = 0;
	op_free(op, w);
}

static void random_lives_add_up(void **state)
{
	uint64_t seed = 21;
	int round;

	(void)state;
	for (round = 0; round < 300; round++) {
		struct op *op = new_op((enum move_kind)random_below(&seed, 5),
				       (unsigned int)random_below(&seed, 4), 0,
				       1 + random_below(&seed, 100));

		while (!op_done(op)) {
			op_issue(op, &plan, now_us);
			while (plan.n) {
				struct move m = plan.moves[--plan.n];

				op_report(op, &m, (enum move_outcome)random_below(&seed, 4), now_us);
				range_drop(m.range);
			}
			if (!random_below(&seed, 40))
				op_cancel(op);
			wait_for(op);
		}
		adds_up(op);
		op_free(op, w);
		assert_int_equal(r->holders, 0);
	}
	assert_int_equal(idmap_count(w->ops), 0);
}

static void survives_want_of_memory(void **state)
{
	struct op *op = NULL;
	int n, rc;

	(void)state;
	for (n = 0; n < 1; n++) {
		alloc_fail_after(n);
		assert_int_equal(op_new(&op, w, 0, MOVE_FILL, 0), -ENOMEM);
		assert_true(alloc_failed());
	}
	op = new_op(MOVE_FILL, 0, 0, 1);
	alloc_fail_after(0);
	assert_int_equal(op_add_span(op, r, range_first_vpn(r), 1), -ENOMEM);
	assert_true(alloc_failed());
	assert_int_equal(op->result.asked, PAGE);
	for (n = 0; n < 40; n++) {
		struct op *more;

		alloc_fail_after(1);	/* the table of ops, when it grows */
		rc = op_new(&more, w, 0, MOVE_FILL, 0);
		assert_int_equal(rc, alloc_failed() ? -ENOMEM : 0);
	}
	/* world_free() frees what is still there. */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(hands_out_a_few_at_a_time),
		IN_WORLD(what_is_there_is_not_moved),
		IN_WORLD(busy_pages_are_tried_again_and_then_counted),
		IN_WORLD(a_busy_page_is_given_time),
		IN_WORLD(a_pinned_page_is_busy_at_once),
		IN_WORLD(a_cancelled_op_hands_out_nothing_more),
		IN_WORLD(a_dying_range_is_let_go),
		IN_WORLD(adopted_memory_moves_in_one_piece),
		IN_WORLD(random_lives_add_up),
		IN_WORLD(survives_want_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
