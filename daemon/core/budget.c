// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A rate limit (budget.h): what was taken is paid for at a moment that may lie at most a burst
 * ahead.
 */
#include "daemon/core/budget.h"

#define USEC_PER_SEC 1000000ULL

/* Time that so many bytes take, rounded up; UINT64_MAX: too long to say. */
static uint64_t cost_us(uint64_t bytes, uint64_t bytes_per_sec)
{
	uint64_t product;

	if (__builtin_mul_overflow(bytes, USEC_PER_SEC, &product))
		return UINT64_MAX;
	return product / bytes_per_sec + !!(product % bytes_per_sec);
}

void budget_init(struct budget *b, uint64_t bytes_per_sec, uint64_t burst_bytes)
{
	*b = (struct budget){ .bytes_per_sec = bytes_per_sec };
	if (bytes_per_sec)
		b->burst_us = cost_us(burst_bytes, bytes_per_sec);
}

int budget_take(struct budget *b, uint64_t bytes, uint64_t now_us)
{
	uint64_t start = b->free_at_us > now_us ? b->free_at_us : now_us, ahead = start - now_us,
		 cost;

	if (!b->bytes_per_sec)
		return 0;
	cost = cost_us(bytes, b->bytes_per_sec);
	if (cost == UINT64_MAX || ahead > b->burst_us || cost > b->burst_us - ahead ||
	    cost > UINT64_MAX - start) {
		b->refused++;
		return BUDGET_E_DRY;
	}
	b->free_at_us = start + cost;
	return 0;
}
