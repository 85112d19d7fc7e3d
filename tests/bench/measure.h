/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the benchmarks share: a clock, medians, the yardstick (memcpy of this run), and the output line. */
#ifndef HMMD_TESTS_BENCH_MEASURE_H
#define HMMD_TESTS_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

enum { MEASURE_ROUNDS = 9 };	/* odd: the median is one of them */

double measure_now_us(void);
/* Sorts. */
double measure_median(double *values, size_t n);
/*
 * One thread copies blocks of 2 MiB between two buffers of huge pages, larger together than any cache:
 * median microseconds of one block.
 */
double measure_memcpy_2m_us(void);
/* Huge pages where the kernel has them, touched. */
void *measure_buffer(size_t bytes);
void measure_print(const char *name, double value, const char *unit);

#endif
