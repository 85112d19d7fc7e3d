// SPDX-License-Identifier: GPL-2.0-or-later
/* The mirror of a page table: against the model, and its entries, bounds and memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/alloc_fail.h"
#include "tests/unit/kmod/mirror_model.h"
#include "tests/unit/random.h"

enum { STEPS = 20000, COMPARE = 64 };

static enum mirror_model_op choose(uint64_t *seed)
{
	enum mirror_model_op op = (enum mirror_model_op)random_below(seed, MIRROR_OPS);

	/* Everything goes rarely, or nothing would ever grow. */
	return op == MIRROR_DROP_ALL && random_below(seed, 50) ? MIRROR_LINK : op;
}

static void compare_long(unsigned int bits)
{
	static struct mirror_model m;
	uint64_t seed = bits;
	int step;

	assert_null(mirror_model_start(&m, bits));
	for (step = 0; step < STEPS; step++) {
		enum mirror_model_op op = choose(&seed);
		struct mirror_model_args a = {
			.page = (u32)random_next(&seed),
			.length = (u32)random_next(&seed),
			.value = (u32)random_next(&seed) % 4096,
		};
		const char *wrong = mirror_model_step(&m, op, a);

		if (!wrong && step % COMPARE == 0)
			wrong = mirror_model_compare(&m);
		if (wrong)
			fail_msg("step %d, operation %d on page %u, %u, %u: not so: %s", step, op,
				 a.page, a.length, a.value, wrong);
	}
	mirror_model_end(&m);
}

static void is_what_the_naive_one_is(void **state)
{
	(void)state;
	compare_long(48);
}

static void is_so_with_five_levels(void **state)
{
	(void)state;
	compare_long(57);
}

static void entries_keep_what_they_are_made_of(void **state)
{
	struct hmmdev_entry e = hmmdev_entry_make((1ULL << 52) - 1, HMMDEV_ENTRY_WRITE, 9);

	(void)state;
	assert_true(hmmdev_entry_valid(e) && hmmdev_entry_write(e) && !hmmdev_entry_excl(e));
	assert_int_equal(hmmdev_entry_order(e), 9);
	assert_true(hmmdev_entry_pfn(e) == (1ULL << 52) - 1);
	e = hmmdev_entry_make(0, HMMDEV_ENTRY_EXCL | 0xf0, 0);
	assert_true(hmmdev_entry_valid(e) && !hmmdev_entry_write(e) && hmmdev_entry_excl(e));
	assert_int_equal(hmmdev_entry_order(e), 0);
}

static void starts_only_with_memory_and_known_spaces(void **state)
{
	struct hmmdev_mirror *m = NULL;
	int n, rc;

	(void)state;
	assert_int_equal(hmmdev_mirror_new(47, &m), -EINVAL);
	assert_int_equal(hmmdev_mirror_new(39, &m), -EINVAL);
	assert_int_equal(hmmdev_mirror_new(64, &m), -EINVAL);
	for (n = 0;; n++) {
		alloc_fail_after(n);
		rc = hmmdev_mirror_new(48, &m);
		if (!alloc_failed())
			break;
		assert_int_equal(rc, -ENOMEM);
	}
	assert_int_equal(n, 2);
	assert_int_equal(rc, 0);
	hmmdev_mirror_free(m);
	hmmdev_mirror_free(NULL);
}

/* What was allocated before memory ran out is kept for the next attempt. */
static void a_stash_survives_short_memory(void **state)
{
	struct hmmdev_mirror_stash stash = { 0 };
	struct hmmdev_mirror *m;
	u64 missing = 0;

	(void)state;
	assert_int_equal(hmmdev_mirror_new(48, &m), 0);
	assert_int_equal(hmmdev_mirror_link(m, 0, 1023, 0, &stash, &missing),
			 HMMDEV_MIRROR_E_MISSING);
	assert_int_equal(missing, 4);
	alloc_fail_after(2);
	assert_int_equal(hmmdev_mirror_stash_fill(&stash, missing), -ENOMEM);
	assert_true(alloc_failed());
	assert_int_equal(stash.count, 2);
	assert_int_equal(hmmdev_mirror_link(m, 0, 1023, 0, &stash, &missing),
			 HMMDEV_MIRROR_E_MISSING);
	assert_int_equal(missing, 2);
	assert_int_equal(hmmdev_mirror_stash_fill(&stash, 5), 0);
	assert_int_equal(hmmdev_mirror_link(m, 0, 1023, 0, &stash, &missing), 0);
	assert_int_equal(stash.count, 3);
	assert_int_equal(hmmdev_mirror_tables(m), 5);
	hmmdev_mirror_stash_free(&stash);
	hmmdev_mirror_free(m);
}

static void clearing_allocates_nothing_and_keeps_tables(void **state)
{
	struct hmmdev_mirror_stash stash = { 0 };
	struct hmmdev_mirror *m;
	u64 missing;

	(void)state;
	assert_int_equal(hmmdev_mirror_new(48, &m), 0);
	assert_int_equal(hmmdev_mirror_stash_fill(&stash, 3), 0);
	assert_int_equal(hmmdev_mirror_link(m, 7, 7, 0, &stash, &missing), 0);
	assert_int_equal(hmmdev_mirror_set(m, 7, hmmdev_entry_make(1, 0, 0)), 0);
	alloc_fail_after(0);
	assert_int_equal(hmmdev_mirror_clear(m, 0, U64_MAX).pages, 1);
	assert_int_equal(hmmdev_mirror_tables(m), 4);
	assert_int_equal(hmmdev_mirror_drop(m, 0, U64_MAX).pages, 0);
	assert_false(alloc_failed());
	assert_int_equal(hmmdev_mirror_tables(m), 1);
	hmmdev_mirror_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_what_the_naive_one_is),
		cmocka_unit_test(is_so_with_five_levels),
		cmocka_unit_test(entries_keep_what_they_are_made_of),
		cmocka_unit_test(starts_only_with_memory_and_known_spaces),
		cmocka_unit_test(a_stash_survives_short_memory),
		cmocka_unit_test(clearing_allocates_nothing_and_keeps_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
