/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A control group of its own for a daemon, with a limit of huge pages. */
#ifndef HMMD_TESTS_SUPPORT_GROUP_H
#define HMMD_TESTS_SUPPORT_GROUP_H

#include <stdint.h>

enum { GROUP_PATH = 160 };

struct group {
	char root[GROUP_PATH / 2], dir[GROUP_PATH], procs[GROUP_PATH + 16];
	int enabled;			/* 1: the controller was switched on for it */
};

/* NULL, or what is missing here. */
const char *group_hugetlb_missing(void);
void group_open(struct group *g, uint64_t bytes);
void group_limit(const struct group *g, uint64_t bytes);	/* UINT64_MAX: none */
uint64_t group_usage(const struct group *g);
void group_close(struct group *g);				/* nobody is in it any more */

#endif
