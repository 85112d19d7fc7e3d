/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that runs out on demand: tests link with --wrap for malloc, calloc, realloc and
 * aligned_alloc. The test of a
 * constructor fails its first allocation, then its second and so on until it succeeds; what every failed
 * attempt leaves behind is for the leak checker of the sanitised run to find.
 */
#ifndef TESTS_UNIT_ALLOC_FAIL_H
#define TESTS_UNIT_ALLOC_FAIL_H

#include <stdbool.h>

/* The n-th allocation from now fails, counted from 0, and only that one; -1: none. */
void alloc_fail_after(int n);
/* Whether it was reached. Nothing fails any more. */
bool alloc_failed(void);

#endif
