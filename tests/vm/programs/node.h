/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says about this process's memory, and what it counted: nothing here asks hmmd. */
#ifndef HMMD_TESTS_VM_NODE_H
#define HMMD_TESTS_VM_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NODE_MOST = 8, NODE_BASE_PAGE = 4096 };

/* How many nodes with memory there are; they are numbered from 0. */
unsigned int node_count(void);
/* Sections [tier node0] [tier node1] ... of a configuration, each of so many MiB, and then the text. */
const char *node_config(unsigned int mib, const char *more);

/* How many of the huge pages of [at, at + size) are on that node, asked by move_pages(2). */
size_t node_pages(const void *at, size_t size, int node);
/* A line of /proc/vmstat. */
uint64_t node_vmstat(const char *key);

/* The mapping that begins at this address. */
struct node_mapping {
	uint64_t bytes[NODE_MOST];	/* on each node, by numa_maps */
	uint64_t page_size;		/* of a hugetlb mapping 2 MiB; 4 KiB of all others */
	uint64_t anon_huge;		/* bytes mapped as transparent huge pages */
};
void node_mapping(const void *at, struct node_mapping *ret);

/* Private anonymous memory of zeros on node 0, in a mapping of its own; all of it in huge pages, or none. */
void *node_memory(size_t size, bool huge);
void node_release(void *at, size_t size);

#endif
