// SPDX-License-Identifier: GPL-2.0-or-later
/* Pins of adopted memory, which the kernel driver holds: what is in no books is not pinned there either. */
#include <pthread.h>

#include "tests/support/switched.h"

enum { MANY = 2000 /* more than the workers' queue has places */, SLOW_US = 100 };

static uint64_t pins(const struct failing *f)
{
	return atomic_load(&f->switches->pins);
}

static void all_pins_of_a_freed_range_end(void **state)
{
	struct failing f;
	struct hmm_range *r;

	(void)state;
	open_failing(&f);
	r = adopted(f.c, memory_of(SIZE), SIZE);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(hmm_range_pin(r, i * 4096, 4096, NULL), 0);
	assert_int_equal(pins(&f), MANY);
	atomic_store(&f.switches->unpin_us, SLOW_US);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(pins(&f), 0);
	assert_int_equal(ask_sum(f.c, "clients", "pinned_bytes"), 0);
	close_failing(&f);
}

static void *pin_it(void *range)
{
	(void)hmm_range_pin((struct hmm_range *)range, 0, HUGE_PAGE, NULL);
	return NULL;
}

static void *free_it(void *range)
{
	return (void *)(intptr_t)hmm_range_free((struct hmm_range *)range);
}

/* The driver has it, and hmmd does not know yet. */
static void a_pin_that_comes_too_late_ends(void **state)
{
	pthread_t one, other;
	struct failing f;
	struct hmm_range *r;
	void *freed;

	(void)state;
	open_failing(&f);
	r = adopted(f.c, memory_of(SIZE), SIZE);
	atomic_store(&f.switches->held, HMMDEV_PIN);
	assert_int_equal(pthread_create(&one, NULL, pin_it, r), 0);
	assert_soon(atomic_load(&f.switches->waiting) == 1);
	assert_int_equal(pins(&f), 1);
	assert_int_equal(pthread_create(&other, NULL, free_it, r), 0);
	assert_soon(ask_rows(f.c, "ranges", NULL) == 0);
	atomic_store(&f.switches->held, 0);
	pthread_join(one, NULL);
	pthread_join(other, &freed);
	assert_null(freed);
	assert_soon(pins(&f) == 0);
	assert_int_equal(ask_sum(f.c, "clients", "pinned_bytes"), 0);
	close_failing(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pins_of_a_freed_range_end),
		cmocka_unit_test(a_pin_that_comes_too_late_ends),
	};

	return cmocka_run_group_tests_name("adopted pins", tests, NULL, NULL);
}
