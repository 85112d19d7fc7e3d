// SPDX-License-Identifier: GPL-2.0-or-later
/* The radix table where nobody covers anything: words one by one, and tables whose memory was given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/radix_arena.h"

/* Terabytes cost nothing where nothing is; a table goes with its last word, unless somebody covers it. */
static void words_without_a_cover(void **state)
{
	const uint64_t far = 1ULL << 22;
	struct fixture f;

	(void)state;
	open_with(&f, 8);
	assert_int_equal(radix_next(&f.r, 0, far), far + 1);
	assert_int_equal(radix_make(&f.r, 700), 0);
	assert_int_equal(radix_make(&f.r, 701), 0);
	assert_int_equal(radix_make(&f.r, far), 0);
	assert_int_equal(f.r.used, 6);
	assert_int_equal(radix_next(&f.r, 0, far), 512);
	assert_int_equal(radix_next(&f.r, 700, far), 700);
	assert_int_equal(radix_next(&f.r, 1024, far + 9), far);
	put(&f, 700, 7);
	put(&f, 701, 8);
	radix_clear(&f.r, 0, 700);
	assert_int_equal(get(&f, 701), 8);
	assert_int_equal(radix_cover(&f.r, 702, 703), 0);
	radix_clear(&f.r, 0, far);
	assert_int_equal(radix_next(&f.r, 0, far), 512);	/* covered */
	radix_uncover(&f.r, 702, 703);
	assert_int_equal(radix_next(&f.r, 0, far), far + 1);
	radix_reclaim(&f.r);
	assert_int_equal(f.r.free_tables, 4);
	shut(&f);
}

static void hollow_tables_are_filled_first(void **state)
{
	struct fixture f;

	(void)state;
	open_with(&f, 4);
	assert_int_equal(radix_cover(&f.r, 0, 0), 0);
	radix_uncover(&f.r, 0, 0);
	radix_reclaim(&f.r);
	assert_int_not_equal(radix_hollow_out(&f.r), 0);
	assert_int_not_equal(radix_hollow_out(&f.r), 0);
	assert_int_equal(radix_hollow_out(&f.r), 0);
	assert_int_equal(radix_lacks(&f.r, 9, 9), 2);
	assert_int_equal(radix_make(&f.r, 9), RADIX_E_FULL);
	while (radix_hollow(&f.r))
		radix_fill(&f.r);
	assert_int_equal(radix_make(&f.r, 9), 0);
	shut(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_without_a_cover),
		cmocka_unit_test(hollow_tables_are_filled_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
