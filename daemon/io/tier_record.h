/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file `tiers` in the state directory: which tier a number in page words means, for the next daemon. */
#ifndef HMMD_IO_TIER_RECORD_H
#define HMMD_IO_TIER_RECORD_H

#include <stddef.h>
#include "daemon/core/world.h"

/*
 * At a start with survivors: the tiers on record get their places in *c, and devices their size where programs
 * could miss some of it. 0; -EINVAL with a text: a tier is not what it was, or the record is damaged; -errno.
 */
int tier_record_keep(const char *state_dir, struct config *c, char *ret_text, size_t text_size);
/* Before pages can be in them: the tiers of the world, and those that c has beyond them. The old record stays when that fails. */
int tier_record_write(const struct world *w, const struct config *c);

#endif
