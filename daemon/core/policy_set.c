// SPDX-License-Identifier: GPL-2.0-or-later
/* One value of one policy at run time: written as in a configuration file, checked like one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/core/value.h"
#include "daemon/core/world.h"

static int set_engine(struct policy_config *c, const char *value)
{
	return engine_by_name(value, &c->engine);
}

static int set_tiers(struct policy_config *c, const char *value)
{
	size_t length;

	for (c->n_tiers = 0; *value; value += length + (value[length] == ',')) {
		length = strcspn(value, ",");
		if (!length || length > HMM_LIMIT_TIER_NAME || c->n_tiers == HMM_LIMIT_TIERS)
			return -EINVAL;
		memcpy(c->tiers[c->n_tiers], value, length);
		c->tiers[c->n_tiers++][length] = '\0';
	}
	return 0;
}

static int set_rate(struct policy_config *c, const char *value)
{
	uint64_t rate = 0;

	if (strcmp(value, "none") != 0 && (value_size(value, &rate) < 0 || !rate))
		return -EINVAL;
	c->rate = rate;
	return 0;
}

static int set_burst(struct policy_config *c, const char *value)
{
	return value_size(value, &c->burst);
}

static int set_min_residency(struct policy_config *c, const char *value)
{
	return value_time(value, &c->min_residency_us);
}

static int set_track(struct policy_config *c, const char *value)
{
	return value_bool(value, &c->track);
}

static const struct {
	const char *name;
	int (*set)(struct policy_config *c, const char *value);
	const char *right;		/* what a value looks like */
} keys[] = {
	{ "engine", set_engine, "tiered or static" },
	{ "tiers", set_tiers, "names of tiers with commas between, nothing for all" },
	{ "rate", set_rate, "bytes per second like 512M, none for no limit" },
	{ "burst", set_burst, "bytes like 64M, at least 2M" },
	{ "min-residency", set_min_residency, "a time like 10s" },
	{ "track", set_track, "yes or no" },
};
enum { N_KEYS = sizeof(keys) / sizeof(*keys) };

int policy_config_set(struct policy_config *c, const char *key, const char *value, char *ret_text,
		      uint32_t text_size)
{
	struct policy_config changed = *c;
	unsigned int i;

	for (i = 0; i < N_KEYS && strcmp(keys[i].name, key); i++)
		;
	if (i == N_KEYS) {
		snprintf(ret_text, text_size,
			 "no key %s; keys: engine, tiers, rate, burst, min-residency, track", key);
		return -EINVAL;
	}
	if (keys[i].set(&changed, value) < 0) {
		snprintf(ret_text, text_size, "%s = %s: needed: %s", key, value, keys[i].right);
		return -EINVAL;
	}
	*c = changed;
	return 0;
}

/*
 * The configuration in force names what was set, so that a listing and the next reload start from
 * it.
 */
static void remember(struct world *w, const struct policy_config *c)
{
	uint32_t i;

	for (i = 0; i < w->config.n_policies; i++)
		if (!strcmp(w->config.policies[i].name, c->name))
			w->config.policies[i] = *c;
}

int world_policy_set(struct world *w, const char *name, const char *key, const char *value,
		     char *ret_text, uint32_t text_size)
{
	struct policy *p = world_policy(w, name);
	struct policy_config changed;
	int rc;

	if (!p) {
		snprintf(ret_text, text_size, "no policy %s", name);
		return -ENOENT;
	}
	changed = p->config;
	rc = policy_config_set(&changed, key, value, ret_text, text_size);
	if (!rc)
		rc = config_check_policy(&w->config, &changed, ret_text, text_size);
	if (rc < 0)
		return rc;
	policy_apply(p, &changed, w);
	remember(w, &changed);
	return 0;
}
