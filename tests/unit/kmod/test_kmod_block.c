// SPDX-License-Identifier: GPL-2.0-or-later
/* The blocks of a device: against the model, and what the model is too small to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/alloc_fail.h"
#include "tests/unit/kmod/block_model.h"
#include "tests/unit/random.h"

enum { STEPS = 40000, PHASE = 500 };

/* Takes and gives in turn get the upper hand, so that it runs full and empty again and again. */
static enum block_model_op choose(uint64_t *seed, int step)
{
	bool grow = step / PHASE % 2;
	uint64_t dice = random_below(seed, 16);

	if (dice < 4)
		return grow ? BLOCK_TAKE_PAGES : BLOCK_GIVE_PAGES;
	if (dice < 7)
		return grow ? BLOCK_TAKE_WHOLE : BLOCK_GIVE_HEAD;
	return (enum block_model_op)random_below(seed, BLOCK_OPS);
}

static void is_what_the_naive_one_is(void **state)
{
	struct block_model m;
	uint64_t seed = 1;
	int step;

	(void)state;
	assert_null(block_model_start(&m));
	for (step = 0; step < STEPS; step++) {
		enum block_model_op op = choose(&seed, step);
		u32 arg = (u32)random_below(&seed, BLOCK_MODEL_PAGES + 40);
		const char *wrong = block_model_step(&m, op, arg);

		if (wrong)
			fail_msg("step %d, operation %d of %u: not so: %s", step, op, arg, wrong);
	}
	block_model_end(&m);
}

static void starts_only_with_memory_and_blocks(void **state)
{
	struct hmmdev_blocks *b = NULL;
	int n, rc;

	(void)state;
	assert_int_equal(hmmdev_blocks_new(0, &b), -EINVAL);
	assert_int_equal(hmmdev_blocks_new(HMMDEV_BLOCKS_MAX + 1ULL, &b), -EINVAL);
	for (n = 0;; n++) {
		alloc_fail_after(n);
		rc = hmmdev_blocks_new(3, &b);
		if (!alloc_failed())
			break;
		assert_int_equal(rc, -ENOMEM);
	}
	assert_true(n > 1);
	assert_int_equal(rc, 0);
	hmmdev_blocks_free(b);
	hmmdev_blocks_free(NULL);
}

static void knows_two_orders(void **state)
{
	struct hmmdev_blocks *b;
	u64 page = 7;

	(void)state;
	assert_int_equal(hmmdev_blocks_new(1, &b), 0);
	assert_int_equal(hmmdev_blocks_take(b, 4, 0, &page), -EINVAL);
	assert_int_equal(hmmdev_blocks_take(b, 10, 0, &page), -EINVAL);
	assert_int_equal(page, 7);
	assert_int_equal(hmmdev_blocks_take(b, 9, 0, &page), 0);
	assert_int_equal(hmmdev_blocks_give(b, page, 4), -EINVAL);
	assert_int_equal(hmmdev_blocks_give(b, page + 1, 9), -EINVAL);
	assert_int_equal(hmmdev_blocks_give(b, page + 1, 0), -EINVAL);
	assert_int_equal(hmmdev_blocks_give(b, U64_MAX, 0), -EINVAL);
	hmmdev_blocks_free(b);
}

static void a_block_stays_for_the_longest_time_asked(void **state)
{
	struct hmmdev_blocks_cursor cursor = { 0 };
	struct hmmdev_blocks *b;
	u64 page;

	(void)state;
	assert_int_equal(hmmdev_blocks_new(1, &b), 0);
	assert_int_equal(hmmdev_blocks_take(b, 0, 100, &page), 0);
	assert_int_equal(hmmdev_blocks_take(b, 0, 50, &page), 0);
	assert_int_equal(hmmdev_blocks_oldest(b, &cursor, 99, &page), HMMDEV_BLOCKS_E_NONE);
	cursor = (struct hmmdev_blocks_cursor){ 0 };
	assert_int_equal(hmmdev_blocks_oldest(b, &cursor, 100, &page), 0);
	assert_int_equal(page, 0);
	hmmdev_blocks_free(b);
}

/* More blocks than one hold of the lock looks at, the only one that is due at the young end. */
static void a_search_ends_within_its_bound(void **state)
{
	enum { BLOCKS = 1000 };
	struct hmmdev_blocks_cursor cursor = { 0 };
	struct hmmdev_blocks *b;
	unsigned int i, more = 0;
	u64 page = 0;
	int rc;

	(void)state;
	assert_int_equal(hmmdev_blocks_new(BLOCKS, &b), 0);
	for (i = 0; i < BLOCKS; i++)
		assert_int_equal(hmmdev_blocks_take(b, 9, i < BLOCKS - 1 ? 10 : 5, &page), 0);
	while ((rc = hmmdev_blocks_oldest(b, &cursor, 5, &page)) == HMMDEV_BLOCKS_E_MORE)
		more++;
	assert_int_equal(rc, 0);
	assert_int_equal(page, (BLOCKS - 1) * 512);
	assert_int_equal(more, (BLOCKS - 1) / HMMDEV_BLOCKS_SCAN);
	/* Freed, it costs the walk nothing that it has passed. */
	assert_int_equal(hmmdev_blocks_give(b, page, 9), 0);
	assert_int_equal(hmmdev_blocks_oldest(b, &cursor, 5, &page), HMMDEV_BLOCKS_E_NONE);
	hmmdev_blocks_free(b);
}

static void the_end_of_a_look_is_outside(void **state)
{
	struct hmmdev_blocks *b;
	unsigned int order = 1;
	u64 page;

	(void)state;
	assert_int_equal(hmmdev_blocks_new(1, &b), 0);
	assert_int_equal(hmmdev_blocks_take(b, 0, 0, &page), 0);
	assert_int_equal(hmmdev_blocks_take(b, 0, 0, &page), 0);
	assert_int_equal(hmmdev_blocks_give(b, 0, 0), 0);
	assert_int_equal(hmmdev_blocks_next_head(b, 0, 1, &page, &order), HMMDEV_BLOCKS_E_NONE);
	assert_int_equal(hmmdev_blocks_next_head(b, 1, 1, &page, &order), HMMDEV_BLOCKS_E_NONE);
	assert_int_equal(hmmdev_blocks_next_head(b, 0, 2, &page, &order), 0);
	assert_true(page == 1 && order == 0);
	hmmdev_blocks_free(b);
}

/* The walk has passed a block that is then freed: its old neighbours lead nowhere. */
static void a_walk_survives_the_block_it_stands_on(void **state)
{
	struct hmmdev_blocks_cursor cursor = { 0 };
	struct hmmdev_blocks *b;
	u64 page[3], at;
	int i;

	(void)state;
	assert_int_equal(hmmdev_blocks_new(3, &b), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(hmmdev_blocks_take(b, 9, i ? 5 : 10, &page[i]), 0);
	assert_int_equal(hmmdev_blocks_oldest(b, &cursor, 5, &at), 0);
	assert_int_equal(at, page[1]);
	assert_int_equal(hmmdev_blocks_give(b, page[0], 9), 0);
	assert_int_equal(hmmdev_blocks_give(b, page[1], 9), 0);
	assert_int_equal(hmmdev_blocks_take(b, 9, 5, &page[1]), 0);
	assert_int_equal(hmmdev_blocks_oldest(b, &cursor, 5, &at), 0);
	assert_int_equal(at, page[2]);
	assert_int_equal(hmmdev_blocks_oldest(b, &cursor, 5, &at), 0);
	assert_int_equal(at, page[1]);
	assert_int_equal(hmmdev_blocks_oldest(b, &cursor, 5, &at), HMMDEV_BLOCKS_E_NONE);
	hmmdev_blocks_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_what_the_naive_one_is),
		cmocka_unit_test(starts_only_with_memory_and_blocks),
		cmocka_unit_test(knows_two_orders),
		cmocka_unit_test(a_block_stays_for_the_longest_time_asked),
		cmocka_unit_test(a_search_ends_within_its_bound),
		cmocka_unit_test(the_end_of_a_look_is_outside),
		cmocka_unit_test(a_walk_survives_the_block_it_stands_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
