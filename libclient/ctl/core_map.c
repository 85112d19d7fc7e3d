// SPDX-License-Identifier: LGPL-2.1-or-later
/* /proc/PID/smaps: what is mapped, and whether any of it is the process's own. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/ctl/core_memory.h"
#include "libclient/ctl/text.h"

static bool begins(const char *line, struct core_area *ret)
{
	char perms[5];
	int path = 0;

	*ret = (struct core_area){ .own = 0 };
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %" SCNu64 " %n", &ret->start, &ret->end, perms,
		   &ret->offset, &ret->inode, &path) != 5 || !path)
		return false;
	ret->flags = (perms[0] == 'r' ? PF_R : 0) | (perms[1] == 'w' ? PF_W : 0) | (perms[2] == 'x' ? PF_X : 0);
	ret->shared = perms[3] == 's';
	ret->path = must(strdup(line + path));
	ret->path[strcspn(ret->path, "\n")] = '\0';
	return true;
}

static void note_line(const char *line, struct core_area *a)
{
	static const char *const own[] = { "Anonymous: %" SCNu64, "Swap: %" SCNu64, "Private_Hugetlb: %" SCNu64 };
	uint64_t kib;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (sscanf(line, own[i], &kib) == 1)
			a->own += kib << 10;
	if (!strncmp(line, "VmFlags:", 8))
		a->unwanted = strstr(line, " dd") != NULL;
}

int core_map_read(pid_t pid, struct core_map *ret)
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *f;

	*ret = (struct core_map){ .n = 0 };
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	while (getline(&line, &size, f) > 0) {
		struct core_area area;

		if (begins(line, &area)) {
			ret->areas = must(realloc(ret->areas, (ret->n + 1) * sizeof(*ret->areas)));
			ret->areas[ret->n++] = area;
		} else if (ret->n) {
			note_line(line, &ret->areas[ret->n - 1]);
		}
	}
	free(line);
	fclose(f);
	return ret->n ? 0 : -ESRCH;
}

void core_map_free(struct core_map *map)
{
	for (size_t i = 0; i < map->n; i++)
		free(map->areas[i].path);
	free(map->areas);
}
