/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rate limit in bytes per second with a burst. One number of state; the clock is the caller's. */
#ifndef HMMD_CORE_BUDGET_H
#define HMMD_CORE_BUDGET_H

#include <stdint.h>

enum { BUDGET_E_DRY = 1 };

struct budget {
	uint64_t bytes_per_sec;	/* 0: unlimited */
	uint64_t burst_us;	/* how far ahead of now it may run */
	uint64_t free_at_us;	/* when what was taken is paid for */
	uint64_t refused;	/* times, ever */
};
void budget_init(struct budget *b, uint64_t bytes_per_sec, uint64_t burst_bytes);
int budget_take(struct budget *b, uint64_t bytes, uint64_t now_us);

#endif
