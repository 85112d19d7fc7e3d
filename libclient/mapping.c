// SPDX-License-Identifier: LGPL-2.1-or-later
/* Mappings of this process (mapping.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "libclient/mapping.h"

enum { TEXT = 8192, /* a line is a path and 73 bytes at most */ FIRST = 256 /* mappings of a list */ };
#define QUERY _IOWR('f', 17, struct mapping)
#define QUERY_OR_NEXT 0x10

int mapping_open(void)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool parse(const char *line, struct mapping *ret)
{
	unsigned long start, end, offset, inode;
	unsigned int major, minor;
	char rights[5];

	if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu", &start, &end, rights, &offset, &major, &minor, &inode) != 7)
		return false;
	*ret = (struct mapping){ .start = start, .end = end, .offset = offset, .inode = inode, .major = major, .minor = minor };
	ret->rights = (rights[0] == 'r' ? MAPPING_READ : 0u) | (rights[1] == 'w' ? MAPPING_WRITE : 0u) |
		      (rights[2] == 'x' ? MAPPING_EXEC : 0u) | (rights[3] == 's' ? MAPPING_SHARED : 0u);
	return true;
}

/* Told of each mapping; true ends the walk. */
typedef bool mapping_fn(void *userdata, const struct mapping *m);

/* Without asking for memory: who has the allocator's lock may be waiting for us. True: it was ended. */
static bool walk(int maps, mapping_fn *fn, void *userdata)
{
	char text[TEXT], *line, *next;
	struct mapping m;
	size_t have = 0;
	ssize_t n;

	if (lseek(maps, 0, SEEK_SET) < 0)
		return false;
	while ((n = read(maps, text + have, sizeof(text) - 1 - have)) > 0) {
		text[have + (size_t)n] = '\0';
		for (line = text; (next = strchr(line, '\n')); line = next + 1) {
			*next = '\0';
			if (parse(line, &m) && fn(userdata, &m))
				return true;
		}
		have = strlen(line);
		memmove(text, line, have);
	}
	return false;
}

static bool ends_after(void *userdata, const struct mapping *m)
{
	struct mapping *wanted = userdata;

	if (m->end <= wanted->addr)
		return false;
	*wanted = *m;
	return true;
}

bool mapping_look(int maps, uint64_t addr, struct mapping *ret)
{
	*ret = (struct mapping){ .size = sizeof(*ret), .flags = QUERY_OR_NEXT, .addr = addr };
	if (ioctl(maps, QUERY, ret) == 0)
		return true;
	return errno != ENOENT && walk(maps, ends_after, ret);
}

bool mapping_is_quick(int maps)
{
	struct mapping m = { .size = sizeof(m), .flags = QUERY_OR_NEXT };

	return ioctl(maps, QUERY, &m) == 0;
}

struct list {
	struct mapping *at;
	size_t n, room;
};

static bool add(void *userdata, const struct mapping *m)
{
	struct list *l = userdata;
	size_t room = l->n < l->room ? l->room : l->room ? 2 * l->room : FIRST;
	struct mapping *at = room == l->room ? l->at : realloc(l->at, room * sizeof(*at));

	if (!at)
		return true;
	l->at = at;
	l->room = room;
	at[l->n++] = *m;
	return false;
}

int mapping_list(int maps, struct mapping **ret, size_t *ret_n)
{
	struct list l = { 0 };

	if (walk(maps, add, &l)) {
		free(l.at);
		return -ENOMEM;
	}
	*ret = l.at;
	*ret_n = l.n;
	return 0;
}
