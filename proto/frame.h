/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One packet of the socket is one frame: a header of HMM_LIMIT_HEADER bytes (magic u32, body length
 * u32, request id u64, all little-endian) and one packed Message. The length stands in the header
 * although the packet has one too, so that a truncated or padded packet is seen before it is
 * decoded.
 */
#ifndef HMM_PROTO_FRAME_H
#define HMM_PROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "proto/arena.h"
#include "proto/hmmd.pb-c.h"
#include "proto/limits.h"

struct frame {
	uint64_t id;		/* of the request; 0: an event */
	const uint8_t *body;	/* inside the packet, not copied */
	size_t body_size;
};

enum {
	FRAME_E_SHORT = 1,	/* smaller than a header */
	FRAME_E_MAGIC = 2,	/* not this protocol */
	FRAME_E_LENGTH = 3,	/* the header's length is not the packet's */
	FRAME_E_LARGE = 4,	/* above HMM_LIMIT_FRAME, or above the buffer when packing */
	/* the body is no Message, or decoding it needs more than the arena has */
	FRAME_E_BODY = 5
};

/* Splits a packet. 0, or FRAME_E_SHORT, _MAGIC, _LENGTH, _LARGE. */
int frame_cut(const void *packet, size_t size, struct frame *ret);
/* Packs header and message into buf. 0, or FRAME_E_LARGE. */
int frame_pack(uint64_t id, const Hmmd__Message *message, void *buf, size_t cap, size_t *ret_size);
/*
 * Decodes the body into the arena, which is reset first: *ret_message lives until the arena's next
 * use and is never freed by itself. 0, or FRAME_E_BODY. What comes out still needs
 * message_validate().
 */
int frame_unpack(const struct frame *frame, struct arena *arena, Hmmd__Message **ret_message);
/* A text for people for each outcome above. */
const char *frame_text(int outcome);

#endif
