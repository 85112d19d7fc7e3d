// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Usage and limit of a tier (pool.h). The child is taken before the parent and given back when the
 * parent is full, so no sum is ever above its limit, at the price of a take that fails for a
 * moment.
 */
#include <assert.h>
#include <errno.h>

#include "daemon/core/pool.h"

int pool_init(struct pool *p, struct pool *parent, uint64_t limit)
{
	struct ring *victims;
	int rc = ring_new(&victims, POOL_VICTIMS, sizeof(struct victim));

	if (rc < 0)
		return rc;
	atomic_init(&p->used, 0);
	atomic_init(&p->limit, limit);
	atomic_init(&p->moved_in, 0);
	atomic_init(&p->moved_out, 0);
	atomic_init(&p->given, 0);
	atomic_init(&p->draining, false);
	p->parent = parent;
	p->victims = victims;
	return 0;
}

void pool_done(struct pool *p)
{
	if (!p->victims)
		return;
	assert(atomic_load(&p->used) == 0);
	assert(ring_count(p->victims) == 0);
	p->victims = ring_free(p->victims);
}

static bool take_here(struct pool *p, uint64_t bytes)
{
	uint64_t used = atomic_load_explicit(&p->used, memory_order_relaxed), limit;

	if (atomic_load_explicit(&p->draining, memory_order_relaxed))
		return false;
	do {
		limit = atomic_load_explicit(&p->limit, memory_order_relaxed);
		if (used > limit || bytes > limit - used)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&p->used, &used, used + bytes, memory_order_acq_rel, memory_order_relaxed));
	return true;
}

static void give_here(struct pool *p, uint64_t bytes)
{
	uint64_t used = atomic_fetch_sub_explicit(&p->used, bytes, memory_order_acq_rel);

	assert(used >= bytes);
	(void)used;
}

struct pool *pool_take(struct pool *p, uint64_t bytes)
{
	struct pool *at, *back;

	for (at = p; at; at = at->parent) {
		if (take_here(at, bytes))
			continue;
		for (back = p; back != at; back = back->parent)
			give_here(back, bytes);
		return at;
	}
	return NULL;
}

void pool_give(struct pool *p, uint64_t bytes)
{
	atomic_fetch_add_explicit(&p->given, bytes, memory_order_relaxed);
	for (; p; p = p->parent)
		give_here(p, bytes);
}

void pool_force(struct pool *p, uint64_t bytes)
{
	for (; p; p = p->parent)
		atomic_fetch_add_explicit(&p->used, bytes, memory_order_acq_rel);
}

void pool_force_alone(struct pool *p, uint64_t bytes)
{
	atomic_fetch_add_explicit(&p->used, bytes, memory_order_acq_rel);
}

void pool_give_alone(struct pool *p, uint64_t bytes)
{
	give_here(p, bytes);
}

void pool_count(struct pool *p, uint64_t bytes_in, uint64_t bytes_out)
{
	for (; p; p = p->parent) {
		atomic_fetch_add_explicit(&p->moved_in, bytes_in, memory_order_relaxed);
		atomic_fetch_add_explicit(&p->moved_out, bytes_out, memory_order_relaxed);
	}
}

static uint64_t free_here(const struct pool *p)
{
	uint64_t used = atomic_load_explicit(&p->used, memory_order_relaxed);
	uint64_t limit = atomic_load_explicit(&p->limit, memory_order_relaxed);

	if (atomic_load_explicit(&p->draining, memory_order_relaxed) || used >= limit)
		return 0;
	return limit - used;
}

uint64_t pool_free_bytes(const struct pool *p)
{
	uint64_t least = UINT64_MAX, here;

	for (; p; p = p->parent) {
		here = free_here(p);
		if (here < least)
			least = here;
	}
	return least;
}
