// SPDX-License-Identifier: GPL-2.0-or-later
/* What one uid holds (account.h). */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/core/account.h"

int account_new(struct account **ret, uint32_t uid, const struct quota_config *quota,
		struct pool *const *tier_pools, unsigned int n_tiers)
{
	struct account *a = calloc(1, sizeof(*a));
	unsigned int i;
	int rc;

	if (!a)
		return -ENOMEM;
	a->uid = uid;
	list_init(&a->in_world);
	list_init(&a->ops);
	for (i = 0; i < n_tiers; i++) {
		rc = account_add_pool(a, tier_pools[i]);
		if (rc < 0)
			return account_free(a), rc;
	}
	account_set_quota(a, quota);
	*ret = a;
	return 0;
}

struct account *account_free(struct account *a)
{
	unsigned int i;

	if (!a)
		return NULL;
	for (i = 0; i < ACCOUNT_KINDS; i++)
		assert(a->used[i] == 0);
	excess_drop(a);
	for (i = 0; i < a->n_pools; i++)
		pool_done(&a->pools[i]);
	list_remove(&a->in_world);
	free(a);
	return NULL;
}

int account_add_pool(struct account *a, struct pool *tier_pool)
{
	int rc = pool_init(&a->pools[a->n_pools], tier_pool, UINT64_MAX);

	if (rc < 0)
		return rc;
	a->n_pools++;
	return 0;
}

void account_set_quota(struct account *a, const struct quota_config *quota)
{
	unsigned int i;

	a->weight = quota->weight;
	a->limit[ACCOUNT_MANAGED] = quota->managed;
	a->limit[ACCOUNT_ADOPTED] = quota->adopted;
	a->limit[ACCOUNT_RANGES] = quota->ranges;
	a->limit[ACCOUNT_PINNED] = quota->pinned;
	a->limit[ACCOUNT_CLIENTS] = quota->connections;
	a->limit[ACCOUNT_LEDGER] = quota->ledger;
	a->limit[ACCOUNT_OPS] = quota->operations;
	a->limit[ACCOUNT_QUEUED] = quota->queued;
	a->limit[ACCOUNT_STORED] = quota->stored;
	for (i = 0; i < a->n_pools; i++)
		atomic_store_explicit(&a->pools[i].limit, quota->bytes[i], memory_order_relaxed);
}

uint64_t account_may_hold(const struct account *a, unsigned int tier)
{
	const struct pool *p = &a->pools[tier];
	uint64_t quota = atomic_load_explicit(&p->limit, memory_order_relaxed),
		 has = atomic_load_explicit(&p->parent->limit, memory_order_relaxed);

	return quota < has ? quota : has;
}

int charge_take(struct charge *c, struct account *a, enum account_what what, uint64_t amount)
{
	if (a->used[what] > a->limit[what] || amount > a->limit[what] - a->used[what])
		return ACCOUNT_E_FULL;
	charge_force(c, a, what, amount);
	return 0;
}

void charge_force(struct charge *c, struct account *a, enum account_what what, uint64_t amount)
{
	assert(!c->account || (c->account == a && c->what == what));
	a->used[what] += amount;
	c->account = a;
	c->what = what;
	c->amount += amount;
}

void charge_shrink(struct charge *c, uint64_t amount)
{
	if (!amount)
		return;
	assert(c->account && c->amount >= amount && c->account->used[c->what] >= amount);
	c->account->used[c->what] -= amount;
	c->amount -= amount;
	if (!c->amount)
		c->account = NULL;
}

void charge_give(struct charge *c)
{
	charge_shrink(c, c->amount);
	c->account = NULL;
}

void charge_move(struct charge *to, struct charge *from)
{
	assert(!to->account);
	*to = *from;
	*from = (struct charge){ 0 };
}
