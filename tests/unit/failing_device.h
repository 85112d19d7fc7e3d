/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory device with single failures on demand, inside one process. Settings hold for every such
 * device of the process.
 */
#ifndef TESTS_UNIT_FAILING_DEVICE_H
#define TESTS_UNIT_FAILING_DEVICE_H

#include <stdbool.h>
#include "drivers/device.h"

extern const struct hmm_device_ops failing_device;	/* kind "failing" */

struct failing {
	_Atomic unsigned int fail_write, fail_read;	/* the n-th from now on fails, once; 0: none */
	_Atomic int error;				/* its errno; EIO when 0 */
	_Atomic bool in_place;				/* may be used in place, which no failure reaches */
	_Atomic unsigned int writes, reads, discards;	/* counted ever */
};
extern struct failing failing;

void failing_reset(void);

#endif
