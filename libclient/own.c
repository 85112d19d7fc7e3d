// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The address space as the kernel has it, one mapping at a time: PROCMAP_QUERY (Linux 6.11), else the text.
 * A mapping is ours when it is shared and shows the range's file at the range's place in it. That is looked
 * at right before it is unmapped or its pages are let go. No call does both at once. What keeps a program from
 * putting something of its own there in between, when pages are let go, is the gate (proto/gate.h). A gap of a
 * microsecond remains for a client without a helper thread, for a thread that is given what another thread's
 * munmap(2), which has not returned yet, has made free, and for mremap(2) onto the place, which brings pages along
 * before it waits. Freeing a range has no gate: who unmaps a part of it meanwhile does not know what it has.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "libclient/map.h"
#include "libclient/own.h"
#include "libclient/range.h"
#include "libclient/uffd.h"

/* struct procmap_query of linux/fs.h, which older headers lack. */
struct query {
	uint64_t size, flags, addr, start, end, vma_flags, page_size, offset, inode;
	uint32_t major, minor, name_size, build_id_size;
	uint64_t name, build_id;
};
enum { TEXT = 8192 };	/* a line is a path and 73 bytes at most */
#define QUERY _IOWR('f', 17, struct query)
#define QUERY_SHARED 0x08
#define QUERY_OR_NEXT 0x10

int own_open(void)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* One line: 1 when it is a mapping that ends after the address. */
static bool parse(const char *line, struct query *q)
{
	unsigned long start, end, offset, inode;
	unsigned int major, minor;
	char shared;

	if (sscanf(line, "%lx-%lx %*3s%c %lx %x:%x %lu", &start, &end, &shared, &offset, &major, &minor, &inode) != 7 ||
	    end <= q->addr)
		return false;
	*q = (struct query){ .addr = q->addr, .start = start, .end = end, .offset = offset, .inode = inode,
			     .major = major, .minor = minor, .vma_flags = shared == 's' ? QUERY_SHARED : 0 };
	return true;
}

/* The same by the text, and without asking for memory: who has the allocator's lock may be waiting for us. */
static bool by_text(int maps, struct query *q)
{
	char text[TEXT], *line, *next;
	size_t have = 0;
	ssize_t n;

	if (lseek(maps, 0, SEEK_SET) < 0)
		return false;
	while ((n = read(maps, text + have, sizeof(text) - 1 - have)) > 0) {
		text[have + (size_t)n] = '\0';
		for (line = text; (next = strchr(line, '\n')); line = next + 1) {
			*next = '\0';
			if (parse(line, q))
				return true;
		}
		have = strlen(line);
		memmove(text, line, have);
	}
	return false;
}

/* The mapping at the address, or the next. */
static bool look(int maps, uint64_t addr, struct query *ret)
{
	*ret = (struct query){ .size = sizeof(*ret), .flags = QUERY_OR_NEXT, .addr = addr };
	if (ioctl(maps, QUERY, ret) == 0)
		return true;
	return errno != ENOENT && by_text(maps, ret);
}

static bool is_window(const struct query *q, const struct hmm_range *r, const struct stat *st)
{
	return (q->vma_flags & QUERY_SHARED) && q->inode == st->st_ino && q->major == major(st->st_dev) &&
	       q->minor == minor(st->st_dev) &&
	       q->offset - q->start == r->offset - (uint64_t)(uintptr_t)r->addr;
}

size_t own_next(int maps, const struct hmm_range *r, size_t off, size_t end, size_t *ret_end)
{
	uint64_t base = (uintptr_t)r->addr, first;
	struct query q;
	struct stat st;

	*ret_end = end;
	if (maps < 0)
		return off;
	if (fstat(r->fd, &st) < 0)
		return end;
	while (off < end && look(maps, base + off, &q) && q.start < base + end) {
		first = q.start > base + off ? q.start - base : off;
		off = q.end < base + end ? q.end - base : end;
		if (is_window(&q, r, &st)) {
			*ret_end = off;
			return first;
		}
	}
	return end;
}

void own_remove(const struct hmm_range *r)
{
	int maps = r->addr ? own_open() : -1;
	size_t start, stop;

	for (size_t off = 0; r->addr && off < r->size; off = stop) {
		start = own_next(maps, r, off, r->size, &stop);
		if (start >= r->size)
			break;
		/* What is registered is unmapped when somebody reads that, and that may be us. */
		if (uffd_unregister(r->uffd, r->addr + start, stop - start) == 0)
			map_remove(r->addr + start, stop - start);
	}
	if (maps >= 0)
		close(maps);
}
