// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A configuration against this machine. What can never be is an error; what is not there now, and may be when a
 * device is plugged in or a disk mounted, is a warning.
 */
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "daemon/io/config_key.h"
#include "daemon/io/discover.h"
#include "proto/ledger.h"

enum {
	KEPT = 8,	/* of the memory that a machine is sold with, firmware and kernel keep less than 1/8 */
	SLOW = 60	/* s: a page that has to wait longer than that for its move hardly moves */
};

static unsigned long long mib(uint64_t bytes)
{
	return bytes >> 20;
}

static void check_nodes(struct config_parser *p, struct config_place at, const struct tier_config *t)
{
	uint64_t missing = t->nodes & ~discover_nodes(), have = discover_nodes_size(t->nodes);

	at.key = missing ? "nodes" : "capacity";
	if (missing)
		config_fail_at(p, &at, "tier %s names NUMA node %d, which has no memory or is not there", t->name,
			       __builtin_ctzll(missing));
	else if (t->capacity - t->capacity / KEPT > have)
		config_fail_at(p, &at, "tier %s: capacity is %llu MiB, and its nodes have %llu MiB: at most that, or leave it out",
			       t->name, mib(t->capacity), mib(have));
	else if (t->capacity > have)
		config_warn_at(p, &at, "tier %s: capacity is %llu MiB, of which its nodes have only %llu MiB", t->name,
			       mib(t->capacity), mib(have));
}

/* A directory serves several tiers, a file one. */
static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void check_file(struct config_parser *p, struct config_place at, const struct tier_config *t)
{
	char path[CONFIG_PATH];

	if (!t->path[0] || is_directory(t->path))
		return;
	at.key = "path";
	for (uint32_t i = 0; i < at.index; i++)
		if (p->config->tiers[i].kind == TIER_FILE && strcmp(p->config->tiers[i].path, t->path) == 0)
			config_fail_at(p, &at, "tiers %s and %s have the same file", p->config->tiers[i].name, t->name);
	strcpy(path, t->path);
	if (!is_directory(dirname(path)))
		config_warn_at(p, &at, "tier %s: the directory of %s is not there: without it the tier cannot be used",
			       t->name, t->path);
}

static void check_device(struct config_parser *p, struct config_place at, const struct tier_config *t)
{
	at.key = "device";
	if (t->path[0] && access(t->path, F_OK) < 0)
		config_warn_at(p, &at, "tier %s: %s is not there: without it the tier cannot be used", t->name, t->path);
}

/* Those that are configured: what is found by itself is chosen to fit. */
static void check_memory(struct config_parser *p)
{
	struct config_place last = { CONFIG_TIER, 0, "capacity" };
	uint64_t wanted = 0, have;
	struct sysinfo machine;

	for (uint32_t i = 0; i < p->config->n_tiers; i++) {
		if (p->config->tiers[i].kind != TIER_MEMORY)
			continue;
		if (__builtin_add_overflow(wanted, p->config->tiers[i].capacity, &wanted))
			wanted = UINT64_MAX;
		last.index = i;
	}
	if (!wanted || sysinfo(&machine) < 0)
		return;
	have = (uint64_t)(machine.totalram + machine.totalswap) * machine.mem_unit;
	if (wanted > have)
		config_fail_at(p, &last, "tier %s: memory devices of %llu MiB do not fit into this machine, which has %llu MiB of "
			       "memory and swap: give them less capacity", p->config->tiers[last.index].name, mib(wanted),
			       mib(have));
}

static void check_tier(struct config_parser *p, uint32_t i)
{
	const struct tier_config *t = &p->config->tiers[i];
	struct config_place at = { CONFIG_TIER, i, NULL };

	if (t->kind == TIER_NUMA)
		check_nodes(p, at, t);
	else if (t->kind == TIER_FILE)
		check_file(p, at, t);
	else if (t->kind == TIER_KERNEL)
		check_device(p, at, t);
}

static void check_rate(struct config_parser *p, uint32_t i)
{
	const struct policy_config *policy = &p->config->policies[i];
	struct config_place at = { CONFIG_POLICY, i, "rate" };

	if (policy->rate && policy->rate < LEDGER_PAGE_SIZE / SLOW)
		config_warn_at(p, &at, "policy %s: at this rate a huge page moves every %llu s", policy->name,
			       (unsigned long long)(LEDGER_PAGE_SIZE / policy->rate));
}

/* The group that stands there by default need not be. */
static void check_group(struct config_parser *p, const char *key, const char *group)
{
	struct config_place at = { CONFIG_DAEMON, 0, key };

	if (group[0] && config_stood_find(p, &at) && !getgrnam(group))
		config_warn_at(p, &at, "%s: there is no group %s on this machine", key, group);
}

void config_check_machine(struct config_parser *p)
{
	check_group(p, "control-group", p->config->control_group);
	check_group(p, "userfaultfd-group", p->config->uffd_group);
	discover_tiers(p->config);
	for (uint32_t i = 0; i < p->config->n_tiers; i++)
		check_tier(p, i);
	check_memory(p);
	for (uint32_t i = 0; i < p->config->n_policies; i++)
		check_rate(p, i);
}
