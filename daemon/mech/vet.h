/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which descriptors of strangers may be let in. */
#ifndef HMMD_MECH_VET_H
#define HMMD_MECH_VET_H

#include <stdbool.h>
#include <stdint.h>

/* The kernel driver's node, as stat(2) shows hmmd's own descriptor of it. */
struct vet_node {
	uint32_t type;		/* S_IFMT of its mode; 0: hmmd has no such tier */
	uint32_t major, minor;	/* of the device */
};

/* What fd is, for vet_known(); -1: none. */
void vet_node_of(int fd, struct vet_node *ret);
/*
 * True: a userfaultfd, a file in memory (tmpfs or hugetlbfs, a memfd too), or that node. Of these nothing
 * waits for anybody: not to look at them, not to close a duplicate of them.
 */
bool vet_known(int fd, const struct vet_node *node);

#endif
