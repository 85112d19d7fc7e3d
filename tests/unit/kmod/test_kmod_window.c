// SPDX-License-Identifier: GPL-2.0-or-later
/* Windows cover their range once, in order, and never cut a huge page that lies in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "drivers/kmod/window.h"
#include "tests/unit/random.h"

enum { RANGES = 20000 };
#define MIB (1ULL << 20)
#define PAGE HMMDEV_PAGE_SIZE
#define HUGE HMMDEV_HUGE_SIZE

static bool is_huge_border(u64 addr)
{
	return addr % HUGE == 0;
}

/* Windows meet at borders of huge pages only. */
static void check_window(const struct hmmdev_window *w, u64 addr, u64 end, u32 max_pages)
{
	assert_true(w->addr == addr && w->end > addr && w->end <= end);
	assert_true(hmmdev_window_pages(w) <= max_pages);
	assert_true(w->end == end || is_huge_border(w->end));
	assert_int_equal(w->whole, is_huge_border(w->addr) && is_huge_border(w->end));
	/* Whole ones are as long as they may be, others end at the first border. */
	if (w->whole)
		assert_true(hmmdev_window_pages(w) == max_pages || end - w->end < HUGE);
	else
		assert_true(w->end - w->addr < HUGE);
}

static void covers_any_range_once_and_in_order(void **state)
{
	uint64_t seed = 5;
	int i;

	(void)state;
	for (i = 0; i < RANGES; i++) {
		u64 addr = random_below(&seed, 4096) * PAGE, at = addr;
		u64 end = addr + (1 + random_below(&seed, 16384)) * PAGE;
		u32 max_pages = (u32)(1 + random_below(&seed, 8)) * 512;
		struct hmmdev_windows ws;
		struct hmmdev_window w;

		assert_int_equal(hmmdev_windows_init(&ws, addr, end - addr, max_pages), 0);
		while (!hmmdev_windows_next(&ws, &w)) {
			check_window(&w, at, end, max_pages);
			at = w.end;
			assert_true(ws.next == at);
		}
		assert_true(at == end);
		assert_int_equal(hmmdev_windows_next(&ws, &w), HMMDEV_WINDOWS_E_END);
	}
}

/* The VMA ends anywhere; what was cut off comes again and is aligned anew. */
static void what_is_clipped_comes_again(void **state)
{
	struct hmmdev_windows ws;
	struct hmmdev_window w;

	(void)state;
	assert_int_equal(hmmdev_windows_init(&ws, 4 * MIB, 12 * MIB, 4096), 0);
	assert_int_equal(hmmdev_windows_next(&ws, &w), 0);
	assert_true(w.addr == 4 * MIB && w.end == 16 * MIB && w.whole);
	hmmdev_windows_clip(&ws, &w, 20 * MIB);
	assert_true(w.end == 16 * MIB && ws.next == 16 * MIB);
	hmmdev_windows_clip(&ws, &w, 8 * MIB);
	assert_true(w.end == 8 * MIB && w.whole);
	hmmdev_windows_clip(&ws, &w, 7 * MIB);
	assert_true(w.end == 7 * MIB && !w.whole);
	assert_int_equal(hmmdev_windows_next(&ws, &w), 0);
	assert_true(w.addr == 7 * MIB && w.end == 8 * MIB && !w.whole);
	assert_int_equal(hmmdev_windows_next(&ws, &w), 0);
	assert_true(w.addr == 8 * MIB && w.end == 16 * MIB && w.whole);
}

static void the_top_of_the_space_does_not_wrap(void **state)
{
	struct hmmdev_windows ws;
	struct hmmdev_window w;

	(void)state;
	assert_int_equal(hmmdev_windows_init(&ws, -2 * PAGE, 2 * PAGE, 512), -EOVERFLOW);
	assert_int_equal(hmmdev_windows_init(&ws, -3 * PAGE, 2 * PAGE, 512), 0);
	assert_int_equal(hmmdev_windows_next(&ws, &w), 0);
	assert_true(w.addr == -3 * PAGE && w.end == -1 * PAGE);
	assert_int_equal(hmmdev_windows_next(&ws, &w), HMMDEV_WINDOWS_E_END);
}

static void refuses_what_it_cannot_cut(void **state)
{
	struct hmmdev_windows ws;

	(void)state;
	assert_int_equal(hmmdev_windows_init(&ws, 0, 0, 512), -EINVAL);
	assert_int_equal(hmmdev_windows_init(&ws, 1, PAGE, 512), -EINVAL);
	assert_int_equal(hmmdev_windows_init(&ws, 0, PAGE + 1, 512), -EINVAL);
	assert_int_equal(hmmdev_windows_init(&ws, 0, PAGE, 0), -EINVAL);
	assert_int_equal(hmmdev_windows_init(&ws, 0, PAGE, 511), -EINVAL);
	assert_int_equal(hmmdev_windows_init(&ws, 0, PAGE, 4096 + 512), -EINVAL);
}

static void time_ends_it_after_the_first_window(void **state)
{
	struct hmmdev_windows ws;
	struct hmmdev_window w;

	(void)state;
	assert_true(hmmdev_windows_deadline(7, 0) == U64_MAX);
	assert_true(hmmdev_windows_deadline(7, 2) == 2000007);
	assert_true(hmmdev_windows_deadline(U64_MAX - 5, 1) == U64_MAX);
	assert_int_equal(hmmdev_windows_init(&ws, 0, 8 * MIB, 512), 0);
	assert_false(hmmdev_windows_over(&ws, 100, 50));
	assert_int_equal(hmmdev_windows_next(&ws, &w), 0);
	assert_true(hmmdev_windows_over(&ws, 50, 50));
	assert_false(hmmdev_windows_over(&ws, 49, 50));
	assert_false(hmmdev_windows_over(&ws, U64_MAX, U64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(covers_any_range_once_and_in_order),
		cmocka_unit_test(what_is_clipped_comes_again),
		cmocka_unit_test(the_top_of_the_space_does_not_wrap),
		cmocka_unit_test(refuses_what_it_cannot_cut),
		cmocka_unit_test(time_ends_it_after_the_first_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
