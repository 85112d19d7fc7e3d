// SPDX-License-Identifier: GPL-2.0-or-later
/* The bounded queue: order, bounds, and many threads at both ends. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/ring.h"
#include "tests/unit/alloc_fail.h"

enum { COUNT = 64, PRODUCERS = 3, CONSUMERS = 3, EACH = 20000 };

struct shared {
	struct ring *ring;
	atomic_uint producer;			/* number of the next producer thread */
	atomic_uint popped;
	_Atomic uint8_t seen[PRODUCERS * EACH];
};

struct element {
	uint64_t number, check[4];		/* more than one word: a torn copy would show */
};

static struct element element_of(uint64_t number)
{
	struct element e = { .number = number };
	int i;

	for (i = 0; i < 4; i++)
		e.check[i] = number * 31 + (uint64_t)i;
	return e;
}

static void *produce(void *arg)
{
	struct shared *s = arg;
	uint64_t first = (uint64_t)atomic_fetch_add(&s->producer, 1) * EACH, i;

	for (i = 0; i < EACH; i++) {
		struct element e = element_of(first + i);

		while (!ring_push(s->ring, &e))
			sched_yield();	/* who makes room may want this very CPU */
	}
	return NULL;
}

static void *consume(void *arg)
{
	struct shared *s = arg;
	struct element e, want;

	while (atomic_load(&s->popped) < PRODUCERS * EACH) {
		if (!ring_pop(s->ring, &e)) {
			sched_yield();
			continue;
		}
		want = element_of(e.number);
		if (!memcmp(&e, &want, sizeof(e)))
			atomic_fetch_add(&s->seen[e.number], 1);
		atomic_fetch_add(&s->popped, 1);
	}
	return NULL;
}

static void passes_each_element_once_between_threads(void **state)
{
	static struct shared s;
	pthread_t threads[PRODUCERS + CONSUMERS];
	int i;

	(void)state;
	assert_int_equal(ring_new(&s.ring, COUNT, sizeof(struct element)), 0);
	for (i = 0; i < PRODUCERS + CONSUMERS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, i < PRODUCERS ? produce : consume, &s),
			0);
	for (i = 0; i < PRODUCERS + CONSUMERS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < PRODUCERS * EACH; i++)
		assert_int_equal(s.seen[i], 1);
	assert_int_equal(ring_count(s.ring), 0);
	ring_free(s.ring);
}

static void keeps_order_and_bounds(void **state)
{
	struct ring *r;
	uint64_t v = 99;
	uint64_t i, round;

	(void)state;
	assert_int_equal(ring_new(&r, COUNT, sizeof(v)), 0);
	assert_false(ring_pop(r, &v));
	assert_int_equal(v, 99);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < COUNT; i++)
			assert_true(ring_push(r, &i));
		assert_false(ring_push(r, &i));
		assert_int_equal(ring_count(r), COUNT);
		for (i = 0; i < COUNT; i++) {
			assert_true(ring_pop(r, &v));
			assert_int_equal(v, i);
		}
		assert_int_equal(ring_count(r), 0);
	}
	ring_free(r);
	assert_null(ring_free(NULL));
}

static void refuses_what_it_cannot_be(void **state)
{
	struct ring *r = NULL;
	int n;

	(void)state;
	assert_int_equal(ring_new(&r, 0, 8), -EINVAL);
	assert_int_equal(ring_new(&r, 3, 8), -EINVAL);
	assert_int_equal(ring_new(&r, 4, 0), -EINVAL);
	assert_int_equal(ring_new(&r, 4, 81), -EINVAL);
	for (n = 0; n < 2; n++) {
		alloc_fail_after(n);
		assert_int_equal(ring_new(&r, 4, 80), -ENOMEM);
		assert_true(alloc_failed());
	}
	assert_null(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_and_bounds),
		cmocka_unit_test(refuses_what_it_cannot_be),
		cmocka_unit_test(passes_each_element_once_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
