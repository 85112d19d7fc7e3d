// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tier is known by its place: page words, pools and quotas say so. While pages of living programs are on
 * record, a configuration is turned round so that their tiers have the places they had, and new ones follow.
 * The order of preference stays that of the sections: policies that took it from there are told it by name.
 */
#include <string.h>

#include "daemon/core/config.h"

static uint32_t find(const struct config *c, const char *name)
{
	uint32_t i;

	for (i = 0; i < c->n_tiers && strcmp(c->tiers[i].name, name); i++)
		;
	return i;
}

static void name_preferences(struct config *c)
{
	uint32_t i, j;

	for (i = 0; i < c->n_policies; i++) {
		struct policy_config *p = &c->policies[i];

		if (p->n_tiers)
			continue;
		p->n_tiers = c->n_tiers;
		for (j = 0; j < c->n_tiers; j++)
			memcpy(p->tiers[j], c->tiers[j].name, sizeof(p->tiers[j]));
	}
}

static void turn_quota(struct quota_config *q, const uint32_t *from, uint32_t n)
{
	uint64_t old[HMM_LIMIT_TIERS];
	uint32_t i;

	memcpy(old, q->bytes, sizeof(old));
	for (i = 0; i < n; i++)
		q->bytes[i] = old[from[i]];
}

static void turn(struct config *c, const uint32_t *from)
{
	struct tier_config old[HMM_LIMIT_TIERS];
	uint32_t i;

	memcpy(old, c->tiers, sizeof(old));
	for (i = 0; i < c->n_tiers; i++)
		c->tiers[i] = old[from[i]];
	turn_quota(&c->default_quota, from, c->n_tiers);
	for (i = 0; i < c->n_quotas; i++)
		turn_quota(&c->quotas[i], from, c->n_tiers);
}

int config_keep_places(struct config *c, const struct tier_config *kept, uint32_t n, uint32_t *ret_missing)
{
	uint32_t from[HMM_LIMIT_TIERS], i, places = n, taken = 0;
	bool same = true;

	for (i = 0; i < n; i++) {
		from[i] = find(c, kept[i].name);
		if (from[i] == c->n_tiers) {
			*ret_missing = i;
			return CONFIG_E_MISSING;
		}
		taken |= 1U << from[i];
	}
	for (i = 0; i < c->n_tiers; i++)
		if (!(taken & 1U << i))
			from[places++] = i;
	for (i = 0; i < places; i++)
		same = same && from[i] == i;
	if (same)
		return 0;
	name_preferences(c);
	turn(c, from);
	return 0;
}

const char *config_tier_moved(const struct tier_config *old, const struct tier_config *new)
{
	if (old->kind != new->kind)
		return "has another kind";
	if (strcmp(old->path, new->path) || old->index != new->index)
		return "has another path or device";
	return NULL;
}
