// SPDX-License-Identifier: GPL-2.0-or-later
/* Disjoint intervals: against an array as a model, at every size where nodes split and merge. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/btree.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/random.h"

enum { PLACES = 4000, WIDE = 10 /* units of address space for each place of the model */ };

struct model {
	uint64_t start[PLACES], end[PLACES];	/* start == end: nothing there */
	size_t n;
};

static void *value_of(size_t place)
{
	return (void *)(uintptr_t)(place + 1);
}

/* What the tree must say of a point, by looking at the place the point lies in. */
static void check_point(const struct btree *t, const struct model *m, uint64_t point)
{
	size_t place = point / WIDE;
	void *want = point >= m->start[place] && point < m->end[place] ? value_of(place) : NULL;
	uint64_t start = 0, end = 0;

	assert_ptr_equal(btree_find(t, point), want);
	while (place < PLACES && m->end[place] <= point)
		place++;
	want = place < PLACES ? value_of(place) : NULL;
	assert_ptr_equal(btree_next(t, point, &start, &end), want);
	if (want) {
		assert_int_equal(start, m->start[place]);
		assert_int_equal(end, m->end[place]);
	}
}

static void model_insert(struct btree *t, struct model *m, size_t place, uint64_t *seed)
{
	uint64_t start = place * WIDE + random_below(seed, WIDE), end;

	end = start + 1 + random_below(seed, (place + 1) * WIDE - start);
	if (m->start[place] != m->end[place]) {
		int want = start < m->end[place] && m->start[place] < end ? BTREE_E_OVERLAP : 0;

		assert_int_equal(btree_insert(t, start, end, value_of(place)), want);
		if (!want)
			assert_int_equal(btree_remove(t, start, NULL), 0);
		return;
	}
	assert_int_equal(btree_insert(t, start, end, value_of(place)), 0);
	m->start[place] = start;
	m->end[place] = end;
	m->n++;
}

static void model_remove(struct btree *t, struct model *m, size_t place)
{
	void *value = NULL;

	if (m->start[place] == m->end[place]) {
		assert_int_equal(btree_remove(t, place * WIDE, &value), BTREE_E_NONE);
		assert_null(value);
		return;
	}
	if (m->start[place] + 1 < m->end[place])	/* inside it, but not its start */
		assert_int_equal(btree_remove(t, m->start[place] + 1, NULL), BTREE_E_NONE);
	assert_int_equal(btree_remove(t, m->start[place], &value), 0);
	assert_ptr_equal(value, value_of(place));
	m->start[place] = m->end[place] = 0;
	m->n--;
}

static void check_walk(const struct btree *t, const struct model *m)
{
	uint64_t point = 0, start, end;
	size_t n = 0, place;

	while (btree_next(t, point, &start, &end)) {
		place = start / WIDE;
		assert_int_equal(start, m->start[place]);
		assert_true(start >= point);
		point = end;
		n++;
	}
	assert_int_equal(n, m->n);
	assert_int_equal(btree_count(t), m->n);
}

static void agrees_with_an_array(void **state)
{
	static struct model m;
	uint64_t seed = 1, grow;
	struct btree *t;
	int i, phase;

	(void)state;
	assert_int_equal(btree_new(&t), 0);
	for (phase = 0; phase < 8; phase++) {
		grow = phase % 2 ? 25 : 75; /* per cent of insertions: the tree grows and shrinks in
					       turn */
		for (i = 0; i < 20000; i++) {
			size_t place = random_below(&seed, PLACES);

			if (random_below(&seed, 100) < grow)
				model_insert(t, &m, place, &seed);
			else
				model_remove(t, &m, place);
			check_point(t, &m, random_below(&seed, PLACES * WIDE));
		}
		check_walk(t, &m);
	}
	btree_free(t);
}

/*
 * In order, in reverse and to the last one, so that both edges of the tree are split and emptied.
 */
static void fills_and_empties_in_order(void **state)
{
	enum { N = 5000 };
	struct btree *t;
	uint64_t i;

	(void)state;
	assert_int_equal(btree_new(&t), 0);
	for (i = 0; i < N; i++)
		assert_int_equal(btree_insert(t, i * 2, i * 2 + 2, value_of(i)), 0);
	for (i = 0; i < N * 2; i++)
		assert_ptr_equal(btree_find(t, i), value_of(i / 2));
	for (i = N; i-- > 0;)
		assert_int_equal(btree_remove(t, i * 2, NULL), 0);
	assert_int_equal(btree_count(t), 0);
	for (i = N; i-- > 0;)
		assert_int_equal(btree_insert(t, i * 2, i * 2 + 1, value_of(i)), 0);
	for (i = 0; i < N; i++) {
		assert_ptr_equal(btree_next(t, 0, NULL, NULL), value_of(i));
		assert_int_equal(btree_remove(t, i * 2, NULL), 0);
	}
	assert_null(btree_next(t, 0, NULL, NULL));
	btree_free(t);
}

static void refuses_nonsense_and_overlaps(void **state)
{
	struct btree *t;
	int v;

	(void)state;
	assert_int_equal(btree_new(&t), 0);
	assert_int_equal(btree_insert(t, 5, 5, &v), -EINVAL);
	assert_int_equal(btree_insert(t, 6, 5, &v), -EINVAL);
	assert_int_equal(btree_insert(t, 5, 6, NULL), -EINVAL);
	assert_int_equal(btree_insert(t, 10, 20, &v), 0);
	assert_int_equal(btree_insert(t, 10, 20, &v), BTREE_E_OVERLAP);
	assert_int_equal(btree_insert(t, 0, 11, &v), BTREE_E_OVERLAP);
	assert_int_equal(btree_insert(t, 19, 30, &v), BTREE_E_OVERLAP);
	assert_int_equal(btree_insert(t, 0, UINT64_MAX, &v), BTREE_E_OVERLAP);
	assert_int_equal(btree_insert(t, 0, 10, &v), 0);
	assert_int_equal(btree_insert(t, UINT64_MAX - 1, UINT64_MAX, &v), 0);
	assert_non_null(btree_find(t, UINT64_MAX - 1));
	assert_null(btree_find(t, UINT64_MAX));
	assert_null(btree_next(t, UINT64_MAX, NULL, NULL));
	assert_int_equal(btree_count(t), 3);
	assert_int_equal(btree_remove(t, 11, NULL), BTREE_E_NONE);
	btree_free(t);
	assert_null(btree_free(NULL));
}

static void survives_want_of_memory(void **state)
{
	struct btree *t = NULL;
	uint64_t i, tries = 0;
	int n;

	(void)state;
	for (n = 0; n < 2; n++) {
		alloc_fail_after(n);
		assert_int_equal(btree_new(&t), -ENOMEM);
		assert_true(alloc_failed());
	}
	assert_int_equal(btree_new(&t), 0);
	for (i = 0; i < 3000; i++) {
		uint64_t start = i * 7919 % 3001 * 2;

		for (n = 0;; n++) {
			int rc;

			alloc_fail_after(n);
			rc = btree_insert(t, start, start + 2, value_of(start));
			if (!alloc_failed()) {
				assert_int_equal(rc, 0);
				break;
			}
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(btree_count(t), i);
			assert_null(btree_find(t, start));
			tries++;
		}
	}
	assert_true(tries > 100);
	for (i = 0; i < 3000; i++)
		assert_ptr_equal(btree_find(t, i * 7919 % 3001 * 2), value_of(i * 7919 % 3001 * 2));
	btree_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_an_array),
		cmocka_unit_test(fills_and_empties_in_order),
		cmocka_unit_test(refuses_nonsense_and_overlaps),
		cmocka_unit_test(survives_want_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
