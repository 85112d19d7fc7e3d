// SPDX-License-Identifier: GPL-2.0-or-later
/* Words for waiting, and the count of who does (wait.h). */
#include "daemon/core/wait.h"

enum { PAUSE_FIRST_MS = 10, PAUSE_LONGEST_MS = 1000 };
#define NSEC_PER_MSEC 1000000ULL

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
	[WAIT_OWN] = { "own-mapping", "the program's own mapping or control group takes no page, though the machine has some" },
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

static void lengthen(_Atomic uint32_t *ms, _Atomic uint64_t *until_ns, uint64_t now_ns)
{
	uint32_t next = atomic_load_explicit(ms, memory_order_relaxed) * 2;

	next = next < PAUSE_FIRST_MS ? PAUSE_FIRST_MS : next > PAUSE_LONGEST_MS ? PAUSE_LONGEST_MS : next;
	atomic_store(ms, next);
	atomic_store(until_ns, now_ns + next * NSEC_PER_MSEC);
}

void setback_try(struct setback *s, uint64_t now_ns)
{
	lengthen(&s->try_ms, &s->try_ns, now_ns);
}

void setback_read(struct setback *s, uint64_t now_ns)
{
	lengthen(&s->read_ms, &s->read_ns, now_ns);
}

bool setback_end(struct setback *s)
{
	if (!atomic_load_explicit(&s->try_ms, memory_order_relaxed) &&
	    !atomic_load_explicit(&s->read_ms, memory_order_relaxed))
		return false;
	atomic_store(&s->try_ms, 0);
	atomic_store(&s->read_ms, 0);
	atomic_store(&s->try_ns, 0);
	atomic_store(&s->read_ns, 0);
	return true;
}
