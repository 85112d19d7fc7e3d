/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state directory: made, locked against a second daemon, and counting the daemons that used it. */
#ifndef HMMD_IO_STATE_DIR_H
#define HMMD_IO_STATE_DIR_H

#include <stdbool.h>
#include <stdint.h>

struct config;

enum { STATE_DIR_E_BUSY = 1 };

/*
 * *ret_lock keeps the lock while it is open. Writes nothing, so that a full directory can be cleaned first. 0,
 * STATE_DIR_E_BUSY: another daemon has it; -errno.
 */
int state_dir_lock(const char *dir, int *ret_lock);
/* Every daemon gets the next generation, from 0, so that ids it gives out were never given out before. 0, -errno. */
int state_dir_count(int lock, uint64_t *ret_generation);
/* Whether a uid may take so much more of it: the last part is kept for root and hmmd's own user. */
bool state_dir_has_room(const char *dir, uint32_t uid, uint64_t bytes);
/* Puts figures where quotas of a configuration say CONFIG_AUTO. */
void state_dir_shares(struct config *c);

#endif
