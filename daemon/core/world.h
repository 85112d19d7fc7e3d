/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything the daemon knows, owned by the loop thread: tiers, accounts, policies, spaces, running
 * operations, the event log. Decisions are asked for with the current time and come back as moves;
 * whoever carries them out reports each result.
 */
#ifndef HMMD_CORE_WORLD_H
#define HMMD_CORE_WORLD_H

#include "daemon/base/idmap.h"
#include "daemon/core/commit.h"
#include "daemon/core/event.h"
#include "daemon/core/op.h"
#include "daemon/core/plan.h"
#include "daemon/core/policy.h"
#include "daemon/core/space.h"
#include "daemon/core/tier.h"

struct world {
	struct config config;
	struct tier tiers[HMM_LIMIT_TIERS];
	unsigned int n_tiers;
	struct policy policies[CONFIG_POLICIES];
	unsigned int n_policies;
	struct list_node spaces;
	struct idmap *ranges;		/* id to range, all spaces */
	struct idmap *ops;		/* id to op */
	struct list_node accounts;
	struct commit *commits;		/* promised bytes by uid and set of tiers (commit.h) */
	size_t n_commits;
	struct events *events;
	uint64_t next_id;		/* ranges, ops */
	uint32_t held_moves, held_weight;	/* op_moves, op_weight of the spaces that are held up */
	bool many_nodes;		/* of NUMA: the kernel may move a page with nobody asking here. Fixed before threads run */
	bool dry_run;			/* plans are made and told, not carried out */
};

/* The configuration was checked. -ENOMEM. */
int world_new(struct world **ret, const struct config *c, uint64_t first_id);
struct world *world_free(struct world *w);	/* no space is left */
/*
 * A new configuration, whole or nothing: limits, marks, policies, quotas may change; tiers may be
 * added at the end; a tier that is missing or changed in kind, nodes or path is refused with a text
 * (it must be drained and the daemon restarted). 0 or -EINVAL/-ENOMEM.
 */
int world_reload(struct world *w, const struct config *c, char *ret_text, uint32_t text_size);
struct account *world_account(struct world *w, uint32_t uid);	/* made when new; NULL: no memory */
struct tier *world_tier(struct world *w, const char *name);	/* NULL: none */
struct policy *world_policy(struct world *w, const char *name);
struct policy *world_policy_add(struct world *w, const struct policy_config *c);	/* there is room for it */
struct policy *world_match(struct world *w, const struct space *s);	/* [match] rules, else "default" */
/*
 * Whether a tier could be drained: all that is promised, and the adopted memory that is known to be
 * there, must find room in the other tiers, or a fault might wait for ever. keep: what must stay for
 * now (pinned, or told to stay) is no reason against it. Changes nothing.
 */
enum drain_refusal {
	DRAIN_E_LAST = 1,	/* it is the last tier in memory that is online */
	DRAIN_E_ROOM = 2,	/* the others have no room for what may need one */
	DRAIN_E_HELD = 3	/* some of it must stay */
};
struct drain_lack {
	uint64_t needed, fits;	/* bytes; HELD: needed is what must stay */
	uint32_t tiers;		/* bit mask: where they could be */
	uint32_t uid;		/* whose limits these are, UINT32_MAX: everybody's */
	const struct range *range;	/* the first that it is about, NULL: none has bytes there */
	uint64_t ranges;	/* how many there are */
};
/* 0, enum drain_refusal (more is told in *ret), -ENOMEM. Loop thread. */
int world_may_drain(struct world *w, unsigned int tier, bool keep, struct drain_lack *ret);
/*
 * Stops a tier from taking pages, and ranges whose home it is get another. A failed tier takes none anyway
 * and stays failed. 0, DRAIN_E_LAST.
 */
int world_drain(struct world *w, unsigned int tier);
/*
 * An operation went through all that it had. Empty: TIER_DRAINED. With something left that had no room, or
 * that may not stay: back in use. False: it was not drained and takes pages again.
 */
bool world_drain_passed(struct world *w, unsigned int tier, const struct op_result *r);
void world_undrain(struct world *w, unsigned int tier);	/* nothing when it has failed */
bool drain_is_last_node(const struct world *w, unsigned int tier);
/* A range dies: victims queued from it are dropped, operations end for it. Loop thread. */
void world_let_go(struct world *w, struct range *r);
/* Sets one value of one policy at run time. 0, -ENOENT, -EINVAL with a text. */
int world_policy_set(struct world *w, const char *name, const char *key, const char *value, char *ret_text, uint32_t text_size);

#endif
