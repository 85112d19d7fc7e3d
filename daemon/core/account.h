/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one uid holds. A charge is embedded in the thing charged; freeing the thing gives it back, and
 * freeing the account asserts that all came back (dbus-broker's idea). Bytes in tiers are pools, so
 * that the fault threads can take and give them.
 */
#ifndef HMMD_CORE_ACCOUNT_H
#define HMMD_CORE_ACCOUNT_H

#include "daemon/base/list.h"
#include "daemon/core/config.h"
#include "daemon/core/excess.h"
#include "daemon/core/pool.h"
#include "daemon/core/share.h"

enum account_what {
	ACCOUNT_MANAGED, ACCOUNT_ADOPTED,	/* bytes of ranges */
	ACCOUNT_RANGES,
	ACCOUNT_PINNED,				/* bytes */
	ACCOUNT_CLIENTS,			/* connections */
	ACCOUNT_LEDGER,				/* bytes in the state directory */
	ACCOUNT_OPS,				/* unfinished operations */
	ACCOUNT_QUEUED,				/* bytes of answers that nobody has read yet */
	ACCOUNT_STORED,				/* descriptors in systemd's store */
	ACCOUNT_KINDS
};
enum { ACCOUNT_E_FULL = 1 };

struct account {
	uint32_t uid;
	uint32_t refs;			/* spaces; loop thread */
	uint32_t weight;		/* share when a tier is contended */
	struct list_node in_world;
	struct list_node ops;		/* its operations; whose turn it is comes first */
	struct share share;		/* of the loop's time */
	uint32_t load;			/* of the workers by them, see op.h */
	uint32_t waits_told;		/* of its clients, in the last look at who waits; loop thread */
	uint32_t undone_told;		/* in the last round of moves that did not last; loop thread */
	uint64_t undone_more;		/* bytes, of those that were not told one by one */
	uint64_t used[ACCOUNT_KINDS], limit[ACCOUNT_KINDS];
	struct pool pools[HMM_LIMIT_TIERS];	/* parent: the tier's pool; limit: quota */
	unsigned int n_pools;
	uint64_t freed;			/* bytes in memory of managed ranges when they ended, ever; loop thread */
	struct excess excess;		/* what its programs put into their files by themselves */
};
struct charge {
	struct account *account;	/* NULL: nothing charged */
	enum account_what what;
	uint64_t amount;
};

/* One pool per tier, below pools[i] of the tiers given. -ENOMEM. */
int account_new(struct account **ret, uint32_t uid, const struct quota_config *quota,
		struct pool *const *tier_pools, unsigned int n_tiers);
/* Asserts that every charge and every byte came back. */
struct account *account_free(struct account *a);
int account_add_pool(struct account *a, struct pool *tier_pool);	/* for a tier added later. -ENOMEM */
void account_set_quota(struct account *a, const struct quota_config *quota);
/* Bytes that it may have in that tier, by its quota and by what the tier has. */
uint64_t account_may_hold(const struct account *a, unsigned int tier);

/*
 * 0 or ACCOUNT_E_FULL (nothing charged). A charge that already holds something of this kind grows.
 */
int charge_take(struct charge *c, struct account *a, enum account_what what, uint64_t amount);
/* Whatever the limit is: what an earlier daemon granted, or what is there already. */
void charge_force(struct charge *c, struct account *a, enum account_what what, uint64_t amount);
void charge_shrink(struct charge *c, uint64_t amount);	/* gives a part back; asserts that it is held */
void charge_give(struct charge *c);	/* harmless on an empty charge */
void charge_move(struct charge *to, struct charge *from);	/* into an empty one */

#endif
