// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits of the kernel (limits.h): those of our control group and all above it, in both versions of the
 * hierarchy; the pool of huge pages; the memory of the nodes. The tightest is the one, when it
 * leaves a group less than the tier should have, or the pool no page; for its limit follows our use. When
 * none with a figure does, the nodes have no memory in pieces of that size.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/mech/capability_own.h"
#include "daemon/mech/limits.h"
#include "proto/ledger.h"

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"
enum { PATH = 256, LINE = 1024 };

enum measure {
	LEFT,	/* what a limit leaves besides what is used */
	ALL	/* what it allows: what is used may be cached files, which make room */
};

struct group_limit {
	const char *controller;		/* of version 1; "" for version 2 */
	const char *limit, *usage;	/* files */
	bool hugetlb;
};
static const struct group_limit group_limits[] = {
	{ "", "hugetlb.2MB.max", "hugetlb.2MB.current", true },
	{ "", "hugetlb.2MB.rsvd.max", "hugetlb.2MB.rsvd.current", true },
	{ "hugetlb", "hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.usage_in_bytes", true },
	{ "", "memory.max", "memory.current", false },
	{ "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", false },
};

static bool number_in(const char *path, uint64_t *ret)
{
	char text[32];

	return !doctor_read(path, text, sizeof(text)) && sscanf(text, "%" SCNu64, ret) == 1;
}

/* One of "cpu,memory". */
static bool names(const char *list, const char *controller)
{
	size_t n = strlen(controller);

	for (const char *at = list; (at = strstr(at, controller)); at += n)
		if ((at == list || at[-1] == ',') && (at[n] == ',' || at[n] == '\0'))
			return true;
	return false;
}

/* Where the hierarchy is mounted, and which of its groups is seen there. */
static bool find_mount(const char *controller, char *ret_root, char *ret_dir)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[LINE], type[32], options[PATH];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		const char *end = strstr(line, " - ");

		if (!end || sscanf(line, "%*s %*s %*s %255s %255s", ret_root, ret_dir) != 2 ||
		    sscanf(end, " - %31s %*s %255s", type, options) != 2)
			continue;
		found = controller[0] ? !strcmp(type, "cgroup") && names(options, controller) : !strcmp(type, "cgroup2");
	}
	if (f)
		fclose(f);
	return found;
}

static bool find_group(const char *controller, char *ret)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[LINE], *list, *path;
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		list = strchr(line, ':');
		path = list ? strchr(list + 1, ':') : NULL;
		if (!path)
			continue;
		*path++ = '\0';
		found = controller[0] ? names(list + 1, controller) : !list[1];
		if (found)
			snprintf(ret, PATH, "%.255s", path);
	}
	if (f)
		fclose(f);
	return found;
}

static void note(struct room_limit *ret, enum wait_reason reason, uint64_t free)
{
	ret->reason = reason;
	ret->free = free;
}

static void look_at_group(const struct group_limit *g, enum measure measure, const char *dir, struct room_limit *ret)
{
	char path[PATH * 3];
	uint64_t limit, usage, left;

	snprintf(path, sizeof(path), "%s/%s", dir, g->limit);
	if (!number_in(path, &limit))
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, g->usage);
	if (!number_in(path, &usage))
		return;
	left = measure == ALL ? limit : limit > usage ? limit - usage : 0;
	if (left >= ret->free)
		return;
	note(ret, g->hugetlb ? WAIT_HUGE_CGROUP : WAIT_MEMORY_CGROUP, left);
	snprintf(ret->text, sizeof(ret->text), "%s of %.90s is %" PRIu64 " MiB", g->limit, dir, limit >> 20);
	snprintf(ret->remedy, sizeof(ret->remedy), "echo %s > %.511s/%.40s", *g->controller ? "-1" : "max", dir, g->limit);
}

/* The group and all above it, as far as they are seen here. */
static void look_at_groups(const struct group_limit *g, enum measure measure, struct room_limit *ret)
{
	char root[PATH], dir[PATH], group[PATH], path[PATH * 2], *slash;
	const char *below = group;

	if (!find_mount(g->controller, root, dir) || !find_group(g->controller, group))
		return;
	if (strcmp(root, "/") && !strncmp(group, root, strlen(root)))
		below = group + strlen(root);
	snprintf(path, sizeof(path), "%s%s", dir, strcmp(below, "/") ? below : "");
	while (strlen(path) >= strlen(dir)) {
		look_at_group(g, measure, path, ret);
		slash = strrchr(path, '/');
		if (!slash)
			return;
		*slash = '\0';
	}
}

static void look_at_all(bool hugetlb, enum measure measure, struct room_limit *ret)
{
	*ret = (struct room_limit){ .free = UINT64_MAX };
	for (size_t i = 0; i < sizeof(group_limits) / sizeof(group_limits[0]); i++)
		if (group_limits[i].hugetlb == hugetlb)
			look_at_groups(&group_limits[i], measure, ret);
}

static void look_at_pool(struct room_limit *ret)
{
	uint64_t demand = 0, surplus = 0, free_pages = 0, reserved = 0, left;

	if (!number_in(POOL "nr_overcommit_hugepages", &demand) || !number_in(POOL "surplus_hugepages", &surplus) ||
	    !number_in(POOL "free_hugepages", &free_pages) || !number_in(POOL "resv_hugepages", &reserved))
		return;
	left = (free_pages > reserved ? free_pages - reserved : 0) + (demand > surplus ? demand - surplus : 0);
	left = left > UINT64_MAX / LEDGER_PAGE_SIZE ? UINT64_MAX : left * LEDGER_PAGE_SIZE;
	if (left >= ret->free)
		return;
	note(ret, WAIT_HUGE_POOL, left);
	snprintf(ret->text, sizeof(ret->text),
		 "the pool has no free huge page and nr_overcommit_hugepages is %" PRIu64 ", all of them taken", demand);
	snprintf(ret->remedy, sizeof(ret->remedy), "echo %" PRIu64 " > " POOL "nr_overcommit_hugepages", 2 * demand + 1);
}

static void blame_nodes(uint64_t nodes, struct room_limit *ret)
{
	uint64_t total, each, left = 0;

	for (unsigned int node = 0; node < 64; node++)
		if ((nodes >> node & 1) && !numa_node_bytes(node, &total, &each))
			left += each;
	ret->reason = WAIT_NODE;
	if (__builtin_popcountll(nodes) != 1)
		snprintf(ret->text, sizeof(ret->text), "its nodes have %" PRIu64 " MiB free, and no page of 2 MiB among them",
			 left >> 20);
	else
		snprintf(ret->text, sizeof(ret->text), "node %d has %" PRIu64 " MiB free, and no page of 2 MiB among them",
			 __builtin_ctzll(nodes), left >> 20);
	snprintf(ret->remedy, sizeof(ret->remedy),
		 "end what fills the memory, or give the tier a capacity that leaves room for it");
}

void room_limit_find(bool hugetlb, uint64_t nodes, uint64_t missing, struct room_limit *ret)
{
	look_at_all(hugetlb, LEFT, ret);
	if (hugetlb)
		look_at_pool(ret);
	if (ret->free >= (ret->reason == WAIT_HUGE_POOL ? LEDGER_PAGE_SIZE : missing))
		blame_nodes(nodes, ret);
}

bool memory_limit_below(uint64_t bytes, struct room_limit *ret)
{
	look_at_all(false, ALL, ret);
	return ret->free < bytes;
}
