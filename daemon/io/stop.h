/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIGTERM: no new work, moves under way end, then either every page is brought back to memory, or
 * (with a fd store, or where memory is short and the device keeps its contents) it stays at rest with
 * its ledger, and the next daemon finds it.
 */
#ifndef HMMD_IO_STOP_H
#define HMMD_IO_STOP_H

struct daemon;
void stop_begin(struct daemon *d);	/* returns at once; ends with uv_stop() and d->exit_status set */

#endif
