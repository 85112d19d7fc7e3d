// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way of every packet from the socket to the code that believes it: cut, decode, validate. What
 * passes must survive being packed and cut again.
 */
#include <stdlib.h>

#include "proto/frame.h"
#include "proto/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t decode[HMM_LIMIT_DECODE];
static uint8_t packet[HMM_LIMIT_FRAME];

static int is_good(const Hmmd__Message *m, enum direction from)
{
	struct invalid why;
	size_t min, max;

	message_fds(m, &min, &max);
	return message_validate(m, from, min, &why) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Hmmd__Message *m;
	struct frame frame, again;
	struct arena arena;
	size_t packed;

	arena_init(&arena, decode, sizeof(decode));
	if (frame_cut(data, size, &frame) || frame_unpack(&frame, &arena, &m))
		return 0;
	if (!is_good(m, FROM_CLIENT) && !is_good(m, FROM_DAEMON))
		return 0;
	/*
	 * Non-minimal numbers may grow beyond a frame; unknown fields need not come back as they
	 * were.
	 */
	if (frame_pack(frame.id, m, packet, sizeof(packet), &packed))
		return 0;
	if (frame_cut(packet, packed, &again) || again.id != frame.id)
		abort();
	return 0;
}
