// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's hmm-tests gives the test driver seven bytes to return a migrated page to (hmm2.snapshot),
 * which overwrites what lies behind them on the heap; whether that is noticed depends on the C library.
 * Linked with --wrap=malloc, every block of it has room for a page more.
 */
#include <stddef.h>

enum { PAGE = 4096 };

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
	return __real_malloc(size + PAGE);
}
