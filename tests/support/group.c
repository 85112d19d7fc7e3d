// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Control groups of version 2 with the hugetlb controller, or of either version with the memory controller, wherever
 * they are mounted.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/group.h"
#include "tests/support/test.h"

#define MEMORY_V1 "/sys/fs/cgroup/memory"
static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

static bool contains(const char *dir, const char *file, const char *word)
{
	char path[GROUP_PATH * 2], text[512] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return strstr(text, word) != NULL;
}

static bool put(const char *dir, const char *file, const char *text)
{
	char path[GROUP_PATH * 2];
	int fd;
	bool done;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return done;
}

static const char *find_root(const char *controller)
{
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		if (contains(roots[i], "cgroup.controllers", controller))
			return roots[i];
	return NULL;
}

static const char *find_memory(void)
{
	const char *root = find_root("memory");

	return root ? root : access(MEMORY_V1 "/memory.stat", R_OK) ? NULL : MEMORY_V1;
}

const char *group_hugetlb_missing(void)
{
	if (geteuid())
		return "control groups: making one needs root";
	return find_root("hugetlb") ? NULL : "control groups: no hugetlb controller in a hierarchy of version 2";
}

void group_limit(const struct group *g, uint64_t bytes)
{
	const char *file = !strcmp(g->controller, "hugetlb") ? "hugetlb.2MB.max" :
			   strcmp(g->root, MEMORY_V1) ? "memory.max" : "memory.limit_in_bytes";
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
	assert_true(put(g->dir, file, bytes != UINT64_MAX ? text : strcmp(g->root, MEMORY_V1) ? "max" : "-1"));
}

const char *group_memory_missing(void)
{
	if (geteuid())
		return "control groups: making one needs root";
	return find_memory() ? NULL : "control groups: no memory controller";
}

/* A hierarchy of version 1 has its controller everywhere. */
void group_open(const char *controller, const char *name, struct group *ret)
{
	const char *root = strcmp(controller, "memory") ? find_root(controller) : find_memory();
	char word[32];

	assert_non_null(root);
	*ret = (struct group){ .controller = controller };
	snprintf(ret->root, sizeof(ret->root), "%s", root ? root : "");
	ret->enabled = strcmp(root, MEMORY_V1) && !contains(root, "cgroup.subtree_control", controller);
	snprintf(word, sizeof(word), "+%s", controller);
	if (ret->enabled)
		assert_true(put(root, "cgroup.subtree_control", word));
	snprintf(ret->dir, sizeof(ret->dir), "%s/hmmd-test-%s-%d", root, name, (int)getpid());
	assert_int_equal(mkdir(ret->dir, 0755), 0);
	snprintf(ret->procs, sizeof(ret->procs), "%s/cgroup.procs", ret->dir);
}

uint64_t group_shmem(const struct group *g)
{
	char path[GROUP_PATH * 2], line[128];
	unsigned long long n = 0;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/memory.stat", g->dir);
	f = fopen(path, "re");
	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "shmem %llu", &n) == 1;
	fclose(f);
	assert_true(found);
	return n;
}

uint64_t group_usage(const struct group *g)
{
	char path[GROUP_PATH * 2];
	unsigned long long n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/hugetlb.2MB.current", g->dir);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%llu", &n), 1);
	fclose(f);
	return n;
}

static char former[GROUP_PATH * 2];	/* where this process came from, below the root */

/* Its line is "4:memory:/path", or of version 2 "0::/path". */
static void find_former(const struct group *g)
{
	const char *before = strcmp(g->root, MEMORY_V1) ? "0::" : ":memory:";
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[GROUP_PATH * 2], *at = NULL;

	assert_non_null(f);
	while (!at && fgets(line, sizeof(line), f))
		at = strstr(line, before);
	fclose(f);
	assert_non_null(at);
	at += strlen(before);
	at[strcspn(at, "\n")] = '\0';
	snprintf(former, sizeof(former), "%s%s", g->root, at);
}

void group_join(const struct group *g)
{
	find_former(g);
	assert_true(put(g->dir, "cgroup.procs", "0"));
}

void group_leave(void)
{
	assert_true(put(former, "cgroup.procs", "0"));
}

/* The kernel takes a moment to forget who was in it. The controller stays on where others have begun to use it. */
void group_close(struct group *g)
{
	char word[32];

	snprintf(word, sizeof(word), "-%s", g->controller);
	assert_soon(rmdir(g->dir) == 0);
	if (g->enabled)
		(void)put(g->root, "cgroup.subtree_control", word);
}
