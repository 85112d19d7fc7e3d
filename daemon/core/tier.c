// SPDX-License-Identifier: GPL-2.0-or-later
/* Tiers (tier.h): marks against usage, and figures per second between two looks. */
#include <string.h>

#include "daemon/core/tier.h"
#include "proto/ledger.h"

enum { PERCENT = 100 };
#define USEC_PER_SEC 1000000ULL
#define MEMORY_CAPACITY                                                                            \
	(1ULL << 30) /* bytes of a memory device that names none: the embedded default */

static uint64_t capacity_of(const struct tier_config *c)
{
	if (c->capacity)
		return c->capacity;
	if (c->kind == TIER_KERNEL)
		return 0;	/* what the device says, once it is open */
	return c->kind == TIER_MEMORY ? MEMORY_CAPACITY : UINT64_MAX & ~(LEDGER_PAGE_SIZE - 1);
}

int tier_init(struct tier *t, unsigned int index, const struct tier_config *c)
{
	memset(t, 0, sizeof(*t));
	t->config = *c;
	t->config.capacity = capacity_of(c);
	t->index = index;
	t->device = c->kind;
	t->state = TIER_ONLINE;
	atomic_init(&t->whole, t->config.capacity);
	return pool_init(&t->pool, NULL, t->config.capacity);
}

void tier_done(struct tier *t)
{
	pool_done(&t->pool);
}

uint64_t tier_capacity(const struct tier *t)
{
	return atomic_load_explicit(&t->pool.limit, memory_order_relaxed);
}

uint64_t tier_promised(const struct tier *t)
{
	return atomic_load_explicit(&t->whole, memory_order_relaxed);
}

void tier_set_limit(struct tier *t, uint64_t bytes)
{
	uint64_t limit = atomic_load(&t->pool.limit);

	atomic_store(&t->whole, bytes);
	if (!atomic_load(&t->shortage.on) || bytes < limit)
		atomic_store(&t->pool.limit, bytes);
}

bool tier_is_managed(const struct tier *t)
{
	return t->config.kind != TIER_KERNEL;
}

uint64_t tier_used(const struct tier *t)
{
	return atomic_load_explicit(&t->pool.used, memory_order_relaxed) +
	       atomic_load_explicit(&t->adopted, memory_order_relaxed);
}

uint64_t tier_free(const struct tier *t)
{
	uint64_t capacity = tier_capacity(t), used = tier_used(t);

	return t->state != TIER_FAILED && used < capacity ? capacity - used : 0;
}

void tier_set_capacity(struct tier *t, uint64_t bytes)
{
	t->config.capacity = bytes;
	tier_set_limit(t, bytes);
}

static uint64_t mark(const struct tier *t, uint32_t percent)
{
	uint64_t capacity = tier_capacity(t);

	return capacity / PERCENT * percent + capacity % PERCENT * percent / PERCENT;
}

bool tier_above_high(const struct tier *t)
{
	return tier_used(t) > mark(t, t->config.high);
}

void tier_look(struct tier *t)
{
	if (tier_above_high(t))
		t->relieving = true;
	else if (!tier_over_low(t))
		t->relieving = false;
}

uint64_t tier_over_low(const struct tier *t)
{
	uint64_t low = mark(t, t->config.low), now = tier_used(t);

	return now > low ? now - low : 0;
}

uint64_t tier_under_low(const struct tier *t)
{
	uint64_t low = mark(t, t->config.low), now = tier_used(t);

	return now < low ? low - now : 0;
}

void tier_report(struct tier *t, uint64_t now_us)
{
	uint64_t in = atomic_load_explicit(&t->pool.moved_in, memory_order_relaxed);
	uint64_t out = atomic_load_explicit(&t->pool.moved_out, memory_order_relaxed);
	uint64_t passed = now_us - t->last_us;

	if (t->last_us && passed < USEC_PER_SEC)
		return;
	if (t->last_us) {
		t->in_per_second =
			(uint64_t)((double)(in - t->last_in) * USEC_PER_SEC / (double)passed);
		t->out_per_second =
			(uint64_t)((double)(out - t->last_out) * USEC_PER_SEC / (double)passed);
	}
	t->last_in = in;
	t->last_out = out;
	t->last_us = now_us;
}
