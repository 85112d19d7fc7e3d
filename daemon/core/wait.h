/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a thread that touched a page still waits for it: one code for each thing that can be in the way,
 * with words for people. Kept per client (struct space), written by whoever puts a fault off.
 */
#ifndef HMMD_CORE_WAIT_H
#define HMMD_CORE_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum wait_reason {
	WAIT_NOTHING,
	WAIT_TIER,		/* the tier is full, and nothing in it can be sent away now */
	WAIT_QUOTA,		/* the same of the user's own limit in the tier */
	WAIT_DRAIN,		/* the tier takes no pages: it drains */
	WAIT_SEALED,		/* nothing may be sent away, because hmmd ends */
	WAIT_HUGE_CGROUP,	/* the kernel gives no huge page: limit of a hugetlb control group */
	WAIT_HUGE_POOL,		/* the same: the pool, or what it may have on demand */
	WAIT_MEMORY_CGROUP,	/* the kernel gives no page: limit of a memory control group */
	WAIT_NODE,		/* the same: the node, or the machine, has none */
	WAIT_OWN,		/* the program's own mapping or control group takes no page, though the machine has some */
	WAIT_REASONS
};
const char *wait_reason_code(enum wait_reason reason);	/* "tier-full"; "none" for WAIT_NOTHING */
const char *wait_reason_text(enum wait_reason reason);	/* "the tier is full and nothing in it can be sent away" */

/* Who waits in one address space. Any thread. */
struct waiting {
	_Atomic uint32_t faults;	/* pages with somebody asleep at them */
	_Atomic uint64_t since_us;	/* monotonic; the first of them, while there are any */
	_Atomic uint8_t reason;		/* enum wait_reason, the last that was met */
};
void waiting_begin(struct waiting *w, enum wait_reason reason, uint64_t now_us);
void waiting_still(struct waiting *w, enum wait_reason reason);	/* tried again, in vain */
void waiting_end(struct waiting *w);

/*
 * A client whose faults lead nowhere is left alone for a while, the longer the more often: pages that its own
 * mapping refused are not tried, and faults for which there is no place are not read. A page that does come in
 * ends both.
 */
struct setback {
	_Atomic uint64_t try_ns, read_ns;	/* monotonic: not before */
	_Atomic uint32_t try_ms, read_ms;	/* the last pause; 0: none since a page came in */
	_Atomic bool parked;			/* a thread does not read it any more */
};
void setback_try(struct setback *s, uint64_t now_ns);
void setback_read(struct setback *s, uint64_t now_ns);
bool setback_end(struct setback *s);	/* true: there was one */

#endif
