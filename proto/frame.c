// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Cutting and packing frames. The header is read and written byte by byte, so neither the machine's
 * byte order nor the alignment of the packet matters.
 */
#include "proto/frame.h"

enum { OFFSET_MAGIC = 0, OFFSET_LENGTH = 4, OFFSET_ID = 8 };	/* bytes into the header */

static uint64_t get_le(const uint8_t *p, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)p[i] << (8 * i);
	return value;
}

static void put_le(uint8_t *p, unsigned int bytes, uint64_t value)
{
	for (unsigned int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

int frame_cut(const void *packet, size_t size, struct frame *ret)
{
	const uint8_t *p = packet;

	if (size < HMM_LIMIT_HEADER)
		return FRAME_E_SHORT;
	if (get_le(p + OFFSET_MAGIC, 4) != HMM_FRAME_MAGIC)
		return FRAME_E_MAGIC;
	if (size > HMM_LIMIT_FRAME)
		return FRAME_E_LARGE;
	if (get_le(p + OFFSET_LENGTH, 4) != size - HMM_LIMIT_HEADER)
		return FRAME_E_LENGTH;
	*ret = (struct frame){
		.id = get_le(p + OFFSET_ID, 8),
		.body = p + HMM_LIMIT_HEADER,
		.body_size = size - HMM_LIMIT_HEADER,
	};
	return 0;
}

int frame_pack(uint64_t id, const Hmmd__Message *message, void *buf, size_t cap, size_t *ret_size)
{
	size_t body = hmmd__message__get_packed_size(message);
	uint8_t *p = buf;

	if (cap > HMM_LIMIT_FRAME)
		cap = HMM_LIMIT_FRAME;
	if (cap < HMM_LIMIT_HEADER || body > cap - HMM_LIMIT_HEADER)
		return FRAME_E_LARGE;
	put_le(p + OFFSET_MAGIC, 4, HMM_FRAME_MAGIC);
	put_le(p + OFFSET_LENGTH, 4, body);
	put_le(p + OFFSET_ID, 8, id);
	hmmd__message__pack(message, p + HMM_LIMIT_HEADER);
	*ret_size = HMM_LIMIT_HEADER + body;
	return 0;
}

int frame_unpack(const struct frame *frame, struct arena *arena, Hmmd__Message **ret_message)
{
	Hmmd__Message *m;

	arena_reset(arena);
	m = hmmd__message__unpack(&arena->allocator, frame->body_size, frame->body);
	if (!m)
		return FRAME_E_BODY;
	*ret_message = m;
	return 0;
}

const char *frame_text(int outcome)
{
	switch (outcome) {
	case 0:
		return "the frame is whole";
	case FRAME_E_SHORT:
		return "the packet is smaller than a frame header";
	case FRAME_E_MAGIC:
		return "the packet does not start with the magic number of this protocol";
	case FRAME_E_LENGTH:
		return "the length in the frame header is not the packet's";
	case FRAME_E_LARGE:
		return "the frame is larger than the protocol allows";
	case FRAME_E_BODY:
		return "the frame's body cannot be decoded";
	}
	return "an unknown outcome";
}
