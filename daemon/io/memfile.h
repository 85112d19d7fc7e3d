/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that managed ranges lie in. A client that can map windows (FEATURE_WINDOWS) has one file, whatever
 * the number of its ranges: one descriptor here, one there, one in the store. Others get a file for each range.
 * A file lives as long as ranges do that lie in it. Loop thread only; threads use the descriptor in the range.
 */
#ifndef HMMD_IO_MEMFILE_H
#define HMMD_IO_MEMFILE_H

#include "daemon/core/space.h"
#include "daemon/io/ledgerfile.h"

struct daemon;

struct memfile {
	int fd;				/* -1: of an earlier daemon, and nobody has sent it yet */
	bool shared;			/* the client's one file */
	bool stored;			/* offered to the store */
	struct charge place;		/* in there */
	unsigned int users;		/* ranges */
	uint64_t id;			/* its name in the store: the client's, or that of its only range */
	uint64_t inode, size;
	uint64_t next;			/* where the next window begins */
	struct space *space;
	uint8_t home;			/* of the range that came last */
	/* of blocks.c: */
	struct list_node counted;
	uint64_t count;			/* the last one that it was in */
	bool looked_at;			/* just now, by another thread: the descriptor and all else stays */
};

/* Gives a new range its file and its place in there. windows: the client can map them. -errno. */
int memfile_take(struct daemon *d, struct range *r, bool windows);
/* The same for a range on record, without the descriptor. -ENOMEM. */
int memfile_restore(struct daemon *d, struct range *r, const struct range_record *rec);
void memfile_to_record(const struct range *r, struct range_record *rec);
/* Its descriptor is here, from the store if need be. */
bool memfile_at_hand(struct range *r);
/*
 * The client says that this is the file of a range; -1: one that it has sent already. Taken over on success.
 * -EINVAL: it is not.
 */
int memfile_sent(struct daemon *d, struct range *r, int fd);
/* Whether the file at hand is as it was and reaches to the end of the range, which then has its descriptor. */
bool memfile_open(struct daemon *d, struct range *r);
/* Into the store, once for a file; charged to the user. 0, SPACE_E_STORE, SPACE_E_STORED, -errno. */
enum { MEMFILE_NAME = 32 };
int memfile_store(struct range *r);
/* The range ends. The last one of a file closes it, and has it forgotten by the store unless the next daemon shall find it. */
void memfile_drop(struct daemon *d, struct range *r);
void memfile_end(struct memfile *f);	/* the last step of that, when nobody looks at it (blocks.h) */

#endif
