/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the memory of managed ranges comes from, and the tiers' devices. */
#ifndef HMMD_IO_DAEMON_BACKING_H
#define HMMD_IO_DAEMON_BACKING_H

#include <stdint.h>

struct daemon;

/* Opens the backing that survivors have, else chooses one as configured, and says why. -errno: what was demanded cannot be had (logged). */
int daemon_backing_open(struct daemon *d);
void daemon_backing_close(struct daemon *d);

/*
 * Opens the devices of tiers `first` and up; a tier whose device cannot be opened has failed, the daemon goes on.
 * -ENOMEM; -ESTALE (logged): it may hold pages of an earlier daemon that programs wait for.
 */
int daemon_tiers_open(struct daemon *d, unsigned int first);
void daemon_tier_failed(struct daemon *d, unsigned int tier, const char *why);
void daemon_tiers_close(struct daemon *d);

/* Bytes that tiers may take of hmmd's own memory, which a limit of its control group kills it for. */
uint64_t daemon_memory_wanted(const struct daemon *d);

#endif
