/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control groups for a daemon or a program: their limits, and what is charged to whom. */
#ifndef HMMD_TESTS_SUPPORT_GROUP_H
#define HMMD_TESTS_SUPPORT_GROUP_H

#include <stdint.h>

enum { GROUP_PATH = 160 };

struct group {
	const char *controller;		/* "hugetlb" or "memory" */
	char root[GROUP_PATH / 2], dir[GROUP_PATH], procs[GROUP_PATH + 16];
	int enabled;			/* 1: the controller was switched on for it */
};

/* NULL, or what is missing here. */
const char *group_hugetlb_missing(void);
const char *group_memory_missing(void);
/* Without a limit. Several at a time have different names. */
void group_open(const char *controller, const char *name, struct group *ret);
void group_limit(const struct group *g, uint64_t bytes);	/* of what its controller counts; UINT64_MAX: none */
uint64_t group_usage(const struct group *g);			/* bytes of huge pages charged to it */
uint64_t group_shmem(const struct group *g);			/* of shared memory, by the memory controller */
/* This process joins it, and goes back to where it came from. */
void group_join(const struct group *g);
void group_leave(void);

void group_close(struct group *g);				/* nobody is in it any more */

#endif
