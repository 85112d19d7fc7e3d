/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keeps the kernel from giving us a page: read where it stands, for people and for the next step. */
#ifndef HMMD_MECH_LIMITS_H
#define HMMD_MECH_LIMITS_H

#include <stdbool.h>
#include <stdint.h>
#include "daemon/core/wait.h"

struct room_limit {
	enum wait_reason reason;	/* WAIT_HUGE_CGROUP, WAIT_HUGE_POOL, WAIT_MEMORY_CGROUP, WAIT_NODE */
	uint64_t free;			/* bytes that the tightest limit with a figure still leaves; UINT64_MAX: there is none */
	char text[160], remedy[640];	/* "hugetlb.2MB.max of /sys/fs/cgroup/x is 8 MiB" */
};
/* For huge pages of the pool, else for pages of tmpfs, on these nodes; `missing`: bytes that the tier should still have. */
void room_limit_find(bool hugetlb, uint64_t nodes, uint64_t missing, struct room_limit *ret);
/* Whether our control group or one above it allows less memory than that; `free` is then all that it allows. */
bool memory_limit_below(uint64_t bytes, struct room_limit *ret);

#endif
