// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A new configuration for a running world: whole or nothing. What can fail comes first (the look at
 * the tiers, memory for new ones, whether what was promised still fits), and is undone when it
 * does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/core/world.h"

static const char *tier_changed(const struct tier_config *old, const struct tier_config *new)
{
	if (strcmp(old->name, new->name))
		return "is missing or stands at another place";
	if (config_tier_moved(old, new))
		return config_tier_moved(old, new);
	if (old->nodes != new->nodes)
		return "has other nodes";
	if (old->kind != TIER_NUMA && new->capacity > old->capacity)
		return "has grown, and a device keeps the size it was opened with";
	return NULL;
}

static int check_tiers(const struct world *w, const struct config *c, char *ret_text,
		       uint32_t text_size)
{
	const char *why;
	unsigned int i;

	for (i = 0; i < w->n_tiers; i++) {
		why = i < c->n_tiers ? tier_changed(&w->tiers[i].config, &c->tiers[i])
				     : "is missing";
		if (!why)
			continue;
		snprintf(ret_text, text_size,
			 "tier %s %s: drain it and restart hmmd, or put it back as it was",
			 w->tiers[i].config.name, why);
		return -EINVAL;
	}
	return 0;
}

static int accounts_add_pools(struct world *w)
{
	int rc = 0;

	LIST_EACH(node, &w->accounts) {
		struct account *a = container_of(node, struct account, in_world);

		while (a->n_pools < w->n_tiers && !rc)
			rc = account_add_pool(a, &w->tiers[a->n_pools].pool);
	}
	return rc;
}

static void tiers_remove(struct world *w, unsigned int keep)
{
	LIST_EACH(node, &w->accounts) {
		struct account *a = container_of(node, struct account, in_world);

		while (a->n_pools > keep)
			pool_done(&a->pools[--a->n_pools]);
	}
	while (w->n_tiers > keep)
		tier_done(&w->tiers[--w->n_tiers]);
}

static int tiers_add(struct world *w, const struct config *c)
{
	unsigned int keep = w->n_tiers;
	int rc = 0;

	while (w->n_tiers < c->n_tiers && !rc) {
		rc = tier_init(&w->tiers[w->n_tiers], w->n_tiers, &c->tiers[w->n_tiers]);
		if (!rc)
			w->n_tiers++;
	}
	if (!rc)
		rc = accounts_add_pools(w);
	if (rc < 0)
		tiers_remove(w, keep);
	return rc;
}

/* Marks and limits of the tiers that the configuration names; the quota of every uid. */
static void limits_apply(struct world *w, const struct config *c)
{
	unsigned int i;

	for (i = 0; i < w->n_tiers && i < c->n_tiers; i++) {
		w->tiers[i].config.high = c->tiers[i].high;
		w->tiers[i].config.low = c->tiers[i].low;
		if (c->tiers[i].capacity)
			tier_set_limit(&w->tiers[i], c->tiers[i].capacity);
	}
	LIST_EACH(node, &w->accounts) {
		struct account *a = container_of(node, struct account, in_world);

		account_set_quota(a, config_quota(c, a->uid));
	}
}

static const struct policy_config *policy_in(const struct config *c, const char *name)
{
	uint32_t i;

	for (i = 0; i < c->n_policies; i++)
		if (!strcmp(c->policies[i].name, name))
			return &c->policies[i];
	return NULL;
}

static void ranges_move(struct list_node *from, struct list_node *to, struct policy *p)
{
	LIST_EACH_SAFE(node, next, from) {
		container_of(node, struct range, in_policy)->policy = p;
		list_remove(node);
		list_append(to, node);
	}
}

static void policy_inherit(struct policy *to, struct policy *from)
{
	ranges_move(&from->ranges, &to->ranges, to);
	ranges_move(&from->adopted, &to->adopted, to);
	to->n_ranges += from->n_ranges;
	from->n_ranges = 0;
}

/* Its ranges go to `default`, its place is taken by the last one. */
static void policy_remove(struct world *w, struct policy *p)
{
	struct policy *last = &w->policies[w->n_policies - 1];

	policy_inherit(world_policy(w, "default"), p);
	if (p != last) {
		policy_apply(p, &last->config, w);
		policy_inherit(p, last);
	}
	w->n_policies--;
}

static void policies_apply(struct world *w, const struct config *c)
{
	struct policy *p;
	unsigned int i;

	for (i = 0; i < w->n_policies;)
		if (policy_in(c, w->policies[i].config.name))
			i++;
		else
			policy_remove(w, &w->policies[i]);
	for (i = 0; i < c->n_policies; i++) {
		p = world_policy(w, c->policies[i].name);
		if (p)
			policy_apply(p, &c->policies[i], w);
		else
			world_policy_add(w, &c->policies[i]);
	}
}

int world_reload(struct world *w, const struct config *c, char *ret_text, uint32_t text_size)
{
	unsigned int keep = w->n_tiers;
	int rc = config_check(c, ret_text, text_size);

	if (!rc)
		rc = check_tiers(w, c, ret_text, text_size);
	if (rc < 0)
		return rc;
	rc = tiers_add(w, c);
	if (rc < 0) {
		snprintf(ret_text, text_size, "no memory for new tiers");
		return rc;
	}
	limits_apply(w, c);
	if (!commit_fits(w)) {
		limits_apply(w, &w->config);
		tiers_remove(w, keep);
		snprintf(ret_text, text_size,
			 "the capacities and quotas are less than what running programs were "
			 "promised");
		return -EINVAL;
	}
	w->config = *c;
	policies_apply(w, c);
	return 0;
}
