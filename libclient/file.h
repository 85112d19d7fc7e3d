/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files that managed ranges lie in, by the daemon's word: mostly one for all of them, of which each range is
 * a window, so that a program with many ranges does not run out of descriptors. A file is kept open for
 * as long as a range lies in it: a daemon that comes back may have no other way to it.
 */
#ifndef HMM_LIBCLIENT_FILE_H
#define HMM_LIBCLIENT_FILE_H

#include <stdint.h>

struct hmm_client;
struct hmm_range;

struct file {
	int fd;
	uint64_t inode;		/* 0: of one range alone */
	unsigned int users;	/* guarded by the client's lock: ranges, and requests for one */
};

/* All with the lock. The client's one file, held, or NULL: it has none yet. */
struct file *file_hold(struct hmm_client *c);
/*
 * Where the daemon has put the range. fd: what came with its answer, taken over, -1: `held` is meant.
 * -EPROTO: it is not.
 */
int file_place(struct hmm_client *c, struct hmm_range *r, struct file *held, uint64_t inode, uint64_t offset, int fd);
struct file *file_unref(struct hmm_client *c, struct file *f);
/* Without the lock, when nothing of the range is mapped any more: its window in a file that lives on is emptied. */
void file_clear(const struct hmm_range *r);

#endif
