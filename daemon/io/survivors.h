/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs of an earlier daemon that live and have managed memory: what this daemon opens must fit what they have. */
#ifndef HMMD_IO_SURVIVORS_H
#define HMMD_IO_SURVIVORS_H

#include <stdint.h>

struct survivors {
	int32_t pid;		/* of one of them; 0: there is none */
	uint32_t backing;	/* of their ranges: enum Backing of the protocol */
	char who[64];		/* that one, or one of whom only the file is known; "": nobody */
};

/* Reads ledgers and range files in the state directory. Who cannot be told to have ended counts as living. -errno. */
int survivors_find(const char *state_dir, struct survivors *ret);
/* Removes what clients that have certainly ended left there. Takes no room: a full directory has some afterwards. */
void survivors_sweep(const char *state_dir);

#endif
