/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library's one clock: microseconds that never jump. */
#ifndef HMM_LIBCLIENT_CLOCK_H
#define HMM_LIBCLIENT_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NEVER UINT64_MAX
#define USEC_PER_SEC 1000000ULL

static inline uint64_t clock_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * USEC_PER_SEC + (uint64_t)t.tv_nsec / 1000;
}

/* now + us, CLOCK_NEVER when that is beyond the clock. */
static inline uint64_t clock_after(uint64_t us)
{
	uint64_t at;

	return __builtin_add_overflow(clock_now_us(), us, &at) ? CLOCK_NEVER : at;
}

static inline struct timespec clock_timespec(uint64_t us)
{
	return (struct timespec){ .tv_sec = (time_t)(us / USEC_PER_SEC),
				  .tv_nsec = (long)(us % USEC_PER_SEC) * 1000 };
}

#endif
