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

int config_begin_daemon(struct config_parser *p, const char *arg)
{
	if (arg[0])
		return config_fail(p, "[daemon] takes no name, here it is \"%s\"", arg);
	p->target = p->config;
	return 0;
}

static int tier_again(struct config_parser *p, uint32_t i)
{
	if (p->tiers_here & (1u << i))
		return config_fail(
			p, "[tier %s] stands in this file twice; put its keys into one section",
			p->config->tiers[i].name);
	p->tiers_here |= 1u << i;
	p->target = &p->config->tiers[i];
	return 0;
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
			return tier_again(p, i);
	if (c->n_tiers == HMM_LIMIT_TIERS)
		return config_fail(p, "[tier %s] is one tier too many; at most %d", arg,
				   HMM_LIMIT_TIERS);
	t = &c->tiers[c->n_tiers++];
	config_tier_defaults(t);
	strcpy(t->name, arg);
	return tier_again(p, c->n_tiers - 1);
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
		if (strcmp(c->policies[i].name, arg) == 0) {
			p->target = &c->policies[i];
			return 0;
		}
	if (c->n_policies == CONFIG_POLICIES)
		return config_fail(p, "[policy %s] is one policy too many; at most %d", arg,
				   CONFIG_POLICIES);
	p->target = &c->policies[c->n_policies];
	new_policy(&c->policies[c->n_policies++], arg);
	return 0;
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
	p->quota = i;
	p->target = &c->quotas[i];
	return 0;
}

int config_begin_quota(struct config_parser *p, const char *arg)
{
	uint32_t uid;

	if (strcmp(arg, "default") == 0) {
		p->quota = CONFIG_QUOTAS;
		p->target = &p->config->default_quota;
		return 0;
	}
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
	p->target = &c->matches[i];
	return 0;
}

int config_add_tier_quota(struct config_parser *p, const char *tier, uint64_t bytes)
{
	struct config_tier_quota *q;

	if (!name_valid(tier, HMM_LIMIT_TIER_NAME))
		return config_fail(p, "tier.%s: a tier's name is 1 to 31 letters, digits, _ . or -",
				   tier);
	q = realloc(p->quotas, (p->n_quotas + 1) * sizeof(*q));
	if (!q)
		return config_fail(p, "there is no memory for another limit");
	p->quotas = q;
	q += p->n_quotas++;
	*q = (struct config_tier_quota){ .quota = p->quota, .line = p->line, .bytes = bytes };
	strcpy(q->tier, tier);
	strncpy(q->file, p->file, sizeof(q->file) - 1);
	return 0;
}

int config_parse_end(struct config_parser *p)
{
	struct config *c = p->config;

	for (size_t n = 0; n < p->n_quotas; n++) {
		const struct config_tier_quota *q = &p->quotas[n];
		struct quota_config *quota =
			q->quota == CONFIG_QUOTAS ? &c->default_quota : &c->quotas[q->quota];
		uint32_t i = 0;

		while (i < c->n_tiers && strcmp(c->tiers[i].name, q->tier) != 0)
			i++;
		if (i == c->n_tiers) {
			p->file = q->file;
			p->line = q->line;
			return config_fail(p, "tier.%s: no tier has this name", q->tier);
		}
		quota->bytes[i] = q->bytes;
	}
	return 0;
}
