/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmocka, and waiting in a guest: an emulated processor that others use too needs far longer than a machine. */
#ifndef HMMD_TESTS_VM_PATIENCE_H
#define HMMD_TESTS_VM_PATIENCE_H

#include "tests/support/test.h"

#define VM_PATIENCE_US 180000000ULL

/* Looks every ten milliseconds, so that looking leaves the processor to what is looked for. */
#define vm_wait(condition) ({						\
	uint64_t end_ = clock_us() + VM_PATIENCE_US;			\
	bool holds_;							\
	while (!(holds_ = (condition)) && clock_us() < end_)		\
		pause_us(10000);					\
	holds_;								\
})
#define vm_soon(condition) do {						\
	if (!vm_wait(condition))					\
		fail_msg("never came true: %s", #condition);		\
} while (0)

#endif
