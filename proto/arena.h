/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A capped bump allocator for decoding. protobuf-c allocates for every field of a message; here all
 * of it comes out of one buffer that its owner keeps between messages, so that a frame costs no
 * malloc and a peer cannot make the decoder take more than the buffer has (HMM_LIMIT_DECODE is what
 * a frame may take; a decode that wants more fails cleanly).
 */
#ifndef HMM_PROTO_ARENA_H
#define HMM_PROTO_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

struct arena {
	ProtobufCAllocator allocator;	/* hand this to protobuf-c; it points back at the arena */
	uint8_t *base;
	size_t cap, used;
};

/* buf belongs to the caller and outlives the arena; the arena must not be moved afterwards. */
void arena_init(struct arena *a, void *buf, size_t cap);
/* Everything handed out before is void. */
void arena_reset(struct arena *a);
/* NULL when the buffer is exhausted. Aligned for any type. */
void *arena_alloc(struct arena *a, size_t size);

#endif
