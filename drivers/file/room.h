/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The room that a file device takes: all of it when it is opened, or none. */
#ifndef HMM_DRIVERS_FILE_ROOM_H
#define HMM_DRIVERS_FILE_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Room for size bytes in a file or on a disk. -ENOSPC, with words of how much is missing where why is not NULL, and
 * another -errno: a file has the size that it had, and what lies beyond that is given back; holes of a sparse one may have
 * been filled.
 */
int room_take(int fd, uint64_t size, char *why, size_t why_size);
/* Whether the file has all of its room. False for disks. */
bool room_is_taken(const struct stat *st, uint64_t size);
/* -ENOSPC: the disk is smaller. */
int room_of_disk(int fd, uint64_t size);

#endif
