/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a memory device holds has to outlive a killed daemon. systemd's fd store does that for a service; elsewhere
 * a small process of hmmd's own does: the keeper. It holds the devices' memory files, maps none of them, and hands
 * them to the next daemon of the same state directory. A file in a file system would do so too, but who would remove
 * it? The keeper ends, and with it the memory, when no daemon is there and no program with memory on record lives.
 */
#ifndef HMMD_IO_KEEPER_H
#define HMMD_IO_KEEPER_H

#include "proto/limits.h"

enum { KEEPER_NAME = HMM_LIMIT_TIER_NAME + 1, KEEPER_FILES = HMM_LIMIT_TIERS };

struct keeper;

/*
 * Finds the keeper that an earlier daemon left in this state directory, and takes over what it has, or starts one:
 * the caller has the directory's lock, which the keeper does not inherit, and no thread yet. -errno.
 */
int keeper_open(struct keeper **ret, const char *state_dir);
/* What an earlier daemon left under this name, now the caller's; -1: nothing. */
int keeper_take(struct keeper *k, const char *name);
/* It has its own descriptor of the file from here on; the older one of that name is let go. -errno. */
int keeper_put(struct keeper *k, const char *name, int fd);
/* Nobody needs what it has under this name. */
void keeper_drop(struct keeper *k, const char *name);
/* Nobody needs what it has: the keeper ends with this daemon. */
void keeper_forget(struct keeper *k);
struct keeper *keeper_close(struct keeper *k);

#endif
