/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers as people read them. Every function writes into buf and returns it. */
#ifndef HMMCTL_FORMAT_H
#define HMMCTL_FORMAT_H

#include <stdint.h>

enum { FORMAT_MAX = 32 };	/* bytes; enough for every result, NUL included */

char *format_size(char buf[static FORMAT_MAX], uint64_t bytes);		/* "512 MiB", "1.5 GiB" */
char *format_duration(char buf[static FORMAT_MAX], uint64_t us);	/* "150 us", "3 min 20 s" */
char *format_nanoseconds(char buf[static FORMAT_MAX], uint64_t ns);
char *format_clock(char buf[static FORMAT_MAX], uint64_t us);		/* local "2026-01-31 12:00:00.125" */
uint64_t format_percent(uint64_t part, uint64_t whole);			/* rounded; 0 of nothing */

#endif
