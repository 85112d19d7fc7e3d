// SPDX-License-Identifier: GPL-2.0-or-later
/* Defaults of a configuration, and what single values cannot show (config.h). */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/core/config.h"
#include "proto/ledger.h"

enum {
	THREADS_MAX = 16, /* of a kind; more only queue for the same locks of the kernel */
	WEIGHT_MAX = 10000,
	RANGES_DEFAULT = 1 << 20, /* of one uid: about half a GiB of the daemon's memory */
	CONNECTIONS_DEFAULT = 1024,
	OPERATIONS_DEFAULT = 4096, /* of one uid, each half a KiB and looked at every tick */
	HIGH_DEFAULT = 95,
	LOW_DEFAULT = 90
};
#define TICK_DEFAULT_US 100000ULL
#define TRACK_DEFAULT_US 1000000ULL
#define TICK_MIN_US 1000ULL /* decisions more often than that cost more than they bring */
#define QUEUED_DEFAULT (16ULL << 20) /* bytes of one uid */
#define BURST_DEFAULT (64ULL << 20)	/* bytes */
#define MIN_RESIDENCY_DEFAULT_US 1000000ULL

struct text {
	char *at;
	uint32_t size;
};

__attribute__((format(printf, 2, 3))) static int wrong(struct text t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(t.at, t.size, format, args);
	va_end(args);
	return -EINVAL;
}

void config_quota_defaults(struct quota_config *q)
{
	memset(q, 0xff, sizeof(*q));	/* no limit */
	q->ranges = RANGES_DEFAULT;
	q->connections = CONNECTIONS_DEFAULT;
	q->operations = OPERATIONS_DEFAULT;
	q->queued = QUEUED_DEFAULT;
	q->ledger = CONFIG_AUTO;
	q->stored = CONFIG_AUTO32;
	q->weight = 100;
}

void config_defaults(struct config *c)
{
	memset(c, 0, sizeof(*c));
	strcpy(c->socket, "/run/hmmd/hmmd.sock");
	strcpy(c->state_dir, "/run/hmmd");
	strcpy(c->control_group, "hmm");
	c->backing = BACKING_CHOICE_AUTO;
	c->fault_threads = 1;
	c->workers = 2;	/* one kernel copy into a huge page runs at 0.7 of memcpy; two fill the memory bus */
	c->tick_us = TICK_DEFAULT_US;
	c->track_us = TRACK_DEFAULT_US;
	config_quota_defaults(&c->default_quota);
	c->n_policies = 1;
	strcpy(c->policies[0].name, "default");
	c->policies[0].engine = ENGINE_TIERED;
	c->policies[0].burst = BURST_DEFAULT;
	c->policies[0].min_residency_us = MIN_RESIDENCY_DEFAULT_US;
	c->policies[0].track = true;
}

void config_tier_defaults(struct tier_config *t)
{
	memset(t, 0, sizeof(*t));
	t->high = HIGH_DEFAULT;
	t->low = LOW_DEFAULT;
}

const struct quota_config *config_quota(const struct config *c, uint32_t uid)
{
	uint32_t i;

	for (i = 0; i < c->n_quotas; i++)
		if (c->quotas[i].uid == uid)
			return &c->quotas[i];
	return &c->default_quota;
}

/* Names stand in listings as NAME=BYTES and on command lines. */
static bool name_ok(const char *name)
{
	const char *at;

	for (at = name; *at; at++)
		if (*at <= ' ' || *at > '~' || *at == '=' || *at == ',' || *at == ':')
			return false;
	return at != name;
}

static int find_tier(const struct config *c, const char *name)
{
	uint32_t i;

	for (i = 0; i < c->n_tiers; i++)
		if (!strcmp(c->tiers[i].name, name))
			return (int)i;
	return -1;
}

static int check_marks(const struct tier_config *t, struct text text)
{
	if (t->high > 100 || !t->low || t->low > t->high)
		return wrong(
			text,
			"tier %s: high = %u%%, low = %u%%; needed: 1%% <= low <= high <= 100%%",
			t->name, t->high, t->low);
	if (t->capacity % LEDGER_PAGE_SIZE)
		return wrong(text, "tier %s: a capacity is a multiple of the huge page size, 2M",
			     t->name);
	return 0;
}

static int check_kind(const struct tier_config *t, struct text text)
{
	switch (t->kind) {
	case TIER_NUMA:
		return t->nodes ? 0
				: wrong(text, "tier %s: kind = numa needs nodes = 0 or more",
					t->name);
	case TIER_FILE:
		if (!t->path[0] || !t->capacity)
			return wrong(text,
				     "tier %s: kind = file needs path = and capacity =", t->name);
		return 0;
	case TIER_KERNEL:
		return t->path[0] ? 0
				  : wrong(text, "tier %s: kind = kernel needs device = /dev/hmm",
					  t->name);
	case TIER_CUDA:
		return t->capacity ? 0
				   : wrong(text, "tier %s: kind = cuda needs capacity =", t->name);
	case TIER_MEMORY:
		return 0;
	}
	return wrong(text, "tier %s: kind is missing; numa, memory, file, kernel or cuda", t->name);
}

static int check_tier_pair(const struct tier_config *a, const struct tier_config *b,
			   struct text text)
{
	if (!strcmp(a->name, b->name))
		return wrong(text, "tier %s stands there twice; every tier needs its own name",
			     a->name);
	if (a->kind == TIER_NUMA && b->kind == TIER_NUMA && (a->nodes & b->nodes))
		return wrong(text, "tiers %s and %s share a node; a node belongs to one tier",
			     a->name, b->name);
	return 0;
}

static int check_tiers(const struct config *c, struct text text)
{
	bool resident = false;
	uint32_t i, j;
	int rc = 0;

	if (c->n_tiers > HMM_LIMIT_TIERS)
		return wrong(text, "%u tiers; at most %u", c->n_tiers, HMM_LIMIT_TIERS);
	for (i = 0; i < c->n_tiers && !rc; i++) {
		if (!name_ok(c->tiers[i].name))
			return wrong(
				text,
				"tier %u: a name has printable characters but not space = , :", i);
		resident |= c->tiers[i].kind == TIER_NUMA;
		rc = check_kind(&c->tiers[i], text);
		if (!rc)
			rc = check_marks(&c->tiers[i], text);
		for (j = 0; j < i && !rc; j++)
			rc = check_tier_pair(&c->tiers[j], &c->tiers[i], text);
	}
	if (!rc && !resident)
		return wrong(text,
			     "no tier has kind = numa; programs need at least one to work in");
	return rc;
}

static int check_order(const struct config *c, const struct policy_config *p, struct text text)
{
	bool resident = false;
	uint32_t i, j;
	int tier;

	if (p->n_tiers > HMM_LIMIT_TIERS)
		return wrong(text, "policy %s: %u tiers; at most %u", p->name, p->n_tiers,
			     HMM_LIMIT_TIERS);
	for (i = 0; i < p->n_tiers; i++) {
		tier = find_tier(c, p->tiers[i]);
		if (tier < 0)
			return wrong(text, "policy %s: there is no tier %s", p->name, p->tiers[i]);
		for (j = 0; j < i; j++)
			if (!strcmp(p->tiers[i], p->tiers[j]))
				return wrong(text, "policy %s: names tier %s twice", p->name,
					     p->tiers[i]);
		resident |= c->tiers[tier].kind == TIER_NUMA;
	}
	if (p->n_tiers && !resident)
		return wrong(text,
			     "policy %s: its tiers need one of kind = numa to bring pages into",
			     p->name);
	return 0;
}

int config_check_policy(const struct config *c, const struct policy_config *p, char *ret_text,
			uint32_t text_size)
{
	struct text text = { ret_text, text_size };

	if (!name_ok(p->name))
		return wrong(text, "a policy's name has printable characters but not space = , :");
	if (p->engine != ENGINE_TIERED && p->engine != ENGINE_STATIC)
		return wrong(text, "policy %s: engine is tiered or static", p->name);
	if (p->rate && p->burst < LEDGER_PAGE_SIZE)
		return wrong(text,
			     "policy %s: burst = %llu is less than one huge page, nothing could "
			     "ever move; "
			     "at least 2M",
			     p->name, (unsigned long long)p->burst);
	return check_order(c, p, text);
}

static int check_policies(const struct config *c, struct text text)
{
	bool has_default = false;
	uint32_t i, j;
	int rc = 0;

	if (c->n_policies > CONFIG_POLICIES)
		return wrong(text, "%u policies; at most %u", c->n_policies, CONFIG_POLICIES);
	for (i = 0; i < c->n_policies && !rc; i++) {
		rc = config_check_policy(c, &c->policies[i], text.at, text.size);
		has_default |= !strcmp(c->policies[i].name, "default");
		for (j = 0; j < i && !rc; j++)
			if (!strcmp(c->policies[i].name, c->policies[j].name))
				rc = wrong(text, "policy %s stands there twice",
					   c->policies[i].name);
	}
	if (!rc && !has_default)
		return wrong(text,
			     "no policy is named default; ranges that nothing matches need it");
	return rc;
}

static int check_quotas(const struct config *c, struct text text)
{
	const struct quota_config *q;
	uint32_t i, j;

	if (c->n_quotas > CONFIG_QUOTAS)
		return wrong(text, "%u quotas; at most %u", c->n_quotas, CONFIG_QUOTAS);
	for (i = 0; i <= c->n_quotas; i++) {
		q = i < c->n_quotas ? &c->quotas[i] : &c->default_quota;
		if (!q->weight || q->weight > WEIGHT_MAX)
			return wrong(text, "quota: weight = %u; needed: 1 to %u", q->weight,
				     WEIGHT_MAX);
		for (j = 0; j < i && i < c->n_quotas; j++)
			if (c->quotas[j].uid == q->uid)
				return wrong(text, "quota uid=%u stands there twice", q->uid);
	}
	return 0;
}

static int check_matches(const struct config *c, struct text text)
{
	uint32_t i, j;

	if (c->n_matches > CONFIG_MATCHES)
		return wrong(text, "%u matches; at most %u", c->n_matches, CONFIG_MATCHES);
	for (i = 0; i < c->n_matches; i++) {
		for (j = 0; j < c->n_policies && strcmp(c->policies[j].name, c->matches[i].policy);
		     j++)
			;
		if (j == c->n_policies)
			return wrong(text, "match %u: there is no policy %s", i + 1,
				     c->matches[i].policy);
	}
	return 0;
}

static int check_daemon(const struct config *c, struct text text)
{
	if (!c->fault_threads || c->fault_threads > THREADS_MAX)
		return wrong(text, "fault-threads = %u; needed: 1 to %u", c->fault_threads,
			     THREADS_MAX);
	if (!c->workers || c->workers > THREADS_MAX)
		return wrong(text, "workers = %u; needed: 1 to %u", c->workers, THREADS_MAX);
	if (c->tick_us < TICK_MIN_US || c->track_us < TICK_MIN_US)
		return wrong(text, "tick and track need at least 1ms");
	return 0;
}

int config_check(const struct config *c, char *ret_text, uint32_t text_size)
{
	struct text text = { ret_text, text_size };
	int rc = check_daemon(c, text);

	if (!rc)
		rc = check_tiers(c, text);
	if (!rc)
		rc = check_policies(c, text);
	if (!rc)
		rc = check_quotas(c, text);
	if (!rc)
		rc = check_matches(c, text);
	return rc;
}
