// SPDX-License-Identifier: GPL-2.0-or-later
/* Device slots: no slot is ever held twice, none is lost, at every size around a word. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/base/slots.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/random.h"

enum { THREADS = 4, SHARED = 130, ROUNDS = 20000, HELD = 40 };

static void takes_all_and_no_more(void **state)
{
	static const uint32_t counts[] = { 1, 63, 64, 65, 128, 1000 };
	static uint8_t taken[1000];
	uint32_t slot, i, k;
	struct slots *s;

	(void)state;
	for (k = 0; k < sizeof(counts) / sizeof(*counts); k++) {
		assert_int_equal(slots_new(&s, counts[k]), 0);
		assert_int_equal(slots_count(s), counts[k]);
		for (i = 0; i < counts[k]; i++)
			taken[i] = 0;
		for (i = 0; i < counts[k]; i++) {
			assert_int_equal(slots_take(s, &slot), 0);
			assert_in_range(slot, 0, counts[k] - 1);
			assert_int_equal(taken[slot]++, 0);
		}
		slot = 12345;
		assert_int_equal(slots_take(s, &slot), SLOTS_E_FULL);
		assert_int_equal(slot, 12345);
		assert_int_equal(slots_used(s), counts[k]);
		slots_give(s, counts[k] - 1);
		assert_int_equal(slots_take(s, &slot), 0);
		assert_int_equal(slot, counts[k] - 1);
		slots_free(s);
	}
}

static void agrees_with_an_array(void **state)
{
	static uint8_t taken[SHARED];
	uint64_t seed = 3;
	uint32_t slot, used = 0;
	struct slots *s;
	int step;

	(void)state;
	assert_int_equal(slots_new(&s, SHARED), 0);
	for (step = 0; step < 50000; step++) {
		slot = (uint32_t)random_below(&seed, SHARED);
		if (taken[slot]) {
			assert_int_equal(slots_take_at(s, slot), SLOTS_E_FULL);
			slots_give(s, slot);
			used--;
		} else if (step % 2) {
			assert_int_equal(slots_take_at(s, slot), 0);
			used++;
		} else {
			assert_int_equal(slots_take(s, &slot), 0);
			assert_int_equal(taken[slot], 0);
			used++;
		}
		taken[slot] = !taken[slot];
		assert_int_equal(slots_used(s), used);
	}
	slots_free(s);
}

struct shared {
	struct slots *slots;
	_Atomic uint8_t held[SHARED];
	atomic_int twice, full;
};

static void *churn(void *arg)
{
	struct shared *s = arg;
	uint32_t mine[HELD], n, i, round;

	for (round = 0; round < ROUNDS / HELD; round++) {
		for (n = 0; n < HELD; n++) {
			if (slots_take(s->slots, &mine[n])) {
				atomic_fetch_add(&s->full, 1);
				break;
			}
			if (atomic_fetch_add(&s->held[mine[n]], 1))
				atomic_fetch_add(&s->twice, 1);
		}
		for (i = 0; i < n; i++) {
			atomic_fetch_sub(&s->held[mine[i]], 1);
			slots_give(s->slots, mine[i]);
		}
	}
	return NULL;
}

static void no_slot_is_held_by_two_threads(void **state)
{
	static struct shared s;
	pthread_t threads[THREADS];
	int i;

	(void)state;
	assert_int_equal(slots_new(&s.slots, SHARED), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, &s), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&s.twice), 0);
	assert_int_equal(slots_used(s.slots), 0);
	slots_free(s.slots);
}

static void refuses_what_is_not_there(void **state)
{
	struct slots *s = NULL;
	uint32_t slot;

	(void)state;
	assert_int_equal(slots_new(&s, 0), -EINVAL);
	alloc_fail_after(0);
	assert_int_equal(slots_new(&s, 10), -ENOMEM);
	assert_true(alloc_failed());
	assert_null(s);
	assert_int_equal(slots_new(&s, 10), 0);
	assert_int_equal(slots_take_at(s, 10), -ERANGE);
	assert_int_equal(slots_take_at(s, UINT32_MAX), -ERANGE);
	for (slot = 0; slot < 10; slot++)
		assert_int_equal(slots_take_at(s, slot), 0);
	assert_int_equal(slots_take_at(s, 3), SLOTS_E_FULL);
	assert_int_equal(slots_used(s), 10);
	slots_free(s);
	assert_null(slots_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_all_and_no_more),
		cmocka_unit_test(agrees_with_an_array),
		cmocka_unit_test(refuses_what_is_not_there),
		cmocka_unit_test(no_slot_is_held_by_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
