// SPDX-License-Identifier: GPL-2.0-or-later
/* Control groups of version 2 with the hugetlb controller, wherever they are mounted. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/group.h"
#include "tests/support/test.h"

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

static const char *find_root(void)
{
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		if (contains(roots[i], "cgroup.controllers", "hugetlb"))
			return roots[i];
	return NULL;
}

const char *group_hugetlb_missing(void)
{
	if (geteuid())
		return "control groups: making one needs root";
	return find_root() ? NULL : "control groups: no hugetlb controller in a hierarchy of version 2";
}

void group_limit(const struct group *g, uint64_t bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
	assert_true(put(g->dir, "hugetlb.2MB.max", bytes == UINT64_MAX ? "max" : text));
}

void group_open(struct group *g, uint64_t bytes)
{
	const char *root = find_root();

	assert_non_null(root);
	snprintf(g->root, sizeof(g->root), "%s", root);
	g->enabled = !contains(root, "cgroup.subtree_control", "hugetlb");
	if (g->enabled)
		assert_true(put(root, "cgroup.subtree_control", "+hugetlb"));
	snprintf(g->dir, sizeof(g->dir), "%s/hmmd-test-%d", root, (int)getpid());
	assert_int_equal(mkdir(g->dir, 0755), 0);
	snprintf(g->procs, sizeof(g->procs), "%s/cgroup.procs", g->dir);
	group_limit(g, bytes);
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

/* The kernel takes a moment to forget who was in it. The controller stays on where others have begun to use it. */
void group_close(struct group *g)
{
	assert_soon(rmdir(g->dir) == 0);
	if (g->enabled)
		(void)put(g->root, "cgroup.subtree_control", "-hugetlb");
}
