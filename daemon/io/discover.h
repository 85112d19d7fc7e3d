/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine has, where the configuration does not say. */
#ifndef HMMD_IO_DISCOVER_H
#define HMMD_IO_DISCOVER_H

#include <stddef.h>
#include "daemon/core/config.h"

/*
 * No tier configured: every NUMA node with memory, the kernel driver's devices, then the embedded
 * memory device. Capacities of 0 get their meaning. -EINVAL with a text: a tier names a node that is not there.
 */
int discover_tiers(struct config *c, char *ret_text, size_t text_size);

#endif
