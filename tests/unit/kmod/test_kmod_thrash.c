// SPDX-License-Identifier: GPL-2.0-or-later
/* Blocks that go to and fro: what counts as early, when it is thrash, how stays grow and shrink. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "drivers/kmod/thrash.h"
#include "tests/unit/alloc_fail.h"

#define MS 1000000ULL
#define START (100000 * MS)
#define STAY (10 * MS)
#define BLOCK (77 * HMMDEV_HUGE_SIZE)
#define RIVAL (BLOCK + HMMDEV_THRASH_SLOTS * HMMDEV_HUGE_SIZE)

static struct hmmdev_thrash *thrash(void)
{
	struct hmmdev_thrash *t = NULL;

	assert_int_equal(hmmdev_thrash_new(&t), 0);
	return t;
}

/* There, and back after `after_ns`; the length of the stay that was granted. */
static u64 to_and_fro(struct hmmdev_thrash *t, u64 now_ns, u64 after_ns, int want, u32 want_count)
{
	u64 until = hmmdev_thrash_placed(t, BLOCK, now_ns, STAY);
	u32 count = 0;

	assert_int_equal(hmmdev_thrash_returned(t, BLOCK + 4096, now_ns + after_ns, &count), want);
	assert_int_equal(count, want_count);
	return until - now_ns;
}

static void a_full_stay_is_no_event(void **state)
{
	struct hmmdev_thrash *t = thrash();
	int i;

	(void)state;
	for (i = 0; i < 10; i++)
		assert_true(to_and_fro(t, START + i * 20 * MS, STAY, 0, 0) == STAY);
	hmmdev_thrash_free(t);
}

static void the_third_early_return_is_thrash(void **state)
{
	struct hmmdev_thrash *t = thrash();

	(void)state;
	to_and_fro(t, START, STAY - 1, HMMDEV_THRASH_E_EARLY, 0);
	to_and_fro(t, START + 20 * MS, MS, HMMDEV_THRASH_E_EARLY, 0);
	to_and_fro(t, START + 40 * MS, MS, HMMDEV_THRASH_E_THRASH, 3);
	to_and_fro(t, START + 60 * MS, MS, HMMDEV_THRASH_E_THRASH, 4);
	/* A new epoch counts anew. */
	to_and_fro(t, START + 1100 * MS, MS, HMMDEV_THRASH_E_EARLY, 0);
	hmmdev_thrash_free(t);
}

static void only_the_first_return_counts(void **state)
{
	struct hmmdev_thrash *t = thrash();
	u32 count = 0;

	(void)state;
	assert_int_equal(hmmdev_thrash_returned(t, BLOCK, START, &count), 0);
	to_and_fro(t, START, MS, HMMDEV_THRASH_E_EARLY, 0);
	assert_int_equal(hmmdev_thrash_returned(t, BLOCK, START + MS, &count), 0);
	to_and_fro(t, START + 2 * MS, MS, HMMDEV_THRASH_E_EARLY, 0);
	hmmdev_thrash_free(t);
}

static void early_returns_double_the_stay_and_quiet_halves_it(void **state)
{
	struct hmmdev_thrash *t = thrash();
	u64 now = START;
	u32 count;
	int i;

	(void)state;
	for (i = 0; i < 10; i++, now += 5 * MS) {
		u64 until = hmmdev_thrash_placed(t, BLOCK, now, STAY);
		u64 doublings = i < 6 ? (u64)i : 6;

		assert_true(until - now == STAY << doublings);
		assert_in_range(hmmdev_thrash_returned(t, BLOCK, now + MS, &count),
				HMMDEV_THRASH_E_EARLY, HMMDEV_THRASH_E_THRASH);
	}
	now += 2500 * MS;
	assert_true(hmmdev_thrash_placed(t, BLOCK, now, STAY) - now == STAY << 4);
	/* What was forgiven is not forgiven again. */
	assert_true(hmmdev_thrash_placed(t, BLOCK, now, STAY) - now == STAY << 4);
	now += 60000 * MS;
	assert_true(hmmdev_thrash_placed(t, BLOCK, now, STAY) - now == STAY);
	hmmdev_thrash_free(t);
}

static void doubling_and_asking_have_a_cap(void **state)
{
	struct hmmdev_thrash *t = thrash();
	u64 now = START;
	u32 count;
	int i;

	(void)state;
	for (i = 0; i < 3; i++, now += MS) {
		hmmdev_thrash_placed(t, BLOCK, now, 5000 * MS);
		hmmdev_thrash_returned(t, BLOCK, now, &count);
	}
	assert_true(hmmdev_thrash_placed(t, BLOCK, now, 5000 * MS) - now == 10000 * MS);
	assert_true(hmmdev_thrash_placed(t, BLOCK, now, 60000 * MS) - now == 10000 * MS);
	assert_true(hmmdev_thrash_placed(t, BLOCK, now, U64_MAX - 9) - now == 10000 * MS);
	assert_true(hmmdev_thrash_placed(t, RIVAL, now, 60000 * MS) - now == 10000 * MS);
	hmmdev_thrash_free(t);
}

/* The clock was read before the lock was taken: times may come a little late. */
static void time_that_runs_back_harms_nothing(void **state)
{
	struct hmmdev_thrash *t = thrash();

	(void)state;
	to_and_fro(t, START, MS, HMMDEV_THRASH_E_EARLY, 0);
	assert_true(to_and_fro(t, START - MS, MS, HMMDEV_THRASH_E_EARLY, 0) == 2 * STAY);
	hmmdev_thrash_free(t);
}

static void a_slot_is_kept_while_it_is_in_use(void **state)
{
	struct hmmdev_thrash *t = thrash();
	u32 count;

	(void)state;
	to_and_fro(t, START, MS, HMMDEV_THRASH_E_EARLY, 0);
	/* The rival goes unobserved, and the block keeps its history. */
	assert_true(hmmdev_thrash_placed(t, RIVAL, START + MS, STAY) == START + MS + STAY);
	assert_int_equal(hmmdev_thrash_returned(t, RIVAL, START + MS, &count), 0);
	to_and_fro(t, START + 2 * MS, MS, HMMDEV_THRASH_E_EARLY, 0);
	to_and_fro(t, START + 4 * MS, MS, HMMDEV_THRASH_E_THRASH, 3);
	/* After a quiet epoch the slot is the rival's, with no history. */
	assert_true(hmmdev_thrash_placed(t, RIVAL, START + 2000 * MS, STAY) ==
		    START + 2000 * MS + STAY);
	assert_int_equal(hmmdev_thrash_returned(t, RIVAL, START + 2001 * MS, &count),
			 HMMDEV_THRASH_E_EARLY);
	assert_int_equal(hmmdev_thrash_returned(t, BLOCK, START + 2001 * MS, &count), 0);
	hmmdev_thrash_free(t);
}

/* Quiet begins with the return, for the doublings as for the slot; not with the placement. */
static void a_long_stay_is_not_quiet(void **state)
{
	struct hmmdev_thrash *t = thrash();
	u64 now = START + 1100 * MS;
	u32 count;

	(void)state;
	hmmdev_thrash_placed(t, BLOCK, START, 950 * MS);
	assert_int_equal(hmmdev_thrash_returned(t, BLOCK, START + 900 * MS, &count),
			 HMMDEV_THRASH_E_EARLY);
	hmmdev_thrash_placed(t, RIVAL, now, STAY);
	assert_int_equal(hmmdev_thrash_returned(t, RIVAL, now, &count), 0);
	assert_true(hmmdev_thrash_placed(t, BLOCK, now, STAY) == now + 2 * STAY);
	hmmdev_thrash_free(t);
}

static void starts_only_with_memory(void **state)
{
	struct hmmdev_thrash *t;

	(void)state;
	alloc_fail_after(0);
	assert_int_equal(hmmdev_thrash_new(&t), -ENOMEM);
	assert_true(alloc_failed());
	hmmdev_thrash_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_stay_is_no_event),
		cmocka_unit_test(the_third_early_return_is_thrash),
		cmocka_unit_test(only_the_first_return_counts),
		cmocka_unit_test(early_returns_double_the_stay_and_quiet_halves_it),
		cmocka_unit_test(doubling_and_asking_have_a_cap),
		cmocka_unit_test(time_that_runs_back_harms_nothing),
		cmocka_unit_test(a_slot_is_kept_while_it_is_in_use),
		cmocka_unit_test(a_long_stay_is_not_quiet),
		cmocka_unit_test(starts_only_with_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
