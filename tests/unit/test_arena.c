// SPDX-License-Identifier: GPL-2.0-or-later
/* The decoder's allocator: capped, aligned, reusable, and never more than its buffer. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/arena.h"

static void gives_disjoint_aligned_pieces(void **state)
{
	alignas(max_align_t) uint8_t buf[256];
	struct arena a;
	uint8_t *first, *second;

	(void)state;
	arena_init(&a, buf, sizeof(buf));
	first = arena_alloc(&a, 3);
	second = arena_alloc(&a, 3);
	assert_ptr_equal(first, buf);
	assert_true(second >= first + 3);
	assert_int_equal((uintptr_t)second % alignof(max_align_t), 0);
}

static void stops_at_its_cap(void **state)
{
	alignas(max_align_t) uint8_t buf[64];
	struct arena a;

	(void)state;
	arena_init(&a, buf, sizeof(buf));
	assert_null(arena_alloc(&a, sizeof(buf) + 1));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_non_null(arena_alloc(&a, sizeof(buf) - 1));
	assert_null(arena_alloc(&a, 1));
	arena_reset(&a);
	assert_ptr_equal(arena_alloc(&a, sizeof(buf)), buf);
}

static void aligns_an_odd_buffer_and_survives_a_tiny_one(void **state)
{
	alignas(max_align_t) uint8_t buf[64];
	struct arena a;

	(void)state;
	arena_init(&a, buf + 1, sizeof(buf) - 1);
	assert_int_equal((uintptr_t)arena_alloc(&a, 1) % alignof(max_align_t), 0);
	assert_int_equal(a.cap, sizeof(buf) - alignof(max_align_t));
	arena_init(&a, buf + 1, 2);
	assert_null(arena_alloc(&a, 1));
}

static void serves_the_decoder(void **state)
{
	alignas(max_align_t) uint8_t buf[64];
	struct arena a;
	void *p;

	(void)state;
	arena_init(&a, buf, sizeof(buf));
	p = a.allocator.alloc(a.allocator.allocator_data, 8);
	assert_ptr_equal(p, buf);
	a.allocator.free(a.allocator.allocator_data, p);
	assert_ptr_not_equal(arena_alloc(&a, 8), p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_disjoint_aligned_pieces),
		cmocka_unit_test(stops_at_its_cap),
		cmocka_unit_test(aligns_an_odd_buffer_and_survives_a_tiny_one),
		cmocka_unit_test(serves_the_decoder),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
