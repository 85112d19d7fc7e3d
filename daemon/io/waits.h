/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who waits for pages now, put together from all who know: the threads, and clients that have not come back. */
#ifndef HMMD_IO_WAITS_H
#define HMMD_IO_WAITS_H

#include <stdint.h>

struct daemon;
struct space;

/* Looks anew: space->waiting.now of every client is right until the loop turns. The one that waits longest, NULL: nobody does. */
const struct space *waits_look(struct daemon *d, uint64_t now_us);
/* Once a second: waits of over a second are events, at most one a look for each user. */
void waits_tell(struct daemon *d, uint64_t now_us);

#endif
