// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The vocabulary of hmmd.conf(5). One row per key; the kind of value decides how it is read and
 * what the error text says would be right, so a new key is a new row and nothing else.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "daemon/core/value.h"
#include "daemon/io/config_key.h"
#include "daemon/io/config_value.h"
#include "proto/ledger.h"

enum value_kind {
	VALUE_PATH,
	VALUE_TEXT,
	VALUE_SIZE,
	VALUE_LIMIT,
	VALUE_RATE,
	VALUE_TIME,
	VALUE_SHARE,
	VALUE_BOOL,
	VALUE_NUMBER,
	VALUE_CHOICE,
	VALUE_NODES,
	VALUE_TIERS,
	VALUE_DEVICE
};

struct choice {
	const char *name;
	unsigned int value;
};

struct config_key {
	const char *name;
	enum value_kind kind;
	size_t offset, size;
	uint64_t min, max;		/* VALUE_NUMBER; VALUE_SIZE, VALUE_TIME: 0: no bound; VALUE_PATH: max, bytes */
	const struct choice *choices;	/* VALUE_CHOICE */
};

enum { SOCKET_PATH = sizeof(((struct sockaddr_un *)0)->sun_path) };

#define FIELD(type, field) offsetof(type, field), sizeof(((type *)0)->field)

static const struct choice backings[] = {
	{ "auto", BACKING_CHOICE_AUTO }, { "hugetlb", BACKING_CHOICE_HUGETLB },
	{ "thp", BACKING_CHOICE_THP }, { "small", BACKING_CHOICE_SMALL }, { NULL, 0 },
};
static const struct choice tier_kinds[] = {
	{ "numa", TIER_NUMA },	   { "memory", TIER_MEMORY }, { "file", TIER_FILE },
	{ "kernel", TIER_KERNEL }, { "cuda", TIER_CUDA },     { NULL, 0 },
};
static const struct choice engines[] = { { "tiered", ENGINE_TIERED },
					 { "static", ENGINE_STATIC },
					 { NULL, 0 } };

static const struct config_key daemon_keys[] = {
	{ "socket", VALUE_PATH, FIELD(struct config, socket), 0, SOCKET_PATH, NULL },
	{ "state-dir", VALUE_PATH, FIELD(struct config, state_dir), 0, 0, NULL },
	{ "control-group", VALUE_TEXT, FIELD(struct config, control_group), 0, 0, NULL },
	{ "userfaultfd-group", VALUE_TEXT, FIELD(struct config, uffd_group), 0, 0, NULL },
	{ "backing", VALUE_CHOICE, FIELD(struct config, backing), 0, 0, backings },
	{ "huge-pages", VALUE_SIZE, FIELD(struct config, huge_pages), 0, 0, NULL },
	{ "fault-threads", VALUE_NUMBER, FIELD(struct config, fault_threads), 1, 16, NULL },
	{ "workers", VALUE_NUMBER, FIELD(struct config, workers), 1, 16, NULL },
	{ "tick", VALUE_TIME, FIELD(struct config, tick_us), 1000, 60000000, NULL },
	{ "track", VALUE_TIME, FIELD(struct config, track_us), 1000, 3600000000ULL, NULL },
};
static const struct config_key tier_keys[] = {
	{ "kind", VALUE_CHOICE, FIELD(struct tier_config, kind), 0, 0, tier_kinds },
	{ "nodes", VALUE_NODES, FIELD(struct tier_config, nodes), 0, 0, NULL },
	{ "capacity", VALUE_SIZE, FIELD(struct tier_config, capacity), LEDGER_PAGE_SIZE, 0, NULL },
	{ "high", VALUE_SHARE, FIELD(struct tier_config, high), 0, 0, NULL },
	{ "low", VALUE_SHARE, FIELD(struct tier_config, low), 0, 0, NULL },
	{ "path", VALUE_PATH, FIELD(struct tier_config, path), 0, 0, NULL },
	{ "device", VALUE_DEVICE, FIELD(struct tier_config, path), 0, 0, NULL },
	{ "index", VALUE_NUMBER, FIELD(struct tier_config, index), 0, 255, NULL },
};
static const struct config_key policy_keys[] = {
	{ "engine", VALUE_CHOICE, FIELD(struct policy_config, engine), 0, 0, engines },
	{ "tiers", VALUE_TIERS, FIELD(struct policy_config, tiers), 0, 0, NULL },
	{ "rate", VALUE_RATE, FIELD(struct policy_config, rate), 0, 0, NULL },
	{ "burst", VALUE_SIZE, FIELD(struct policy_config, burst), LEDGER_PAGE_SIZE, 0, NULL },
	{ "min-residency", VALUE_TIME, FIELD(struct policy_config, min_residency_us), 0, 0, NULL },
	{ "track", VALUE_BOOL, FIELD(struct policy_config, track), 0, 0, NULL },
};
static const struct config_key quota_keys[] = {
	{ "managed", VALUE_LIMIT, FIELD(struct quota_config, managed), 0, 0, NULL },
	{ "adopted", VALUE_LIMIT, FIELD(struct quota_config, adopted), 0, 0, NULL },
	{ "pinned", VALUE_LIMIT, FIELD(struct quota_config, pinned), 0, 0, NULL },
	{ "ranges", VALUE_NUMBER, FIELD(struct quota_config, ranges), 0, UINT32_MAX, NULL },
	{ "ledger", VALUE_LIMIT, FIELD(struct quota_config, ledger), 0, 0, NULL },
	{ "queued", VALUE_SIZE, FIELD(struct quota_config, queued), HMM_LIMIT_FRAME, 0, NULL },
	{ "connections", VALUE_NUMBER, FIELD(struct quota_config, connections), 1, HMM_LIMIT_CLIENTS, NULL },
	{ "operations", VALUE_NUMBER, FIELD(struct quota_config, operations), 1, UINT32_MAX, NULL },
	{ "stored", VALUE_NUMBER, FIELD(struct quota_config, stored), 0, UINT32_MAX, NULL },
	{ "weight", VALUE_NUMBER, FIELD(struct quota_config, weight), 1, 10000, NULL },
};
static const struct config_key match_keys[] = {
	{ "policy", VALUE_TEXT, FIELD(struct match_config, policy), 0, 0, NULL },
};

#define KEYS(table) table, sizeof(table) / sizeof(table[0])
static const struct config_section sections[] = {
	{ "daemon", "[daemon]", config_begin_daemon, KEYS(daemon_keys) },
	{ "tier", "[tier NAME]", config_begin_tier, KEYS(tier_keys) },
	{ "policy", "[policy NAME]", config_begin_policy, KEYS(policy_keys) },
	{ "quota", "[quota uid=N] or [quota default]", config_begin_quota, KEYS(quota_keys) },
	{ "match", "[match unit=NAME program=NAME uid=N]", config_begin_match, KEYS(match_keys) },
};
enum { N_SECTIONS = sizeof(sections) / sizeof(sections[0]), KEYS_MOST = 16 };
static const char tier_prefix[] = "tier.";

const struct config_section *config_section_find(const char *name)
{
	for (size_t i = 0; i < N_SECTIONS; i++)
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	return NULL;
}

const char *config_section_forms(void)
{
	return "[daemon], [tier NAME], [policy NAME], [quota uid=N], [quota default], [match ...]";
}

const char *config_section_nearest(const char *name)
{
	const char *names[N_SECTIONS];

	for (size_t i = 0; i < N_SECTIONS; i++)
		names[i] = sections[i].name;
	return value_nearest(name, names, N_SECTIONS);
}

/* "a, b or c" */
static void say_choices(const struct choice *choices, char *buf, size_t size)
{
	size_t n = 0;

	for (const struct choice *c = choices; c->name && n < size; c++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s",
				      c == choices ? "" : c[1].name ? ", " : " or ", c->name);
}

static size_t path_size(const struct config_key *k)
{
	return k->max && k->max < k->size ? (size_t)k->max : k->size;
}

static void say_right(const struct config_key *k, char *buf, size_t size)
{
	static const char *const texts[] = {
		[VALUE_TEXT] = "a short name",
		[VALUE_SIZE] = "a size such as 512M or 64G",
		[VALUE_TIME] = "a time such as 100ms, 10s or 5min",
		[VALUE_LIMIT] = "a size such as 64G, or none",
		[VALUE_RATE] = "bytes per second such as 100M, or none",
		[VALUE_SHARE] = "a share such as 90%",
		[VALUE_BOOL] = "yes or no",
		[VALUE_NODES] = "node numbers such as 0,2-3",
		[VALUE_TIERS] = "names of tiers such as dram, far",
		[VALUE_DEVICE] = "a path such as /dev/hmm, or a number",
	};

	if (k->kind == VALUE_CHOICE)
		say_choices(k->choices, buf, size);
	else if (k->kind == VALUE_PATH)
		snprintf(buf, size, "an absolute path below %zu bytes", path_size(k));
	else if (k->kind == VALUE_SIZE && k->min)
		snprintf(buf, size, "a size such as 512M or 64G, at least %lluK", (unsigned long long)(k->min >> 10));
	else if (k->kind == VALUE_TIME && k->max)
		snprintf(buf, size, "a time such as 100ms or 10s, from %llums to %llumin",
			 (unsigned long long)(k->min / 1000), (unsigned long long)(k->max / 60000000));
	else if (k->kind == VALUE_NUMBER)
		snprintf(buf, size, "a number from %llu to %llu", (unsigned long long)k->min,
			 (unsigned long long)k->max);
	else
		snprintf(buf, size, "%s", texts[k->kind]);
}

static int set_text(char *field, size_t size, const char *value)
{
	if (!value[0] || strlen(value) >= size)
		return -EINVAL;
	strcpy(field, value);
	return 0;
}

static int set_choice(const struct choice *choices, void *field, const char *value)
{
	for (const struct choice *c = choices; c->name; c++) {
		if (strcmp(c->name, value) != 0)
			continue;
		memcpy(field, &c->value, sizeof(c->value));
		return 0;
	}
	return -EINVAL;
}

static int set_bounded(const struct config_key *k, int (*read)(const char *, uint64_t *), const char *value,
		       uint64_t *field)
{
	uint64_t n;

	if (read(value, &n) || n < k->min || (k->max && n > k->max))
		return -EINVAL;
	*field = n;
	return 0;
}

static int set_tiers(struct policy_config *policy, const char *value)
{
	char tiers[HMM_LIMIT_TIERS][HMM_LIMIT_TIER_NAME + 1];
	bool too_long = false;
	uint32_t n = 0;

	while (n < HMM_LIMIT_TIERS && value_word(&value, tiers[n], sizeof(tiers[n]), &too_long))
		n++;
	if (too_long || n == 0 || value[strspn(value, ", \t")])
		return -EINVAL;
	memcpy(policy->tiers, tiers, sizeof(tiers[0]) * n);
	policy->n_tiers = n;
	return 0;
}

/* A device is a node of the file system for the kernel driver, a number for a GPU. */
static int set_device(struct tier_config *tier, const char *value)
{
	if (value[0] == '/')
		return set_text(tier->path, sizeof(tier->path), value);
	return value_number(value, 0, 255, &tier->index);
}

static int set_value(const struct config_key *k, void *target, const char *value)
{
	void *field = (char *)target + k->offset;

	switch (k->kind) {
	case VALUE_PATH:
		return value[0] == '/' ? set_text(field, path_size(k), value) : -EINVAL;
	case VALUE_TEXT:
		return set_text(field, k->size, value);
	case VALUE_SIZE:
		return set_bounded(k, value_size, value, field);
	case VALUE_LIMIT:
		return value_limit(value, field);
	case VALUE_RATE:
		return value_rate(value, field);
	case VALUE_TIME:
		return set_bounded(k, value_time, value, field);
	case VALUE_SHARE:
		return value_share(value, field);
	case VALUE_BOOL:
		return value_bool(value, field);
	case VALUE_NUMBER:
		return value_number(value, k->min, k->max, field);
	case VALUE_CHOICE:
		return set_choice(k->choices, field, value);
	case VALUE_NODES:
		return value_nodes(value, field);
	case VALUE_TIERS:
		return set_tiers(target, value);
	case VALUE_DEVICE:
		return set_device(target, value);
	}
	return -EINVAL;
}

static int set_tier_quota(struct config_parser *p, const char *tier, const char *value)
{
	uint64_t bytes;

	if (value_limit(value, &bytes))
		return config_fail(p, "%s%s = %s: a limit is a size such as 64G, or none",
				   tier_prefix, tier, value);
	return config_add_tier_quota(p, tier, bytes);
}

static int unknown_key(struct config_parser *p, const char *name)
{
	const struct config_section *s = p->section;
	const char *names[KEYS_MOST], *near;

	for (size_t i = 0; i < s->n_keys; i++)
		names[i] = s->keys[i].name;
	near = value_nearest(name, names, s->n_keys);
	if (near)
		return config_fail(p, "%s has no key \"%s\"; did you mean \"%s\"?", s->form, name,
				   near);
	return config_fail(p, "%s has no key \"%s\"; hmmd.conf(5) lists them", s->form, name);
}

static int set_known(struct config_parser *p, const struct config_key *k, const char *value)
{
	const struct config_stood *before = config_stood_here(p, k->name);
	int r = before ? config_fail(p, "%s stands in this section twice, first in line %u", k->name, before->line)
		       : set_value(k, p->target, value);
	char right[128];

	if (r && !before) {
		say_right(k, right, sizeof(right));
		config_fail(p, "%s = %s is not valid; it wants %s", k->name, value, right);
	}
	config_stood_add(p, k->name, r);
	return r;
}

int config_key_set(struct config_parser *p, const char *name, const char *value)
{
	const struct config_section *s = p->section;

	for (size_t i = 0; i < s->n_keys; i++)
		if (strcmp(s->keys[i].name, name) == 0)
			return set_known(p, &s->keys[i], value);
	if (s->begin == config_begin_quota &&
	    strncmp(name, tier_prefix, sizeof(tier_prefix) - 1) == 0)
		return set_tier_quota(p, name + sizeof(tier_prefix) - 1, value);
	return unknown_key(p, name);
}
