// SPDX-License-Identifier: GPL-2.0-or-later
/* The world (world.h): made from a checked configuration, torn down in the mirror order. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/world.h"

static int tiers_init(struct world *w, const struct config *c)
{
	int rc = 0;

	while (w->n_tiers < c->n_tiers && !rc) {
		rc = tier_init(&w->tiers[w->n_tiers], w->n_tiers, &c->tiers[w->n_tiers]);
		if (!rc)
			w->n_tiers++;
	}
	return rc;
}

static int tables_init(struct world *w)
{
	int rc = idmap_new(&w->ranges);

	if (!rc)
		rc = idmap_new(&w->ops);
	if (!rc)
		rc = events_new(&w->events);
	return rc;
}

struct policy *world_policy_add(struct world *w, const struct policy_config *c)
{
	struct policy *p = &w->policies[w->n_policies++];

	list_init(&p->ranges);
	list_init(&p->adopted);
	p->n_ranges = 0;
	policy_apply(p, c, w);
	return p;
}

int world_new(struct world **ret, const struct config *c, uint64_t first_id)
{
	struct world *w = calloc(1, sizeof(*w));
	uint32_t i;
	int rc;

	if (!w)
		return -ENOMEM;
	w->config = *c;
	w->next_id = first_id;
	list_init(&w->spaces);
	list_init(&w->accounts);
	rc = tables_init(w);
	if (!rc)
		rc = tiers_init(w, c);
	if (rc < 0)
		return world_free(w), rc;
	for (i = 0; i < c->n_policies; i++)
		world_policy_add(w, &c->policies[i]);
	*ret = w;
	return 0;
}

static void forget_victims(struct world *w)
{
	unsigned int i;

	for (i = 0; i < w->n_tiers; i++)
		pool_forget_victims(&w->tiers[i].pool);
	LIST_EACH(node, &w->accounts) {
		struct account *a = container_of(node, struct account, in_world);

		for (i = 0; i < a->n_pools; i++)
			pool_forget_victims(&a->pools[i]);
	}
}

static void ops_free(struct world *w)
{
	size_t cursor = 0;
	struct op *op;

	while (w->ops && (op = idmap_each(w->ops, &cursor, NULL))) {
		op_free(op, w);
		cursor = 0;
	}
}

struct world *world_free(struct world *w)
{
	unsigned int i;

	if (!w)
		return NULL;
	assert(list_empty(&w->spaces));
	ops_free(w);
	forget_victims(w);
	LIST_EACH_SAFE(node, next, &w->accounts)
		account_free(container_of(node, struct account, in_world));
	for (i = 0; i < w->n_tiers; i++)
		tier_done(&w->tiers[i]);
	events_free(w->events);
	idmap_free(w->ops);
	idmap_free(w->ranges);
	free(w->commits);
	free(w);
	return NULL;
}

static struct account *account_find(const struct world *w, uint32_t uid)
{
	LIST_EACH(node, &w->accounts) {
		struct account *a = container_of(node, struct account, in_world);

		if (a->uid == uid)
			return a;
	}
	return NULL;
}

struct account *world_account(struct world *w, uint32_t uid)
{
	struct account *a = account_find(w, uid);
	struct pool *pools[HMM_LIMIT_TIERS];
	unsigned int i;

	if (a)
		return a;
	for (i = 0; i < w->n_tiers; i++)
		pools[i] = &w->tiers[i].pool;
	if (account_new(&a, uid, config_quota(&w->config, uid), pools, w->n_tiers) < 0)
		return NULL;
	list_append(&w->accounts, &a->in_world);
	return a;
}

struct tier *world_tier(struct world *w, const char *name)
{
	unsigned int i;

	for (i = 0; i < w->n_tiers; i++)
		if (!strcmp(w->tiers[i].config.name, name))
			return &w->tiers[i];
	return NULL;
}

struct policy *world_policy(struct world *w, const char *name)
{
	unsigned int i;

	for (i = 0; i < w->n_policies; i++)
		if (!strcmp(w->policies[i].config.name, name))
			return &w->policies[i];
	return NULL;
}

static bool matches(const struct match_config *m, const struct space *s)
{
	return (!m->unit[0] || !strcmp(m->unit, s->unit)) &&
	       (!m->program[0] || !strcmp(m->program, s->program)) &&
	       (m->uid == UINT32_MAX || m->uid == s->uid);
}

struct policy *world_match(struct world *w, const struct space *s)
{
	uint32_t i;

	for (i = 0; i < w->config.n_matches; i++)
		if (matches(&w->config.matches[i], s))
			return world_policy(w, w->config.matches[i].policy);
	return world_policy(w, "default");
}

/* Victims of one range leave a queue; the others keep their order. */
static void victims_drop(struct pool *p, const struct range *r)
{
	size_t n = ring_count(p->victims);
	struct victim v;

	for (; n && ring_pop(p->victims, &v); n--)
		if (v.range == r || !ring_push(p->victims, &v))
			range_drop(v.range);
}

void world_let_go(struct world *w, struct range *r)
{
	struct account *a = r->space->account;
	size_t cursor = 0;
	struct op *op;
	unsigned int i;

	for (i = 0; i < w->n_tiers; i++) {
		victims_drop(&w->tiers[i].pool, r);
		victims_drop(&a->pools[i], r);
	}
	while ((op = idmap_each(w->ops, &cursor, NULL)))
		op_leave(op, r);
}
