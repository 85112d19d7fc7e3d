// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A mapping is ours when it is shared and shows the range's file at the range's place in it. That is looked
 * at right before it is unmapped or its pages are let go. No call does both at once. What keeps a program from
 * putting something of its own there in between, when pages are let go, is the gate (proto/gate.h). A gap of a
 * microsecond remains for a client without a helper thread, for a thread that is given what another thread's
 * munmap(2), which has not returned yet, has made free, and for mremap(2) onto the place, which brings pages along
 * before it waits. Freeing a range has no gate: who unmaps a part of it meanwhile does not know what it has.
 */
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "libclient/map.h"
#include "libclient/mapping.h"
#include "libclient/own.h"
#include "libclient/range.h"
#include "libclient/uffd.h"

static bool is_window(const struct mapping *q, const struct hmm_range *r, const struct stat *st)
{
	return (q->rights & MAPPING_SHARED) && q->inode == st->st_ino && q->major == major(st->st_dev) &&
	       q->minor == minor(st->st_dev) &&
	       q->offset - q->start == r->offset - (uint64_t)(uintptr_t)r->addr;
}

size_t own_next(int maps, const struct hmm_range *r, size_t off, size_t end, size_t *ret_end)
{
	uint64_t base = (uintptr_t)r->addr, first;
	struct mapping q;
	struct stat st;

	*ret_end = end;
	if (maps < 0)
		return off;
	if (fstat(r->fd, &st) < 0)
		return end;
	while (off < end && mapping_look(maps, base + off, &q) && q.start < base + end) {
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
	int maps = r->addr ? mapping_open() : -1;
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
