// SPDX-License-Identifier: GPL-2.0-or-later
/* The event ring: against the model, and the rules that a reader relies on, one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/alloc_fail.h"
#include "tests/unit/kmod/ring_model.h"
#include "tests/unit/random.h"

enum { STEPS = 50000, COUNT = 8 };

/* Few values each, so that neighbours are often alike, and the ring runs full now and then. */
static struct hmmdev_event random_event(uint64_t *seed)
{
	return (struct hmmdev_event){
		.type = (u16)(1 + random_below(seed, 2)),
		.order = (u32)(random_below(seed, 8) == 0),
		.ts_ns = random_next(seed),
		.addr = random_below(seed, 6) * 4096,
		.size = random_below(seed, 3) * 4096,
		.cookie = random_below(seed, 8) == 0,
		.dev = (u32)(random_below(seed, 8) == 0),
		.nid = random_below(seed, 8) ? -1 : 0,
		.arg = (u32)(random_below(seed, 8) == 0),
		.seq = random_next(seed),
		.len = 7,
	};
}

static void is_what_the_naive_one_is(void **state)
{
	struct ring_model m;
	uint64_t seed = 3;
	const char *wrong;
	int step;

	(void)state;
	assert_null(ring_model_start(&m, 16));
	for (step = 0; step < STEPS; step++) {
		struct hmmdev_event event = random_event(&seed);

		if (random_below(&seed, 5) || step / 100 % 2)
			wrong = ring_model_push(&m, &event);
		else
			wrong = ring_model_pop(&m, (u32)random_below(&seed, 20));
		if (wrong)
			fail_msg("step %d: not so: %s", step, wrong);
	}
	assert_true(m.lost);
	ring_model_end(&m);
}

static struct hmmdev_ring *ring(void)
{
	struct hmmdev_ring *r = NULL;

	assert_int_equal(hmmdev_ring_new(COUNT, &r), 0);
	return r;
}

static int push(struct hmmdev_ring *r, enum hmmdev_event_type type, u64 addr, u64 size)
{
	return hmmdev_ring_push(r, &(struct hmmdev_event){
					   .type = (u16)type, .addr = addr, .size = size });
}

static struct hmmdev_event pop(struct hmmdev_ring *r)
{
	struct hmmdev_event e = { .type = 0 };

	assert_int_equal(hmmdev_ring_pop(r, &e, 1), 1);
	return e;
}

static void what_adjoins_is_joined(void **state)
{
	struct hmmdev_ring *r = ring();
	struct hmmdev_event e;

	(void)state;
	assert_int_equal(push(r, HMMDEV_EVENT_INVALIDATE, 0x4000, 0x1000), 0);
	assert_int_equal(push(r, HMMDEV_EVENT_INVALIDATE, 0x5000, 0x2000), HMMDEV_RING_E_JOINED);
	assert_int_equal(push(r, HMMDEV_EVENT_INVALIDATE, 0x3000, 0x1000), HMMDEV_RING_E_JOINED);
	assert_int_equal(push(r, HMMDEV_EVENT_INVALIDATE, 0x8000, 0x1000), 0);
	assert_int_equal(push(r, HMMDEV_EVENT_INVALIDATE, 0x7000, 0x1000), HMMDEV_RING_E_JOINED);
	e = pop(r);
	assert_true(e.addr == 0x3000 && e.size == 0x4000 && e.seq == 0);
	e = pop(r);
	assert_true(e.addr == 0x7000 && e.size == 0x2000 && e.seq == 1);
	/* What a reader has does not grow any more. */
	assert_int_equal(push(r, HMMDEV_EVENT_INVALIDATE, 0x9000, 0x1000), 0);
	hmmdev_ring_free(r);
}

static void only_invalidations_are_joined(void **state)
{
	struct hmmdev_ring *r = ring();

	(void)state;
	assert_int_equal(push(r, HMMDEV_EVENT_CPU_FAULT, 0x4000, 0x1000), 0);
	assert_int_equal(push(r, HMMDEV_EVENT_CPU_FAULT, 0x5000, 0x1000), 0);
	assert_int_equal(push(r, HMMDEV_EVENT_INVALIDATE, 0x6000, 0x1000), 0);
	assert_int_equal(hmmdev_ring_count(r), 3);
	hmmdev_ring_free(r);
}

/* Ordinary records leave two places: one is OVERFLOW's, one MM_EXIT's. */
static void what_is_lost_is_counted_in_its_place(void **state)
{
	struct hmmdev_ring *r = ring();
	struct hmmdev_event e;
	int i;

	(void)state;
	for (i = 0; i < COUNT - 2; i++)
		assert_int_equal(push(r, HMMDEV_EVENT_CPU_FAULT, 0, 0), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(push(r, HMMDEV_EVENT_CPU_FAULT, 0, 0), HMMDEV_RING_E_LOST);
	for (i = 0; i < 3; i++)
		assert_true(pop(r).seq == (u64)i);
	assert_int_equal(push(r, HMMDEV_EVENT_THRASH, 0, 0), 0);
	for (; i < COUNT - 2; i++)
		assert_true(pop(r).seq == (u64)i);
	e = pop(r);
	assert_int_equal(e.type, HMMDEV_EVENT_OVERFLOW);
	assert_true(e.arg == 3 && e.seq == COUNT - 2 + 2);
	e = pop(r);
	assert_int_equal(e.type, HMMDEV_EVENT_THRASH);
	assert_true(e.seq == COUNT - 2 + 3);
	assert_true(hmmdev_ring_lost(r) == 3);
	hmmdev_ring_free(r);
}

static void the_end_is_never_lost_and_last(void **state)
{
	struct hmmdev_ring *r = ring();
	struct hmmdev_event e[COUNT];
	int i;

	(void)state;
	for (i = 0; i < 2 * COUNT; i++)
		push(r, HMMDEV_EVENT_CPU_FAULT, 0, 0);
	assert_int_equal(push(r, HMMDEV_EVENT_MM_EXIT, 0, 0), 0);
	assert_int_equal(push(r, HMMDEV_EVENT_MM_EXIT, 0, 0), HMMDEV_RING_E_ENDED);
	assert_int_equal(hmmdev_ring_pop(r, e, COUNT), COUNT);
	assert_int_equal(e[COUNT - 2].type, HMMDEV_EVENT_OVERFLOW);
	assert_int_equal(e[COUNT - 1].type, HMMDEV_EVENT_MM_EXIT);
	assert_int_equal(push(r, HMMDEV_EVENT_CPU_FAULT, 0, 0), HMMDEV_RING_E_ENDED);
	assert_int_equal(hmmdev_ring_pop(r, e, COUNT), 0);
	hmmdev_ring_free(r);
}

static void starts_only_with_memory_and_a_power_of_two(void **state)
{
	const u32 wrong[] = { 0, 1, 2, 3, 6, 1000, 131072 };
	struct hmmdev_ring *r;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(hmmdev_ring_new(wrong[i], &r), -EINVAL);
	alloc_fail_after(0);
	assert_int_equal(hmmdev_ring_new(HMMDEV_MAX_EVENTS, &r), -ENOMEM);
	assert_true(alloc_failed());
	hmmdev_ring_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_what_the_naive_one_is),
		cmocka_unit_test(what_adjoins_is_joined),
		cmocka_unit_test(only_invalidations_are_joined),
		cmocka_unit_test(what_is_lost_is_counted_in_its_place),
		cmocka_unit_test(the_end_is_never_lost_and_last),
		cmocka_unit_test(starts_only_with_memory_and_a_power_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
