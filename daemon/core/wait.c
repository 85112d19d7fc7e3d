// SPDX-License-Identifier: GPL-2.0-or-later
/* Words for waiting, and the count of who does (wait.h). */
#include "daemon/core/wait.h"

static const struct {
	const char *code, *text;
} reasons[WAIT_REASONS] = {
	[WAIT_NOTHING] = { "none", "nobody waits" },
	[WAIT_TIER] = { "tier-full", "the tier is full and nothing in it can be sent away" },
	[WAIT_QUOTA] = { "quota", "this user's limit in the tier is reached and nothing of it can be sent away" },
	[WAIT_DRAIN] = { "drain", "the tier is being drained and takes no pages" },
	[WAIT_SEALED] = { "ending", "hmmd ends and sends nothing away any more" },
	[WAIT_HUGE_CGROUP] = { "hugetlb-cgroup", "the hugetlb limit of hmmd's control group is reached" },
	[WAIT_HUGE_POOL] = { "hugetlb-pool", "the kernel's pool of huge pages is used up" },
	[WAIT_MEMORY_CGROUP] = { "memory-cgroup", "the memory limit of hmmd's control group is reached" },
	[WAIT_NODE] = { "node-memory", "the kernel has no free page of this size there" },
	[WAIT_OWN] = { "own-mapping", "the program's own mapping takes no page, though the machine has some" },
};

const char *wait_reason_code(enum wait_reason reason)
{
	return reasons[(unsigned int)reason < WAIT_REASONS ? reason : WAIT_NOTHING].code;
}

const char *wait_reason_text(enum wait_reason reason)
{
	return reasons[(unsigned int)reason < WAIT_REASONS ? reason : WAIT_NOTHING].text;
}

void waiting_begin(struct waiting *w, enum wait_reason reason, uint64_t now_us)
{
	if (!atomic_fetch_add(&w->faults, 1))
		atomic_store(&w->since_us, now_us);
	waiting_still(w, reason);
}

void waiting_still(struct waiting *w, enum wait_reason reason)
{
	atomic_store_explicit(&w->reason, (uint8_t)reason, memory_order_relaxed);
}

void waiting_end(struct waiting *w)
{
	if (atomic_fetch_sub(&w->faults, 1) == 1)
		waiting_still(w, WAIT_NOTHING);
}
