/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine has, where the configuration does not say. */
#ifndef HMMD_IO_DISCOVER_H
#define HMMD_IO_DISCOVER_H

#include "daemon/core/config.h"

/*
 * No tier configured: every NUMA node with memory, the kernel driver's devices, then the embedded
 * memory device. Capacities of 0 get their meaning.
 */
void discover_tiers(struct config *c);
uint64_t discover_nodes(void);				/* bit mask: those with memory */
uint64_t discover_nodes_size(uint64_t nodes);		/* bytes */

#endif
