// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The capped bump allocator behind frame_unpack(). Freeing does nothing: a decode is short, its cap
 * is known, and the next reset takes everything back at once.
 */
#include <stdalign.h>

#include "proto/arena.h"

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	size_t start = (a->used + align - 1) & ~(align - 1);

	if (start > a->cap || size > a->cap - start)
		return NULL;
	a->used = start + size;
	return a->base + start;
}

static void *take(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void give_back(void *arena, void *pointer)
{
	(void)arena;
	(void)pointer;
}

void arena_init(struct arena *a, void *buf, size_t cap)
{
	size_t skew = -(uintptr_t)buf & (alignof(max_align_t) - 1);

	if (skew > cap)
		skew = cap;
	a->allocator =
		(ProtobufCAllocator){ .alloc = take, .free = give_back, .allocator_data = a };
	a->base = (uint8_t *)buf + skew;
	a->cap = cap - skew;
	a->used = 0;
}

void arena_reset(struct arena *a)
{
	a->used = 0;
}
