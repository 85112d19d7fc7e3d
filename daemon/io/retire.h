/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How ranges and spaces die: leave every table; wait until the fault threads have passed and the
 * holders (jobs, victims, notes) are gone; free. The wait never blocks the loop.
 */
#ifndef HMMD_IO_RETIRE_H
#define HMMD_IO_RETIRE_H

#include <stddef.h>
#include "daemon/core/space.h"

struct daemon;
typedef void retire_fn(void *userdata);

/* done (may be NULL) is called on the loop after the last one is freed and its backing file closed. Victim queues are emptied of them, running ops over them cancelled. */
int retire_ranges(struct daemon *d, struct range **ranges, size_t n, retire_fn *done, void *userdata);
/* Client gone: unserve, retire all ranges, close the userfaultfd, free the space, remove its ledger and range file, take it out of the fd store. */
void retire_space(struct daemon *d, struct space *s);
/*
 * The end, after crew_free(): every space that is left is freed in memory. Ledgers, range files, descriptors in
 * the store and slots stay as they are for the next daemon.
 */
void retire_rest(struct daemon *d);

#endif
