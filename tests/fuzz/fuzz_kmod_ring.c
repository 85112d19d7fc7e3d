// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first byte is the size of the ring, as a power of two; then four bytes are an operation: a
 * pop of up to 63 records, or a push whose fields are a few bits each: neighbours are often alike.
 */
#include <stdio.h>

#include "tests/unit/kmod/ring_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *step(struct ring_model *m, const uint8_t *data)
{
	struct hmmdev_event event = {
		.type = (u16)(data[0] % 16),
		.order = data[0] >> 7,
		.ts_ns = data[3],
		.addr = (data[1] & 0x1fULL) << 12,
		.size = (data[2] & 0x07ULL) << 12,
		.cookie = data[1] >> 5,
		.dev = data[2] >> 3 & 3,
		.nid = data[2] >> 5 & 1,
		.arg = data[2] >> 6,
	};

	if (event.type > HMMDEV_EVENT_MM_EXIT)
		return ring_model_pop(m, data[1] % 64);
	return ring_model_push(m, &event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ring_model m;
	const char *wrong;

	if (!size)
		return 0;
	wrong = ring_model_start(&m, 4U << data[0] % 5);
	for (data++, size--; !wrong && size >= 4; data += 4, size -= 4)
		wrong = step(&m, data);
	if (!wrong)
		wrong = ring_model_pop(&m, RING_MODEL_MAX);
	if (wrong) {
		fprintf(stderr, "not so: %s\n", wrong);
		abort();
	}
	ring_model_end(&m);
	return 0;
}
