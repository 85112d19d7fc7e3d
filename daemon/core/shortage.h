/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tier of memory for which the kernel gives less than was configured. What it gives is then the capacity: the
 * limit of the tier's pool sinks to what is used at the moment when a page is refused, by whichever thread met
 * it, so that nobody asks the kernel in vain, policies send pages away ahead, and listings show the truth. It
 * rises again by steps that double as long as probe pages are given; a step that was wrong is taken
 * back by the next refusal.
 */
#ifndef HMMD_CORE_SHORTAGE_H
#define HMMD_CORE_SHORTAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "daemon/core/wait.h"

struct tier;

struct shortage {
	_Atomic bool on;		/* set by any thread, cleared by the loop */
	_Atomic uint8_t reason;		/* enum wait_reason: what limits it; written by the loop */
	/* loop thread */
	uint64_t probe_us, wait_us;	/* when the next probe is due, and how long after the one before; 0: not begun */
	uint64_t step;			/* bytes that the next probe may add */
};

/* The kernel has refused a page: there are no more than are used now. Any thread. */
void tier_short(struct tier *t);
/* A probe page was given although the limit is reached: room for one more. Any thread. */
void tier_relax(struct tier *t);
/* Loop: whether to take a probe page now. *ret_in_us: else how long that has time (UINT64_MAX: no shortage). */
bool tier_probe_due(struct tier *t, uint64_t now_us, uint64_t *ret_in_us);
/* Loop: a probe page was given or not; `free`: bytes that the known limits of the machine still leave. True: there is more room than before. */
bool tier_probed(struct tier *t, bool given, uint64_t free, uint64_t now_us);

#endif
