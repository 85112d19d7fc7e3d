// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Headers of sections: each finds what it names or makes it new, so that a drop-in can change
 * single values of what the main file set up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/config_key.h"
#include "daemon/io/config_value.h"

/* Names go into tables, paths and file names: letters, digits and a few marks. */
static bool name_valid(const char *name, size_t max)
{
	static const char set[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t n = strlen(name);

	return n > 0 && n <= max && strspn(name, set) == n && name[0] != '.' && name[0] != '-';
}

/* The section that begins is this one. */
static int begin(struct config_parser *p, enum config_part part, uint32_t index, void *target)
{
	p->place = (struct config_place){ part, index, NULL };
	p->target = target;
	return 0;
}

int config_begin_daemon(struct config_parser *p, const char *arg)
{
	if (arg[0])
		return config_fail(p, "[daemon] takes no name, here it is \"%s\"", arg);
	return begin(p, CONFIG_DAEMON, 0, p->config);
}

int config_begin_tier(struct config_parser *p, const char *arg)
{
	struct config *c = p->config;
	struct tier_config *t;

	if (!name_valid(arg, HMM_LIMIT_TIER_NAME))
		return config_fail(p,
				   "[tier %s]: a tier's name is 1 to 31 letters, digits, _ . or -",
				   arg);
	for (uint32_t i = 0; i < c->n_tiers; i++)
		if (strcmp(c->tiers[i].name, arg) == 0)
			return begin(p, CONFIG_TIER, i, &c->tiers[i]);
	if (c->n_tiers == HMM_LIMIT_TIERS)
		return config_fail(p, "[tier %s] is one tier too many; at most %d", arg,
				   HMM_LIMIT_TIERS);
	t = &c->tiers[c->n_tiers++];
	config_tier_defaults(t);
	strcpy(t->name, arg);
	return begin(p, CONFIG_TIER, c->n_tiers - 1, t);
}

/* A new policy begins with the values of "default" as they are built in. */
static void new_policy(struct policy_config *ret, const char *name)
{
	struct config *c = malloc(sizeof(*c));

	*ret = (struct policy_config){ .engine = ENGINE_TIERED };
	if (c) {
		config_defaults(c);
		*ret = c->policies[0];
	}
	free(c);
	strcpy(ret->name, name);
}

int config_begin_policy(struct config_parser *p, const char *arg)
{
	struct config *c = p->config;

	if (!name_valid(arg, HMM_LIMIT_NAME))
		return config_fail(
			p, "[policy %s]: a policy's name is 1 to 63 letters, digits, _ . or -",
			arg);
	for (uint32_t i = 0; i < c->n_policies; i++)
		if (strcmp(c->policies[i].name, arg) == 0)
			return begin(p, CONFIG_POLICY, i, &c->policies[i]);
	if (c->n_policies == CONFIG_POLICIES)
		return config_fail(p, "[policy %s] is one policy too many; at most %d", arg,
				   CONFIG_POLICIES);
	new_policy(&c->policies[c->n_policies++], arg);
	return begin(p, CONFIG_POLICY, c->n_policies - 1, &c->policies[c->n_policies - 1]);
}

/* As by default, but for ranges: those of a user with a section of its own have no limit unless it says one. */
static void quota_begin(struct quota_config *q, uint32_t uid)
{
	config_quota_defaults(q);
	q->uid = uid;
	q->ranges = UINT32_MAX;
}

static int quota_of_uid(struct config_parser *p, uint32_t uid)
{
	struct config *c = p->config;
	uint32_t i = 0;

	while (i < c->n_quotas && c->quotas[i].uid != uid)
		i++;
	if (i == CONFIG_QUOTAS)
		return config_fail(p, "[quota uid=%u] is one quota too many; at most %d", uid,
				   CONFIG_QUOTAS);
	if (i == c->n_quotas)
		quota_begin(&c->quotas[c->n_quotas++], uid);
	return begin(p, CONFIG_QUOTA, i, &c->quotas[i]);
}

int config_begin_quota(struct config_parser *p, const char *arg)
{
	uint32_t uid;

	if (strcmp(arg, "default") == 0)
		return begin(p, CONFIG_QUOTA, CONFIG_QUOTAS, &p->config->default_quota);
	if (strncmp(arg, "uid=", 4) == 0 && !value_number(arg + 4, 0, UINT32_MAX - 1, &uid))
		return quota_of_uid(p, uid);
	return config_fail(p, "[quota %s]: a quota is for uid=NUMBER or for default", arg);
}

static int match_rule(struct match_config *m, const char *word)
{
	if (strncmp(word, "unit=", 5) == 0 && word[5] && !m->unit[0]) {
		strcpy(m->unit, word + 5);
		return 0;
	}
	if (strncmp(word, "program=", 8) == 0 && word[8] && !m->program[0]) {
		strcpy(m->program, word + 8);
		return 0;
	}
	if (strncmp(word, "uid=", 4) == 0 && m->uid == UINT32_MAX)
		return value_number(word + 4, 0, UINT32_MAX - 1, &m->uid);
	return -EINVAL;
}

/* The words are bounded so that each rule fits its field. */
static int match_rules(struct match_config *m, const char *arg)
{
	char word[HMM_LIMIT_NAME + 1];
	bool too_long = false;
	unsigned int n = 0;

	for (; value_word(&arg, word, sizeof(word), &too_long); n++)
		if (match_rule(m, word))
			return -EINVAL;
	return too_long || n == 0 ? -EINVAL : 0;
}

int config_begin_match(struct config_parser *p, const char *arg)
{
	struct match_config m = { .uid = UINT32_MAX };
	struct config *c = p->config;
	uint32_t i = 0;

	if (match_rules(&m, arg))
		return config_fail(p,
				   "[match %s]: a match is unit=NAME, program=NAME, uid=NUMBER or "
				   "several of them",
				   arg);
	while (i < c->n_matches &&
	       (strcmp(c->matches[i].unit, m.unit) || strcmp(c->matches[i].program, m.program) ||
		c->matches[i].uid != m.uid))
		i++;
	if (i == CONFIG_MATCHES)
		return config_fail(p, "[match %s] is one match too many; at most %d", arg,
				   CONFIG_MATCHES);
	if (i == c->n_matches)
		c->matches[c->n_matches++] = m;
	return begin(p, CONFIG_MATCH, i, &c->matches[i]);
}

int config_add_tier_quota(struct config_parser *p, const char *tier, uint64_t bytes)
{
	struct config_tier_quota *q;

	if (!name_valid(tier, HMM_LIMIT_TIER_NAME))
		return config_fail(p, "tier.%s: a tier's name is 1 to 31 letters, digits, _ . or -",
				   tier);
	for (size_t i = 0; i < p->n_quotas; i++)
		if (p->quotas[i].quota == p->place.index && p->quotas[i].file == p->file &&
		    strcmp(p->quotas[i].tier, tier) == 0)
			return config_fail(p, "tier.%s stands in this section twice, first in line %u", tier,
					   p->quotas[i].line);
	q = realloc(p->quotas, (p->n_quotas + 1) * sizeof(*q));
	if (!q)
		return config_fail(p, "there is no memory for another limit");
	p->quotas = q;
	q += p->n_quotas++;
	*q = (struct config_tier_quota){ .quota = p->place.index, .line = p->line, .file = p->file,
					  .bytes = bytes };
	strcpy(q->tier, tier);
	return 0;
}

static int find_tier(const struct config *c, const char *name)
{
	uint32_t i = 0;

	while (i < c->n_tiers && strcmp(c->tiers[i].name, name) != 0)
		i++;
	return i < c->n_tiers ? (int)i : -1;
}

/* A key that its kind of tier does not have was meant for another tier, or for another kind. */
static void check_tier_keys(struct config_parser *p, uint32_t i)
{
	static const struct {
		const char *key, *kinds;
		unsigned int of;
	} keys[] = {
		{ "nodes", "numa", 1u << TIER_NUMA }, { "path", "file", 1u << TIER_FILE },
		{ "device", "kernel or cuda", 1u << TIER_KERNEL | 1u << TIER_CUDA },
		{ "index", "kernel", 1u << TIER_KERNEL },
	};
	const struct tier_config *t = &p->config->tiers[i];

	for (size_t k = 0; t->kind && k < sizeof(keys) / sizeof(keys[0]); k++) {
		const struct config_place place = { CONFIG_TIER, i, keys[k].key };

		if (!(keys[k].of & 1u << t->kind) && config_stood_find(p, &place))
			config_fail_at(p, &place, "tier %s: %s is only for kind = %s", t->name, keys[k].key, keys[k].kinds);
	}
}

int config_parse_end(struct config_parser *p)
{
	struct config *c = p->config;
	unsigned int errors = p->report->errors.n;

	for (size_t n = 0; n < p->n_quotas; n++) {
		const struct config_tier_quota *q = &p->quotas[n];
		struct quota_config *quota =
			q->quota == CONFIG_QUOTAS ? &c->default_quota : &c->quotas[q->quota];
		int tier = find_tier(c, q->tier);

		if (tier >= 0)
			quota->bytes[tier] = q->bytes;
		else if (!p->sections_lost)
			config_lines_addf(&p->report->errors, q->file, q->line, "tier.%s: no tier has this name", q->tier);
	}
	for (uint32_t i = 0; i < c->n_tiers; i++)
		check_tier_keys(p, i);
	return p->report->errors.n > errors ? -EINVAL : 0;
}
