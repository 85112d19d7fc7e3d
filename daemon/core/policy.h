/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy: an engine with its values, its budget, and the ranges under it. The engine ranks victims
 * and proposes moves; it never carries them out.
 */
#ifndef HMMD_CORE_POLICY_H
#define HMMD_CORE_POLICY_H

#include "daemon/base/list.h"
#include "daemon/core/budget.h"
#include "daemon/core/config.h"

struct world;
struct pool;
struct plan;
struct policy;

/*
 * rank: called on the loop thread when a pool is short of victims; pushes up to `want` victims of the
 * given resident tier (of that uid, or of all when uid is UINT32_MAX) into the pool's ring, coldest first,
 * over ALL ranges of engines of this kind; returns how many. plan: called every tick; may add moves
 * (evictions towards the low mark, prefetches of what is hot and away), within the policies' budgets.
 */
struct policy_engine {
	enum engine id;
	const char *name;
	void (*plan)(struct world *w, struct policy *p, uint64_t now_us, struct plan *plan);
};
extern const struct policy_engine policy_tiered, policy_static;

struct policy {
	struct policy_config config;
	const struct policy_engine *engine;
	struct budget budget;
	struct list_node ranges;		/* managed, and adopted ones that are watched: what is ranked */
	struct list_node adopted;		/* the others apart, since there may be 100,000 */
	uint64_t n_ranges;			/* of both */
	uint64_t look_at_us, look_wait_us;	/* when to look for hot pages that are away, and how long after */
	uint8_t order[HMM_LIMIT_TIERS];		/* tier indices in order of preference */
	uint8_t n_order;
	const char *throttled;			/* why it last held back, or NULL; a static text */
};
/* The engine's name in configuration files, or NULL; and the way back. 0 or -EINVAL. */
const char *engine_name(enum engine engine);
int engine_by_name(const char *name, enum engine *ret);
const struct policy_engine *policy_engine(enum engine engine);
/* Engine, budget and tier order from the values; ranges stay. Tiers that the daemon lacks are left out. */
void policy_apply(struct policy *p, const struct policy_config *c, const struct world *w);
/*
 * What both engines do first: while a resident tier is on its way from the high mark to the low one, evictions of what ranks first
 * among all ranges, as far as they are this policy's, down to the low mark and within its budget.
 */
void policy_relieve(struct world *w, struct policy *p, uint64_t now_us, struct plan *plan);
/*
 * Evictions and demotions of so many huge pages of a resident tier, as far as those that rank first are this
 * policy's and its budget allows.
 */
void policy_make_room(struct world *w, struct policy *p, unsigned int tier, uint64_t pages, uint64_t now_us,
		      struct plan *plan);
/* Sets one key of its values, as written in a configuration file. -EINVAL with a text; *c untouched then. */
int policy_config_set(struct policy_config *c, const char *key, const char *value, char *ret_text, uint32_t text_size);
/* Takes from the policy's budget; says why in `throttled` when it is dry. */
bool policy_pay(struct policy *p, uint64_t bytes, uint64_t now_us);

/*
 * Fills the victim queue of one pool: coldest first for `tiered` ranges (an histogram of temperature finds the
 * cut, no threshold), oldest first for `static` ones; pages hinted cold go first; pinned, staying and
 * (while others exist) freshly filled ones do not go. Drops stale victims first. Returns how many are queued now.
 */
unsigned int policy_rank(struct world *w, unsigned int tier, uint32_t uid, uint64_t now_us, unsigned int want);
/* Empties the queue and lets go of its ranges (before a range dies, at the end). */
void pool_forget_victims(struct pool *p);

#endif
