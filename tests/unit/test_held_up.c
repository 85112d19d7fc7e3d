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
	space_held_up(held->space, true);
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
	space_held_up(held->space, false);
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
	space_held_up(held->space, false);
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
	space_held_up(held->space, false);
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
	space_held_up(held->space, false);
	assert_int_equal(planned(held, 30 * SECOND), 10);
	world_undrain(w, FAR);
}

/* An operation over the pages that both have on a tier, those of the first user first. */
static struct op *drain(unsigned int tier, struct account *payer)
{
	struct op *op = NULL;

	assert_int_equal(op_new(&op, w, 0, MOVE_NODE, (uint8_t)tier), 0);
	op->from = (uint8_t)tier;
	if (payer)
		assert_int_equal(op_charge(op, payer), 0);
	assert_int_equal(op_add_bytes(op, held, held->addr, held->size), 0);
	assert_int_equal(op_add_bytes(op, other, other->addr, other->size), 0);
	return op;
}

/* So many of its pages on a tier, the first at `from`. */
static void put_on(struct range *r, unsigned int tier, uint64_t from, uint64_t pages)
{
	for (uint64_t i = from; i < from + pages; i++) {
		assert_int_equal(test_fill(r, i, SECOND), 0);
		assert_int_equal(test_evict(r, i, tier, 2 * SECOND), 0);
	}
}

static unsigned int issued(struct op *op, const struct range *r)
{
	unsigned int n = 0;

	op_issue(op, &plan, 3 * SECOND);
	for (size_t i = 0; i < plan.n; i++)
		n += plan.moves[i].range == r;
	assert_int_equal(n, plan.n);
	return n;
}

/* Takes the moves of a plan out of it: they are under way. */
static unsigned int under_way(struct move *moves)
{
	unsigned int n = (unsigned int)plan.n;

	for (unsigned int i = 0; i < n; i++)
		moves[i] = plan.moves[i];
	plan.n = 0;
	return n;
}

static void done(struct op *op, const struct move *moves, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		op_report(op, &moves[i], MOVE_MOVED, 3 * SECOND);
		range_drop(moves[i].range);
	}
}

static void ended(struct op *op, uint64_t moved)
{
	assert_true(op_done(op));
	assert_int_equal(op->result.moved, moved * PAGE);
	assert_int_equal(op->result.asked, op->result.moved + op->result.already_there + op->result.busy +
			 op->result.failed);
	assert_int_equal(w->held_moves, 0);
	assert_int_equal(held->space->op_moves, 0);
	assert_int_equal(held->space->op_weight, 0);
	op_free(op, w);
}

/* All that a drain may have under way hangs at its pages, and those of the others go on. */
static void moves_that_hang_leave_a_drain_its_window(void **state)
{
	struct move hang[OP_IN_FLIGHT], moves[OP_IN_FLIGHT];
	struct op *op;

	(void)state;
	space_held_up(held->space, false);
	put_on(held, FAR, 30, 40);
	put_on(other, FAR, 30, 40);
	op = drain(FAR, NULL);
	assert_int_equal(issued(op, held), OP_IN_FLIGHT);
	under_way(hang);
	assert_int_equal(issued(op, held), 0);
	assert_false(op_wants_more(op));
	space_held_up(held->space, true);
	assert_true(op_wants_more(op));
	assert_int_equal(issued(op, other), OP_IN_FLIGHT);
	under_way(moves);
	assert_int_equal(issued(op, other), 0);
	done(op, moves, OP_IN_FLIGHT);
	assert_int_equal(issued(op, other), 8);
	done(op, moves, under_way(moves));
	assert_false(op_done(op));
	assert_int_equal(op_due_us(op), UINT64_MAX);	/* only what is held up is left */
	assert_int_equal(issued(op, other), 0);
	space_held_up(held->space, false);
	assert_int_equal(op_due_us(op), 0);
	assert_int_equal(issued(op, held), 0);
	done(op, hang, OP_IN_FLIGHT);
	assert_int_equal(issued(op, held), 8);
	done(op, moves, under_way(moves));
	ended(op, 80);
}

/* Nor do they take the load of the user who asked for it. */
static void moves_that_hang_leave_who_asked_its_load(void **state)
{
	struct move hang[2][OP_IN_FLIGHT], moves[OP_IN_FLIGHT];
	struct space *asks = test_space(w, 0);
	struct op *far, *disk;

	(void)state;
	space_held_up(held->space, false);
	put_on(held, FAR, 30, OP_IN_FLIGHT);
	put_on(held, DISK, 30 + OP_IN_FLIGHT, OP_IN_FLIGHT);
	put_on(other, FAR, 30, 8);
	far = drain(FAR, asks->account);
	disk = drain(DISK, asks->account);
	assert_int_equal(issued(far, held), OP_IN_FLIGHT);
	under_way(hang[0]);
	assert_int_equal(issued(disk, held), OP_IN_FLIGHT);
	under_way(hang[1]);
	assert_int_equal(asks->account->load, OP_USER_LOAD);
	space_held_up(held->space, true);
	assert_int_equal(issued(far, other), 8);
	done(far, moves, under_way(moves));
	done(far, hang[0], OP_IN_FLIGHT);
	done(disk, hang[1], OP_IN_FLIGHT);
	space_held_up(held->space, false);
	assert_int_equal(issued(far, held) + issued(disk, held), 0);
	ended(far, OP_IN_FLIGHT + 8);
	ended(disk, OP_IN_FLIGHT);
	assert_int_equal(asks->account->load, 0);
	test_space_free(asks);
}

/* A page that was busy when it was held up waits, however often the others' are tried. */
static void its_busy_pages_wait(void **state)
{
	struct move busy, again;
	struct op *op;

	(void)state;
	space_held_up(held->space, false);
	put_on(held, FAR, 30, 1);
	op = drain(FAR, NULL);
	assert_int_equal(issued(op, held), 1);
	assert_int_equal(under_way(&busy), 1);
	op_report(op, &busy, MOVE_BUSY, SECOND);
	range_drop(busy.range);
	assert_true(op_due_us(op) < 3 * SECOND);
	space_held_up(held->space, true);
	assert_int_equal(op_due_us(op), UINT64_MAX);
	assert_int_equal(issued(op, held), 0);
	space_held_up(held->space, false);
	assert_int_equal(issued(op, held), 1);
	assert_int_equal(under_way(&again), 1);
	done(op, &again, 1);
	ended(op, 1);
}

/* There is no room for what leaves the tier, and somebody may be waiting for that to be said. */
static void what_is_only_counted_waits_for_nobody(void **state)
{
	uint64_t now_us = 3 * SECOND;
	struct op *op;

	(void)state;
	put_on(held, FAR, 30, 40);
	put_on(other, FAR, 30, 1);
	op = drain(FAR, NULL);
	for (unsigned int i = 0; i < 2 * OP_RETRIES && !op_done(op); i++, now_us += SECOND) {
		op_issue(op, &plan, now_us);
		for (size_t k = 0; k < plan.n; k++) {
			assert_ptr_equal(plan.moves[k].range, other);
			op_report(op, &plan.moves[k], MOVE_NO_ROOM, now_us);
			range_drop(other);
		}
		plan.n = 0;
	}
	assert_int_equal(op->result.busy, 41 * PAGE);
	ended(op, 0);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(its_pages_are_no_victims),
		IN_WORLD(no_plan_brings_them_back),
		IN_WORLD(no_device_gives_them_back_for_its_reserve),
		IN_WORLD(a_draining_tier_gives_those_of_others),
		IN_WORLD(moves_that_hang_leave_a_drain_its_window),
		IN_WORLD(moves_that_hang_leave_who_asked_its_load),
		IN_WORLD(its_busy_pages_wait),
		IN_WORLD(what_is_only_counted_waits_for_nobody),
	};

	return cmocka_run_group_tests_name("held-up", tests, NULL, NULL);
}
