/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files and disks that the unit of the service, or their own modes, deny to hmmd. */
#ifndef HMMD_IO_DENIED_H
#define HMMD_IO_DENIED_H

#include <stdbool.h>
#include <stddef.h>

struct tier_config;

/* What to type, as root, so that a tier of kind file can be opened. False: it is not denied, or nobody knows by what. */
bool denied_remedy(const struct tier_config *t, char *ret, size_t size);

#endif
