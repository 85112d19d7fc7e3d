// SPDX-License-Identifier: GPL-2.0-or-later
/* Words for waiting, and the count of who does (wait.h). */
#include "daemon/core/wait.h"

enum { PAUSE_FIRST_MS = 10, PAUSE_LONGEST_MS = 1000, SHUT_FIRST_MS = 1, SHUT_LONGEST_MS = 128 };
#define NSEC_PER_MSEC 1000000ULL

enum { REASON_BITS = 8 };	/* below the time, so that the longer one is the greater */

static const struct {
	const char *code, *text, *remedy;
} reasons[WAIT_REASONS] = {
	[WAIT_NOTHING] = { "none", "nobody waits", "" },
	[WAIT_TIER] = { "tier-full", "the tier is full and nothing in it can be sent away",
			"a larger tier, one below it that works, or fewer pins" },
	[WAIT_QUOTA] = { "quota", "this user's limit in the tier is reached and nothing of it can be sent away",
			 "a larger limit for the user in hmmd.conf, or a tier below" },
	[WAIT_DRAIN] = { "drain", "the tier is being drained and takes no pages", "hmmctl undrain TIER" },
	[WAIT_SEALED] = { "ending", "hmmd ends and sends nothing away any more", "" },
	[WAIT_HUGE_CGROUP] = { "hugetlb-cgroup", "the hugetlb limit of hmmd's control group is reached",
			       "see the check room" },
	[WAIT_HUGE_POOL] = { "hugetlb-pool", "the kernel's pool of huge pages is used up", "see the check room" },
	[WAIT_MEMORY_CGROUP] = { "memory-cgroup", "the memory limit of hmmd's control group is reached",
				 "see the check room" },
	[WAIT_NODE] = { "node-memory", "the kernel has no free page of this size there", "see the check room" },
	[WAIT_OWN] = { "own-mapping",
		       "the program's own mapping or control group takes no page, though the machine has some",
		       "what the program has mapped there, and its control group, want room" },
	[WAIT_PAGE] = { "page", "hmmd is at the page: its device, or the program's own memory, takes long",
			"look after the device, or end the program that holds its lock" },
	[WAIT_MOVE] = { "move", "the page is in the middle of a move that takes long",
			"look after the device, or end the program that holds its lock" },
	[WAIT_OPERATION] = { "operation", "an operation that was asked for is in the middle of a page and does not get on",
			     "look after the device, or end the program that holds its lock" },
	[WAIT_BLOCKING] = { "blocking", "the program has made its userfaultfd a blocking one, which hmmd does not read",
			    "mend or end the program" },
	[WAIT_SHUT] = { "library", "the program's library lets pages go, and holds back meanwhile what the program waits for",
			"see that the program's helper thread runs, or end the program" },
	[WAIT_AWAY] = { "away", "hmmd was started anew and the program has not come back with its memory",
			"see that the program's helper thread, or its loop, runs" },
	[WAIT_RECOVERY] = { "recovery", "hmmd was started anew and is bringing the program's pages to rest",
			    "hmmctl status says how many are left; one takes as long as its device does" },
};

static unsigned int known(enum wait_reason reason)
{
	return (unsigned int)reason < WAIT_REASONS ? reason : WAIT_NOTHING;
}

const char *wait_reason_code(enum wait_reason reason)
{
	return reasons[known(reason)].code;
}

const char *wait_reason_text(enum wait_reason reason)
{
	return reasons[known(reason)].text;
}

const char *wait_reason_remedy(enum wait_reason reason)
{
	return reasons[known(reason)].remedy;
}

void wait_sum_add(struct wait_sum *sum, uint32_t pages, enum wait_reason reason, uint64_t since_us)
{
	if (!pages)
		return;
	if (!sum->pages || since_us < sum->since_us) {
		sum->since_us = since_us;
		sum->reason = (uint8_t)reason;
	}
	sum->pages = pages > UINT32_MAX - sum->pages ? UINT32_MAX : sum->pages + pages;
}

uint64_t wait_sum_us(const struct wait_sum *sum, uint64_t now_us)
{
	return sum->pages && now_us > sum->since_us ? now_us - sum->since_us : 0;
}

void waiting_was(struct waiting *w, enum wait_reason reason, uint64_t us)
{
	uint64_t was = us << REASON_BITS | (uint8_t)reason, before = atomic_load_explicit(&w->over, memory_order_relaxed);

	while (was > before && !atomic_compare_exchange_weak(&w->over, &before, was))
		;
}

/* Of what waits and what is over since the last look, the longest. */
static uint64_t longest(struct waiting *w, uint64_t now_us, struct wait_sum *ret_over)
{
	uint64_t over = atomic_exchange(&w->over, 0), now = wait_sum_us(&w->now, now_us);

	*ret_over = (struct wait_sum){ .reason = (uint8_t)over, .since_us = now_us - (over >> REASON_BITS) };
	if (now >= WAIT_LONG_US || now >= over >> REASON_BITS) {
		*ret_over = w->now;
		return now;
	}
	return over >> REASON_BITS;
}

enum wait_news waiting_news(struct waiting *w, uint64_t now_us, struct wait_sum *ret_over)
{
	uint64_t us = longest(w, now_us, ret_over);
	bool told = w->told;

	if (us >= WAIT_LONG_US) {
		w->longest_us = told && w->longest_us > us ? w->longest_us : us;
		w->long_us = now_us;
		w->told = true;
		return told ? WAIT_NEWS_NONE : WAIT_NEWS_LONG;
	}
	if (!told || now_us - w->long_us < WAIT_QUIET_US)
		return WAIT_NEWS_NONE;
	w->told = false;
	return WAIT_NEWS_OVER;
}

static void lengthen(_Atomic uint32_t *ms, _Atomic uint64_t *until_ns, uint64_t now_ns, uint32_t first, uint32_t longest)
{
	uint32_t next = atomic_load_explicit(ms, memory_order_relaxed) * 2;

	next = next < first ? first : next > longest ? longest : next;
	atomic_store(ms, next);
	atomic_store(until_ns, now_ns + next * NSEC_PER_MSEC);
}

void setback_try(struct setback *s, uint64_t now_ns)
{
	lengthen(&s->try_ms, &s->try_ns, now_ns, PAUSE_FIRST_MS, PAUSE_LONGEST_MS);
}

void setback_read(struct setback *s, uint64_t now_ns)
{
	lengthen(&s->read_ms, &s->read_ns, now_ns, PAUSE_FIRST_MS, PAUSE_LONGEST_MS);
}

/* What shut it takes microseconds as a rule. */
void setback_shut(struct setback *s, uint64_t now_ns)
{
	lengthen(&s->shut_ms, &s->read_ns, now_ns, SHUT_FIRST_MS, SHUT_LONGEST_MS);
}

void setback_opened(struct setback *s)
{
	if (!atomic_load_explicit(&s->shut_ms, memory_order_relaxed))
		return;
	atomic_store(&s->shut_ms, 0);
	if (atomic_load(&s->why) == WAIT_SHUT)
		atomic_store(&s->since_ns, 0);
}

/* Read for a while and not put off again: what begins is another time. */
static bool goes_on(const struct setback *s, uint64_t now_ns)
{
	return atomic_load(&s->since_ns) && now_ns < atomic_load(&s->read_ns) + PAUSE_LONGEST_MS * NSEC_PER_MSEC;
}

void setback_unread(struct setback *s, enum wait_reason why, uint64_t now_ns)
{
	if (!goes_on(s, now_ns))
		atomic_store(&s->since_ns, now_ns);
	atomic_store(&s->why, (uint8_t)why);
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
	if (atomic_load(&s->why) != WAIT_BLOCKING)
		atomic_store(&s->since_ns, 0);
	return true;
}
