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

/* Where what is wrong goes to. */
struct check {
	const struct config *config;
	config_wrong_fn *tell;
	void *userdata;
	struct config_place at;		/* what is being checked */
	unsigned int wrong;
};

static struct check *at(struct check *k, enum config_part part, uint32_t index)
{
	k->at.part = part;
	k->at.index = index;
	return k;
}

__attribute__((format(printf, 3, 4))) static void wrong(struct check *k, const char *key, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	k->at.key = key;
	k->wrong++;
	k->tell(k->userdata, &k->at, text);
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

static void check_marks(struct check *k, const struct tier_config *t)
{
	if (t->high > 100 || !t->low || t->low > t->high)
		wrong(k, "low", "tier %s: high = %u%%, low = %u%%; needed: 1%% <= low <= high <= 100%%", t->name, t->high,
		      t->low);
	if (t->capacity % LEDGER_PAGE_SIZE)
		wrong(k, "capacity", "tier %s: a capacity is a multiple of the huge page size, 2M", t->name);
}

static void check_kind(struct check *k, const struct tier_config *t)
{
	switch (t->kind) {
	case TIER_NUMA:
		if (!t->nodes)
			wrong(k, "nodes", "tier %s: kind = numa needs nodes = 0 or more", t->name);
		return;
	case TIER_FILE:
		if (!t->path[0])
			wrong(k, "path", "tier %s: kind = file needs path = and capacity =", t->name);
		else if (!t->capacity)
			wrong(k, "capacity", "tier %s: kind = file needs capacity =", t->name);
		return;
	case TIER_KERNEL:
		if (!t->path[0])
			wrong(k, "device", "tier %s: kind = kernel needs device = /dev/hmm", t->name);
		return;
	case TIER_CUDA:
		if (!t->capacity)
			wrong(k, "capacity", "tier %s: kind = cuda needs capacity =", t->name);
		return;
	case TIER_MEMORY:
		return;
	}
	wrong(k, "kind", "tier %s: kind is missing; numa, memory, file, kernel or cuda", t->name);
}

static void check_tier_pair(struct check *k, const struct tier_config *a, const struct tier_config *b)
{
	if (!strcmp(a->name, b->name))
		wrong(k, NULL, "tier %s stands there twice; every tier needs its own name", a->name);
	else if (a->kind == TIER_NUMA && b->kind == TIER_NUMA && (a->nodes & b->nodes))
		wrong(k, "nodes", "tiers %s and %s share a node; a node belongs to one tier", a->name, b->name);
	else if (a->kind == TIER_KERNEL && b->kind == TIER_KERNEL && !strcmp(a->path, b->path) && a->index == b->index)
		wrong(k, "device", "tiers %s and %s are the same device", a->name, b->name);
}

static void check_tiers(struct check *k)
{
	const struct config *c = k->config;
	bool resident = false;
	uint32_t i, j;

	if (c->n_tiers > HMM_LIMIT_TIERS) {
		wrong(at(k, CONFIG_WHOLE, 0), NULL, "%u tiers; at most %u", c->n_tiers, HMM_LIMIT_TIERS);
		return;
	}
	for (i = 0; i < c->n_tiers; i++) {
		at(k, CONFIG_TIER, i);
		if (!name_ok(c->tiers[i].name))
			wrong(k, NULL, "tier %u: a name has printable characters but not space = , :", i);
		resident |= c->tiers[i].kind == TIER_NUMA;
		check_kind(k, &c->tiers[i]);
		check_marks(k, &c->tiers[i]);
		for (j = 0; j < i; j++)
			check_tier_pair(k, &c->tiers[j], &c->tiers[i]);
	}
	if (!resident)
		wrong(at(k, CONFIG_WHOLE, 0), NULL, "no tier has kind = numa; programs need at least one to work in");
}

static void check_order(struct check *k, const struct policy_config *p)
{
	const struct config *c = k->config;
	bool resident = false, known = true;
	uint32_t i, j;
	int tier;

	if (p->n_tiers > HMM_LIMIT_TIERS) {
		wrong(k, "tiers", "policy %s: %u tiers; at most %u", p->name, p->n_tiers, HMM_LIMIT_TIERS);
		return;
	}
	for (i = 0; i < p->n_tiers; i++) {
		tier = find_tier(c, p->tiers[i]);
		known &= tier >= 0;
		if (tier < 0)
			wrong(k, "tiers", "policy %s: there is no tier %s", p->name, p->tiers[i]);
		for (j = 0; j < i; j++)
			if (!strcmp(p->tiers[i], p->tiers[j]))
				wrong(k, "tiers", "policy %s: names tier %s twice", p->name, p->tiers[i]);
		resident |= tier >= 0 && c->tiers[tier].kind == TIER_NUMA;
	}
	if (p->n_tiers && known && !resident)
		wrong(k, "tiers", "policy %s: its tiers need one of kind = numa to bring pages into", p->name);
}

static void check_policy(struct check *k, const struct policy_config *p)
{
	if (!name_ok(p->name))
		wrong(k, NULL, "a policy's name has printable characters but not space = , :");
	if (p->engine != ENGINE_TIERED && p->engine != ENGINE_STATIC)
		wrong(k, "engine", "policy %s: engine is tiered or static", p->name);
	if (p->burst < LEDGER_PAGE_SIZE)
		wrong(k, "burst", "policy %s: burst = %llu is less than one huge page, nothing could ever move; at least 2M",
		      p->name, (unsigned long long)p->burst);
	check_order(k, p);
}

static void check_policies(struct check *k)
{
	const struct config *c = k->config;
	bool has_default = false;
	uint32_t i, j;

	if (c->n_policies > CONFIG_POLICIES) {
		wrong(at(k, CONFIG_WHOLE, 0), NULL, "%u policies; at most %u", c->n_policies, CONFIG_POLICIES);
		return;
	}
	for (i = 0; i < c->n_policies; i++) {
		check_policy(at(k, CONFIG_POLICY, i), &c->policies[i]);
		has_default |= !strcmp(c->policies[i].name, "default");
		for (j = 0; j < i; j++)
			if (!strcmp(c->policies[i].name, c->policies[j].name))
				wrong(k, NULL, "policy %s stands there twice", c->policies[i].name);
	}
	if (!has_default)
		wrong(at(k, CONFIG_WHOLE, 0), NULL, "no policy is named default; ranges that nothing matches need it");
}

static void check_quotas(struct check *k)
{
	const struct config *c = k->config;
	const struct quota_config *q;
	uint32_t i, j;

	if (c->n_quotas > CONFIG_QUOTAS) {
		wrong(at(k, CONFIG_WHOLE, 0), NULL, "%u quotas; at most %u", c->n_quotas, CONFIG_QUOTAS);
		return;
	}
	for (i = 0; i <= c->n_quotas; i++) {
		q = i < c->n_quotas ? &c->quotas[i] : &c->default_quota;
		at(k, CONFIG_QUOTA, i);
		if (!q->weight || q->weight > WEIGHT_MAX)
			wrong(k, "weight", "quota: weight = %u; needed: 1 to %u", q->weight, WEIGHT_MAX);
		for (j = 0; j < i && i < c->n_quotas; j++)
			if (c->quotas[j].uid == q->uid)
				wrong(k, NULL, "quota uid=%u stands there twice", q->uid);
	}
}

static void check_matches(struct check *k)
{
	const struct config *c = k->config;
	uint32_t i, j;

	if (c->n_matches > CONFIG_MATCHES) {
		wrong(at(k, CONFIG_WHOLE, 0), NULL, "%u matches; at most %u", c->n_matches, CONFIG_MATCHES);
		return;
	}
	for (i = 0; i < c->n_matches; i++) {
		at(k, CONFIG_MATCH, i);
		for (j = 0; j < c->n_policies && strcmp(c->policies[j].name, c->matches[i].policy); j++)
			;
		if (!c->matches[i].policy[0])
			wrong(k, "policy", "match %u: policy = is missing", i + 1);
		else if (j == c->n_policies)
			wrong(k, "policy", "match %u: there is no policy %s", i + 1, c->matches[i].policy);
	}
}

static void check_daemon(struct check *k)
{
	const struct config *c = k->config;

	at(k, CONFIG_DAEMON, 0);
	if (!c->fault_threads || c->fault_threads > THREADS_MAX)
		wrong(k, "fault-threads", "fault-threads = %u; needed: 1 to %u", c->fault_threads, THREADS_MAX);
	if (!c->workers || c->workers > THREADS_MAX)
		wrong(k, "workers", "workers = %u; needed: 1 to %u", c->workers, THREADS_MAX);
	if (c->tick_us < TICK_MIN_US)
		wrong(k, "tick", "tick and track need at least 1ms");
	if (c->track_us < TICK_MIN_US)
		wrong(k, "track", "tick and track need at least 1ms");
}

unsigned int config_check_all(const struct config *c, config_wrong_fn *tell, void *userdata)
{
	struct check k = { .config = c, .tell = tell, .userdata = userdata };

	check_daemon(&k);
	check_tiers(&k);
	check_policies(&k);
	check_quotas(&k);
	check_matches(&k);
	return k.wrong;
}

struct first {
	char *text;
	uint32_t size;
	bool told;
};

static void keep_first(void *userdata, const struct config_place *place, const char *text)
{
	struct first *f = userdata;

	(void)place;
	if (!f->told)
		snprintf(f->text, f->size, "%s", text);
	f->told = true;
}

int config_check(const struct config *c, char *ret_text, uint32_t text_size)
{
	struct first first = { ret_text, text_size, false };

	return config_check_all(c, keep_first, &first) ? -EINVAL : 0;
}

int config_check_policy(const struct config *c, const struct policy_config *p, char *ret_text, uint32_t text_size)
{
	struct first first = { ret_text, text_size, false };
	struct check k = { .config = c, .tell = keep_first, .userdata = &first };

	check_policy(at(&k, CONFIG_POLICY, 0), p);
	return k.wrong ? -EINVAL : 0;
}
