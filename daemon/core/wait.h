/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a thread that touched a page still waits for it: one code for each thing that can be in the way,
 * with words for people; who waits in one address space, and when that is worth an event.
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
	WAIT_PAGE,		/* hmmd is at the page: its device, or the program's memory, takes long */
	WAIT_MOVE,		/* the page is in the middle of a move */
	WAIT_OPERATION,		/* what somebody asked for is in the middle of a page */
	WAIT_BLOCKING,		/* the program's userfaultfd cannot be read without waiting in it */
	WAIT_SHUT,		/* its library lets pages go, and nobody may read the userfaultfd meanwhile */
	WAIT_AWAY,		/* hmmd is a new one, and the program has not come back with its memory */
	WAIT_RECOVERY,		/* the same; its memory is there, and its pages are being brought to rest */
	WAIT_REASONS
};
const char *wait_reason_code(enum wait_reason reason);	/* "tier-full"; "none" for WAIT_NOTHING */
const char *wait_reason_text(enum wait_reason reason);	/* "the tier is full and nothing in it can be sent away" */
const char *wait_reason_remedy(enum wait_reason reason);	/* "" when there is nothing to be done */

#define WAIT_LONG_US 1000000ULL		/* 1 s: a wait that is told of */
#define WAIT_QUIET_US 10000000ULL	/* 10 s without one, before it is told that they are over */

/* Who waits for pages of one client. */
struct wait_sum {
	uint32_t pages;			/* 0: nobody */
	uint8_t reason;			/* enum wait_reason: of the longest wait */
	uint64_t since_us;		/* monotonic: when that one began */
};
void wait_sum_add(struct wait_sum *sum, uint32_t pages, enum wait_reason reason, uint64_t since_us);
uint64_t wait_sum_us(const struct wait_sum *sum, uint64_t now_us);	/* the longest wait so far; 0: nobody waits */

struct waiting {
	_Atomic uint32_t faults;	/* pages whose faults were put off; by the fault threads */
	_Atomic uint64_t over;		/* the longest wait that ended since the loop looked; any thread, by waiting_was() */
	/* loop thread */
	struct wait_sum now;		/* as last looked at */
	bool told;			/* that some wait long */
	uint64_t long_us, longest_us;	/* when that was last seen; the longest of them */
};
void waiting_was(struct waiting *w, enum wait_reason reason, uint64_t us);	/* any thread: somebody waited so long */

/* What is to be told of a client once a second, after `now` was looked at. */
enum wait_news {
	WAIT_NEWS_NONE,
	WAIT_NEWS_LONG,		/* somebody waits, or did, for WAIT_LONG_US and more, which was not so before */
	WAIT_NEWS_OVER		/* nobody has for WAIT_QUIET_US */
};
enum wait_news waiting_news(struct waiting *w, uint64_t now_us, struct wait_sum *ret_over);	/* pages 0: what is told of is over */

/*
 * A client whose faults lead nowhere is left alone for a while, the longer the more often: pages that its own
 * mapping refused are not tried, and faults for which there is no place are not read. A page that does come in
 * ends both.
 */
struct setback {
	_Atomic uint64_t try_ns, read_ns;	/* monotonic: not before */
	_Atomic uint32_t try_ms, read_ms;	/* the last pause; 0: none since a page came in */
	_Atomic uint32_t shut_ms;		/* the same of WAIT_SHUT; 0: none since it was read */
	_Atomic bool parked;			/* a thread does not read it any more */
	_Atomic uint64_t since_ns;		/* since when faults of it stay unread; 0: none do */
	_Atomic uint8_t why;			/* enum wait_reason of those */
};
void setback_try(struct setback *s, uint64_t now_ns);
void setback_read(struct setback *s, uint64_t now_ns);
void setback_shut(struct setback *s, uint64_t now_ns);
void setback_opened(struct setback *s);		/* it was read; nothing to do as long as it was not shut */
void setback_unread(struct setback *s, enum wait_reason why, uint64_t now_ns);	/* its faults stay where they are from here */
bool setback_end(struct setback *s);	/* true: there was one */

#endif
