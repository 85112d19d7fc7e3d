// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lookup_vs_binary_search: which of 1,000,000 disjoint ranges holds a random point, by the daemon's
 * tree, over a binary search in a sorted array of the same ranges with the same values beside them; same
 * points, same run.
 */
#include <stdlib.h>

#include "daemon/base/btree.h"
#include "tests/bench/measure.h"
#include "tests/support/test.h"

enum { RANGES = 1000000, POINTS = 500000 };
struct span {
	uint64_t start, end;
	void *value;
};

static struct span *spans;
static uint64_t *points;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;		/* xorshift64 */
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void make(struct btree *t)
{
	uint64_t random = 88172645463325252ULL, at = 4096;

	spans = calloc(RANGES, sizeof(*spans));
	points = calloc(POINTS, sizeof(*points));
	assert_true(spans && points);
	for (size_t i = 0; i < RANGES; i++) {
		spans[i].start = at + next_random(&random) % 16 * 4096;
		spans[i].end = at = spans[i].start + (1 + next_random(&random) % 16) * 4096;
		spans[i].value = &spans[RANGES - 1 - i];	/* anything but NULL */
		assert_int_equal(btree_insert(t, spans[i].start, spans[i].end, spans[i].value), 0);
	}
	for (size_t i = 0; i < POINTS; i++)
		points[i] = next_random(&random) % at;
}

/* With branches: the processor guesses half of them right and so fetches ahead, which beats conditional moves. */
static void *search(uint64_t point)
{
	size_t low = 0, high = RANGES;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans[middle].end <= point)
			low = middle + 1;
		else if (spans[middle].start > point)
			high = middle;
		else
			return spans[middle].value;
	}
	return NULL;
}

static double by_tree(const struct btree *t, uint64_t *ret_sum)
{
	double start = measure_now_us();
	uint64_t sum = 0;

	for (size_t i = 0; i < POINTS; i++)
		sum += (uintptr_t)btree_find(t, points[i]);
	*ret_sum = sum;
	return measure_now_us() - start;
}

static double by_search(uint64_t *ret_sum)
{
	double start = measure_now_us();
	uint64_t sum = 0;

	for (size_t i = 0; i < POINTS; i++)
		sum += (uintptr_t)search(points[i]);
	*ret_sum = sum;
	return measure_now_us() - start;
}

int main(void)
{
	double ratio[MEASURE_ROUNDS];
	struct btree *t = NULL;

	assert_int_equal(btree_new(&t), 0);
	make(t);
	for (int i = 0; i < MEASURE_ROUNDS; i++) {
		uint64_t a = 0, b = 1;
		double tree = by_tree(t, &a), array = by_search(&b);

		assert_int_equal(a, b);
		ratio[i] = tree / array;
	}
	measure_print("lookup_vs_binary_search", measure_median(ratio, MEASURE_ROUNDS), "ratio");
	btree_free(t);
	free(spans);
	free(points);
	return 0;
}
