// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What lies in a user's files beyond what was put there: charged to that user alone when two counts have found it, and
 * never mistaken for pages that come and go meanwhile.
 */
#include "tests/unit/one_space.h"

enum { LIMIT = 8, RESIDENT = 4 /* pages */ };

static struct account *a;
static uint64_t now_us;

static int set_up(void **state)
{
	(void)state;
	test_config(&config);
	config.default_quota.bytes[DRAM] = LIMIT * PAGE;
	open_space(16);
	a = s->account;
	for (uint64_t i = 0; i < RESIDENT; i++)
		assert_int_equal(test_fill(r, i, SECOND), 0);
	now_us = 100 * SECOND;
	return 0;
}

static uint64_t used(const struct pool *p)
{
	return atomic_load(&p->used) / PAGE;
}

static enum excess_news count(uint64_t pages)
{
	struct excess_count c;

	now_us += SECOND / 2;
	excess_begin(a, w, now_us, &c);
	return excess_end(a, w, &c, pages * PAGE, DRAM, now_us);
}

static int ask(struct range **ret)
{
	struct range_request q = { .size = PAGE, .name = "more" };

	return space_alloc(s, &q, ret);
}

static void what_was_put_there_is_no_excess(void **state)
{
	struct excess_count c;

	(void)state;
	assert_int_equal(count(RESIDENT), EXCESS_NEWS_NONE);
	assert_int_equal(count(RESIDENT), EXCESS_NEWS_NONE);
	assert_int_equal(count(0), EXCESS_NEWS_NONE);
	excess_begin(a, w, now_us, &c);
	assert_int_equal(excess_end(a, w, &c, (RESIDENT + 1) * PAGE - 1, DRAM, now_us), EXCESS_NEWS_NONE);
	assert_false(excess_wants_count(a));
	assert_int_equal(a->excess.charged, 0);
}

static void two_counts_charge_the_user_alone(void **state)
{
	struct range *more;

	(void)state;
	assert_int_equal(count(RESIDENT + 3), EXCESS_NEWS_NONE);
	assert_int_equal(a->excess.charged, 0);
	assert_true(excess_wants_count(a));
	assert_int_equal(count(RESIDENT + 20), EXCESS_NEWS_BEGINS);
	assert_int_equal(a->excess.charged, 3 * PAGE);
	assert_false(excess_is_over(a, w));
	assert_int_equal(ask(&more), 0);
	test_range_free(more);
	assert_int_equal(count(RESIDENT + 20), EXCESS_NEWS_NONE);
	assert_int_equal(a->excess.charged, 20 * PAGE);
	assert_int_equal(used(&a->pools[DRAM]), RESIDENT + 20);
	assert_int_equal(used(&w->tiers[DRAM].pool), RESIDENT);
	assert_true(excess_is_over(a, w));
	assert_int_equal(ask(&more), SPACE_E_EXCESS);
	assert_int_equal(space_refusal_errno(SPACE_E_EXCESS), EDQUOT);
	assert_int_equal(test_fill(r, RESIDENT, SECOND), 1);
	assert_ptr_equal(pool_take(&a->pools[DRAM], PAGE), &a->pools[DRAM]);
	assert_int_equal(count(RESIDENT), EXCESS_NEWS_NONE);
	assert_int_equal(a->excess.charged, 0);
	assert_int_equal(used(&a->pools[DRAM]), RESIDENT);
	assert_int_equal(ask(&more), 0);
	test_range_free(more);
}

static void the_end_is_told_once_and_late(void **state)
{
	unsigned int over = 0;

	(void)state;
	count(RESIDENT + 9);
	assert_int_equal(count(RESIDENT + 9), EXCESS_NEWS_BEGINS);
	assert_int_equal(count(RESIDENT), EXCESS_NEWS_NONE);
	count(RESIDENT + 9);
	assert_int_equal(count(RESIDENT + 9), EXCESS_NEWS_NONE);
	for (uint64_t end = now_us + EXCESS_QUIET_US - SECOND; now_us < end;)
		assert_int_equal(count(RESIDENT), EXCESS_NEWS_NONE);
	for (uint64_t end = now_us + 2 * EXCESS_QUIET_US; now_us < end;)
		over += count(RESIDENT) == EXCESS_NEWS_OVER;
	assert_int_equal(over, 1);
}

/* One page was seen in the first file, another one in the last, and never were there two. */
static void pages_that_come_and_go_are_no_excess(void **state)
{
	struct excess_count c;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		now_us += SECOND;
		excess_begin(a, w, now_us, &c);
		assert_int_equal(test_evict(r, 0, FAR, now_us), 0);
		assert_int_equal(test_fill(r, RESIDENT, now_us), 0);
		assert_int_equal(excess_end(a, w, &c, (RESIDENT + 1) * PAGE, DRAM, now_us), EXCESS_NEWS_NONE);
		assert_int_equal(a->excess.found, 0);
		assert_int_equal(test_evict(r, RESIDENT, FAR, now_us), 0);
		assert_int_equal(test_fill(r, 0, now_us), 0);
	}
}

/* Its room is taken before the page is there, and it is booked after that. */
static void a_page_on_its_way_is_no_excess(void **state)
{
	struct pool *full;

	(void)state;
	full = pool_take(&a->pools[DRAM], PAGE);
	assert_null(full);
	count(RESIDENT + 1);
	count(RESIDENT + 1);
	assert_int_equal(a->excess.found, 0);
	pool_give(&a->pools[DRAM], PAGE);
}

static void a_program_has_a_moment_to_empty_its_file(void **state)
{
	struct range *other = test_range(s, TEST_ADDR + (1ULL << 30), 3, NULL);

	(void)state;
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(test_fill(other, i, SECOND), 0);
	count(RESIDENT + 3);
	test_range_free(other);
	count(RESIDENT + 3);
	count(RESIDENT + 3);
	assert_int_equal(a->excess.found, 0);
	for (unsigned int i = 0; i < 6; i++)
		count(RESIDENT + 3);
	assert_int_equal(a->excess.charged, 3 * PAGE);
}

static void it_follows_its_tier(void **state)
{
	struct excess_count c;

	(void)state;
	count(RESIDENT + 9);
	count(RESIDENT + 9);
	assert_int_equal(used(&a->pools[DRAM]), RESIDENT + 9);
	excess_begin(a, w, now_us, &c);
	excess_end(a, w, &c, (RESIDENT + 9) * PAGE, CXL, now_us);
	assert_int_equal(used(&a->pools[DRAM]), RESIDENT);
	assert_int_equal(used(&a->pools[CXL]), 9);
	assert_false(excess_is_over(a, w));	/* no limit there, and 64 pages */
	count(RESIDENT + 65);
	excess_begin(a, w, now_us, &c);
	excess_end(a, w, &c, (RESIDENT + 65) * PAGE, CXL, now_us);
	assert_true(excess_is_over(a, w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(what_was_put_there_is_no_excess),
		IN_WORLD(two_counts_charge_the_user_alone),
		IN_WORLD(the_end_is_told_once_and_late),
		IN_WORLD(pages_that_come_and_go_are_no_excess),
		IN_WORLD(a_page_on_its_way_is_no_excess),
		IN_WORLD(a_program_has_a_moment_to_empty_its_file),
		IN_WORLD(it_follows_its_tier),
	};

	return cmocka_run_group_tests_name("excess", tests, NULL, NULL);
}
