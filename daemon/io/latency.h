/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A histogram of durations in nanoseconds: powers of two split in eight, so a percentile is right within 1/8. */
#ifndef HMMD_IO_LATENCY_H
#define HMMD_IO_LATENCY_H

#include <stdint.h>

enum { LATENCY_BUCKETS = 40 * 8 };
struct latency {
	_Atomic uint64_t count[LATENCY_BUCKETS];	/* written by one thread, read by any */
};
void latency_add(struct latency *l, uint64_t ns);
void latency_merge(struct latency *into, const struct latency *from);
uint64_t latency_percentile_ns(const struct latency *l, unsigned int per_cent);	/* 0 when empty */

#endif
