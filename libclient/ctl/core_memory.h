/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory of a process that stands still, as it goes into a core file: all of its managed memory, wherever it lies, and
 * what a debugger cannot have from the files that are mapped.
 */
#ifndef HMMCTL_CORE_MEMORY_H
#define HMMCTL_CORE_MEMORY_H

#include <stdatomic.h>
#include <sys/types.h>

#include "libclient/ctl/core_file.h"

struct core_area {		/* a mapping */
	uint64_t start, end, offset, inode;	/* inode 0: of no file */
	uint64_t own;				/* bytes of its own that are in memory or swap */
	uint32_t flags;				/* PF_* */
	bool shared, unwanted;			/* unwanted: the program wants it in no core file */
	char *path;				/* "" without one */
};
struct core_map {
	struct core_area *areas;
	size_t n;
};
/* 0 or -errno. */
int core_map_read(pid_t pid, struct core_map *ret);
void core_map_free(struct core_map *map);

/* Managed memory, by address. */
struct core_span {
	uint64_t start, end;
	bool lost;
};
struct core_spans {
	struct core_span *spans;
	size_t n;
};

struct core_memory {
	pid_t pid;
	const struct core_map *map;
	struct core_spans ranges, touched;	/* managed, and what of it may be something else than zeros */
	struct core_file *file;
	/* A part of managed memory cannot be read where it is: true when it may be tried again. */
	bool (*bring_in)(void *userdata, uint64_t addr);
	void *userdata;
	_Atomic uint64_t seen;			/* grows while it gets on, for whoever watches */
	uint64_t missing;			/* bytes that could not be read */
	bool write_failed;
};
/* All of it, into the file. 0 or -errno, of the file when write_failed; -ESRCH: the process has ended. Waits for pages that are away. */
int core_memory_copy(struct core_memory *m);

#endif
