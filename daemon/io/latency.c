// SPDX-License-Identifier: GPL-2.0-or-later
/* Durations by powers of two, each split in eight (latency.h). One writer, so an increment is a load and a store. */
#include <stdatomic.h>

#include "daemon/io/latency.h"

enum { SPLIT_BITS = 3, SPLIT = 1 << SPLIT_BITS };

static unsigned int bucket_of(uint64_t ns)
{
	unsigned int power, bucket;

	if (ns < SPLIT)
		return (unsigned int)ns;
	power = 63 - (unsigned int)__builtin_clzll(ns);
	bucket = (power - SPLIT_BITS + 1) * SPLIT + ((ns >> (power - SPLIT_BITS)) & (SPLIT - 1));
	return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* The middle of a bucket. */
static uint64_t duration_of(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < 2 * SPLIT)
		return bucket;
	shift = bucket / SPLIT - 1;
	return ((uint64_t)(SPLIT + bucket % SPLIT) << shift) + (1ULL << (shift - 1));
}

void latency_add(struct latency *l, uint64_t ns)
{
	_Atomic uint64_t *count = &l->count[bucket_of(ns)];

	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1, memory_order_relaxed);
}

void latency_merge(struct latency *into, const struct latency *from)
{
	unsigned int i;

	for (i = 0; i < LATENCY_BUCKETS; i++)
		atomic_fetch_add_explicit(&into->count[i], atomic_load_explicit(&from->count[i], memory_order_relaxed),
					  memory_order_relaxed);
}

uint64_t latency_percentile_ns(const struct latency *l, unsigned int per_cent)
{
	uint64_t sum = 0, below = 0, wanted;
	unsigned int i;

	for (i = 0; i < LATENCY_BUCKETS; i++)
		sum += atomic_load_explicit(&l->count[i], memory_order_relaxed);
	if (!sum)
		return 0;
	wanted = (sum * per_cent + 99) / 100;
	for (i = 0; i < LATENCY_BUCKETS - 1; i++) {
		below += atomic_load_explicit(&l->count[i], memory_order_relaxed);
		if (below >= wanted)
			break;
	}
	return duration_of(i);
}
