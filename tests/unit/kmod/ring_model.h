/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event ring beside a naive model of it, a list that moves its elements. A step does one
 * operation on both; what is popped must be what the list has, and its seq must count every event.
 * Unit test and fuzzer share it.
 */
#ifndef TESTS_UNIT_KMOD_RING_MODEL_H
#define TESTS_UNIT_KMOD_RING_MODEL_H

#include "drivers/kmod/ring.h"

enum { RING_MODEL_MAX = 64 };

struct ring_model {
	struct hmmdev_ring *real;
	u32 count;	/* of the ring */
	struct hmmdev_event list[RING_MODEL_MAX];
	u32 used;
	u64 seq;
	u64 lost;
	u64 popped;	/* seq after that of the last record popped */
	bool ended;
};

/* All of these: NULL, or what was not so. count: a power of two, 4..64. */
const char *ring_model_start(struct ring_model *m, u32 count);
const char *ring_model_push(struct ring_model *m, const struct hmmdev_event *event);
const char *ring_model_pop(struct ring_model *m, u32 max);
void ring_model_end(struct ring_model *m);

#endif
