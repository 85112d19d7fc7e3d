// SPDX-License-Identifier: GPL-2.0-or-later
/* What the benchmarks share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "tests/bench/measure.h"
#include "tests/support/test.h"

enum { BLOCKS = 128 };	/* 256 MiB each way, as much as the moves it is held against: no cache helps either */

double measure_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double measure_median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

void *measure_buffer(size_t bytes)
{
	char *room = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at;

	assert_true(room != MAP_FAILED);
	at = (char *)(((uintptr_t)room + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
	madvise(at, bytes, MADV_HUGEPAGE);
	memset(at, 1, bytes);
	return at;
}

double measure_memcpy_2m_us(void)
{
	static char *from, *to;
	double rounds[MEASURE_ROUNDS];

	if (!from) {
		from = measure_buffer(BLOCKS * HUGE_PAGE);
		to = measure_buffer(BLOCKS * HUGE_PAGE);
	}
	for (int i = 0; i < MEASURE_ROUNDS; i++) {
		double start = measure_now_us();

		for (size_t b = 0; b < BLOCKS; b++)
			memcpy(to + b * HUGE_PAGE, from + b * HUGE_PAGE, HUGE_PAGE);
		rounds[i] = (measure_now_us() - start) / BLOCKS;
		__asm__ volatile("" : : "r"(to) : "memory");
	}
	return measure_median(rounds, MEASURE_ROUNDS);
}

void measure_print(const char *name, double value, const char *unit)
{
	printf("bench %s %.*f %s\n", name, value < 0.1 ? 5 : value < 10 ? 3 : 1, value, unit);
	fflush(stdout);
}
