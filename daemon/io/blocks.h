/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much lies in the files of managed ranges, whoever has put it there (daemon/core/excess.h): counted twice a
 * second by an errand of the user, for a program can make whoever looks at its file wait. Loop thread only.
 */
#ifndef HMMD_IO_BLOCKS_H
#define HMMD_IO_BLOCKS_H

#include <stdbool.h>

struct blocks;
struct daemon;
struct memfile;

int blocks_start(struct daemon *d);	/* needs d->counts. 0, -errno */
/* Nothing is begun any more; counts under way are waited for by errands_end(). */
void blocks_stop(struct daemon *d);
/* After the last file is gone and the loop has closed its handles. */
struct blocks *blocks_free(struct blocks *b);
/* A new file, of a space that is known. 0, -ENOMEM. */
int blocks_add(struct daemon *d, struct memfile *f);
/* It is not counted any more. False: somebody looks at it just now, and memfile_end() comes afterwards. */
bool blocks_remove(struct memfile *f);

#endif
