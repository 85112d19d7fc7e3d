/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first slot of a file device: whose contents these are. A file that was cut, put in another's place, or
 * brought back from an older copy while no daemon looked must not be read as if it still held what pages were
 * put there, so the superblock names the device (uuid), its opening (generation) and its extent, and the record
 * of the tiers names the same.
 */
#ifndef HMM_DRIVERS_FILE_SUPERBLOCK_H
#define HMM_DRIVERS_FILE_SUPERBLOCK_H

#include "drivers/device.h"

enum {
	SUPERBLOCK_E_BLANK = 1,		/* nothing was ever written there: zeros */
	SUPERBLOCK_E_FOREIGN = 2,	/* there is something, and it is no superblock, or a damaged one */
	SUPERBLOCK_E_VERSION = 3	/* of another version of hmmd */
};

struct superblock {
	struct hmm_device_identity identity;
	uint64_t slot_size, capacity;	/* bytes; what the superblock lies in is not counted */
	bool allocated;			/* the file system had given room for all of it */
};

/* 0, SUPERBLOCK_E_* or -errno. The descriptor reads through the page cache. */
int superblock_read(int fd, struct superblock *ret);
int superblock_write(int fd, const struct superblock *s);

#endif
