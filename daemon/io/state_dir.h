/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state directory: made, locked against a second daemon, and counting the daemons that used it. */
#ifndef HMMD_IO_STATE_DIR_H
#define HMMD_IO_STATE_DIR_H

#include <stdint.h>

enum { STATE_DIR_E_BUSY = 1 };

/*
 * *ret_lock keeps the lock while it is open. Every daemon gets the next generation, from 0, so that ids it
 * gives out were never given out before. 0, STATE_DIR_E_BUSY: another daemon has it; -errno.
 */
int state_dir_open(const char *dir, int *ret_lock, uint64_t *ret_generation);

#endif
