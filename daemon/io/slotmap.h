/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose each slot of a device is, on record beside the ledgers: one file for each device in the state directory,
 * slots.TIER with the tier's place, a client id for each slot. The ledgers say the same and more; this is for the day
 * on which one of them cannot be used: then its client's slots are still known, and nobody else gets them. Where
 * the map itself cannot be trusted, a device hands out no slot at all while there is such a ledger.
 */
#ifndef HMMD_IO_SLOTMAP_H
#define HMMD_IO_SLOTMAP_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;
struct mover_device;

/* For a device that is open. Without a map it works as well, and that is logged. */
void slotmap_open(struct daemon *d, unsigned int tier);
/* Of a device that is not open yet: a program that may live has slots there, or that cannot be told. */
bool slotmap_wanted(const struct daemon *d, unsigned int tier);
void slotmap_close(struct mover_device *device);
/* Every ledger has been read, or noted as unreadable (unreadable.h): takes the slots of these, forgets what is stale. */
void slotmaps_settle(struct daemon *d);
/* That client is none of those any more: its slots are free. */
void slotmaps_release(struct daemon *d, uint64_t client);

#endif
