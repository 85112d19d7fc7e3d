// SPDX-License-Identifier: GPL-2.0-or-later
/* Pins of a range against a count for each page, with every kind of overlap. */
#include <errno.h>
#include <string.h>

#include "daemon/core/pins.h"
#include "tests/support/test.h"

enum { PAGES = 48, STEPS = 20000 };

static unsigned int seed = 41;

static unsigned int below(unsigned int n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

/* Every gap that is told is one by the counts, and every page without a pin is in one. */
static void same_gaps(const struct pins *p, const unsigned int *counts, uint64_t addr, uint64_t end)
{
	uint64_t at = addr, gap_end, page = addr;

	while (pins_gap(p, &at, end, &gap_end)) {
		assert_true(at >= page && gap_end > at && gap_end <= end);
		for (; page < at; page++)
			assert_true(counts[page] > 0);
		for (; page < gap_end; page++)
			assert_int_equal(counts[page], 0);
		at = gap_end;
	}
	for (; page < end; page++)
		assert_true(counts[page] > 0);
}

static void count(unsigned int *counts, const struct pin *p, int by)
{
	for (uint64_t i = p->addr; i < p->end; i++)
		counts[i] += (unsigned int)by;
}

static void gaps_are_what_nobody_has(void **state)
{
	unsigned int counts[PAGES] = { 0 };
	struct pins p = { 0 };
	struct pin *any;

	(void)state;
	for (unsigned int i = 0; i < STEPS; i++) {
		uint64_t addr = below(PAGES), end = addr + 1 + below((unsigned int)(PAGES - addr));
		struct pin pin = { .addr = addr, .end = end, .count = 1, .owner = (uint8_t)(1 + below(2)) };

		if (p.n < 12 && below(2)) {
			assert_int_equal(pins_add(&p, &pin, &any), 0);
			count(counts, &pin, 1);
		} else if (p.n) {
			any = &p.all[below((unsigned int)p.n)];
			pin = *any;
			pins_remove(&p, any);
			count(counts, &pin, -1);
		}
		same_gaps(&p, counts, addr, end);
		same_gaps(&p, counts, 0, PAGES);
	}
	pins_done(&p);
}

static struct pin *add(struct pins *p, uint64_t addr, uint64_t end, enum pin_owner owner)
{
	struct pin *added = NULL;

	assert_int_equal(pins_add(p, &(struct pin){ .addr = addr, .end = end, .owner = (uint8_t)owner }, &added), 0);
	return added;
}

static void the_right_one_is_found(void **state)
{
	struct pins p = { 0 };

	(void)state;
	add(&p, 10, 20, PIN_OF_PROGRAM);
	add(&p, 12, 14, PIN_OF_PROGRAM);
	add(&p, 12, 30, PIN_OF_PROGRAM);
	add(&p, 12, 14, PIN_OF_OPERATOR);
	assert_int_equal(pins_find(&p, PIN_OF_PROGRAM, 12, 14)->owner, PIN_OF_PROGRAM);
	assert_null(pins_find(&p, PIN_OF_PROGRAM, 12, 15));
	assert_null(pins_find(&p, PIN_OF_OPERATOR, 10, 20));
	assert_int_equal(pins_from(&p, PIN_OF_PROGRAM, 12, 16)->end, 14);
	assert_int_equal(pins_from(&p, PIN_OF_PROGRAM, 25, 40)->end, 30);
	assert_int_equal(pins_from(&p, PIN_OF_PROGRAM, 0, 40)->addr, 10);
	assert_null(pins_from(&p, PIN_OF_PROGRAM, 30, 40));
	assert_null(pins_from(&p, PIN_OF_OPERATOR, 14, 40));
	pins_done(&p);
}

static void there_is_an_end(void **state)
{
	struct pins p = { 0 };
	struct pin *any, pin = { .end = 1 };

	(void)state;
	for (unsigned int i = 0; i < PINS_MAX; i++)
		assert_int_equal(pins_add(&p, &pin, &any), 0);
	assert_int_equal(pins_add(&p, &pin, &any), -ENOSPC);
	pins_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps_are_what_nobody_has),
		cmocka_unit_test(the_right_one_is_found),
		cmocka_unit_test(there_is_an_end),
	};

	return cmocka_run_group_tests_name("pins of a range", tests, NULL, NULL);
}
