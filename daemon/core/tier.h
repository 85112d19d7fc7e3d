/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tier: a place where pages can be, with its own pool. Tiers keep their index while the daemon lives. */
#ifndef HMMD_CORE_TIER_H
#define HMMD_CORE_TIER_H

#include "daemon/core/config.h"
#include "daemon/core/pool.h"
#include "daemon/core/shortage.h"

enum tier_state { TIER_ONLINE, TIER_DRAINING, TIER_DRAINED, TIER_FAILED };

struct tier {
	struct tier_config config;
	unsigned int index;
	enum tier_kind device;		/* what its contents are on: a file's may be in memory, see daemon/io/daemon_tiers.c */
	enum tier_state state;
	struct pool pool;		/* everybody */
	_Atomic uint64_t whole;		/* bytes as configured or found; the pool's limit is less while the kernel gives less */
	struct shortage shortage;
	_Atomic uint64_t adopted;	/* bytes of adopted memory on nodes: beside the pool, because nobody can refuse it */
	uint64_t read_bandwidth;	/* bytes per second, 0 unknown (HMAT) */
	uint64_t read_latency_ns;	/* 0 unknown */
	bool relieving;			/* went above the high mark, is not yet at the low one; loop thread */
	bool by_device;			/* it drains because its device does; loop thread */
	/* Of a drain, loop thread: */
	bool keep;			/* somebody asked for it to go on while something must stay */
	uint64_t pass;			/* the operation that empties it, 0: none is under way */
	uint64_t left;			/* bytes that the last one met and could not move */
	uint64_t pinned;		/* bytes that may not leave; loop thread */
	/* between two reports, loop thread */
	uint64_t last_in, last_out, last_us;
	uint64_t in_per_second, out_per_second;
};

/* Resident tiers hold pages that the program touches directly; the others are devices with slots. */
static inline bool tier_is_resident(const struct tier *t)
{
	return t->config.kind == TIER_NUMA;
}

int tier_init(struct tier *t, unsigned int index, const struct tier_config *c);
void tier_done(struct tier *t);
bool tier_above_high(const struct tier *t);
void tier_look(struct tier *t);			/* once a turn: begins and ends the relieving */
uint64_t tier_over_low(const struct tier *t);	/* bytes to evict to reach the low mark, 0 below */
uint64_t tier_capacity(const struct tier *t);	/* bytes, as it is enforced now; 0: a device that did not say yet */
uint64_t tier_free(const struct tier *t);	/* bytes that may still go there: none into one that has failed */
uint64_t tier_promised(const struct tier *t);	/* bytes as configured or found: what may be promised */
void tier_set_limit(struct tier *t, uint64_t bytes);	/* the operator's; a shortage stands */
uint64_t tier_used(const struct tier *t);	/* bytes of managed and adopted memory there now */
/* A device turned out to have fewer bytes than it was configured with, or none were said. */
void tier_set_capacity(struct tier *t, uint64_t bytes);
/* Whether pages of managed ranges can be in it (kernel devices take adopted memory only). */
bool tier_is_managed(const struct tier *t);
uint64_t tier_under_low(const struct tier *t);	/* bytes that fit below the low mark */
void tier_report(struct tier *t, uint64_t now_us);	/* refreshes the per-second figures, at most once a second */

#endif
