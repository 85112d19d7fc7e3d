/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has added how much to the machine's overcommit of huge pages, in one file for all daemons of the machine,
 * outside their state directories: a daemon that was killed may never come back to its own. Only who may set the
 * overcommit may open it, so that its lock is nobody else's to hold.
 */
#ifndef HMMD_MECH_HUGEPOOL_RECORD_H
#define HMMD_MECH_HUGEPOOL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

enum {
	HUGEPOOL_SHARES = 32,		/* daemons at a time */
	HUGEPOOL_E_VERSION = 1,		/* the file is not one of this version of hmmd */
	HUGEPOOL_E_BUSY = 2,		/* somebody has it locked, or as many daemons as can be */
	HUGEPOOL_E_NONE = 3		/* there is no such file */
};

struct hugepool_share {
	uint64_t pages, next;		/* next: after the change under way */
};
struct hugepool_record {
	int fd;
	int own;			/* the share of this process, -1: none */
	uint64_t setting, next;		/* pages: what daemons left there, and what it becomes */
	struct hugepool_share shares[HUGEPOOL_SHARES];
};

/* Opens the file, which is made when it is missing and `make`. 0, -errno, HUGEPOOL_E_NONE. */
int hugepool_record_open(struct hugepool_record *r, const char *path, bool make);
void hugepool_record_close(struct hugepool_record *r);
/*
 * Takes the lock and reads: what daemons that are no more had added is taken away, and when somebody else has
 * changed the setting, that is what counts and nothing is added any more. 0, -errno, HUGEPOOL_E_VERSION,
 * HUGEPOOL_E_BUSY. Until hugepool_record_end().
 */
int hugepool_record_begin(struct hugepool_record *r);
void hugepool_record_end(struct hugepool_record *r);
/* Between the two: a share of this process, which is nobody's any more when it ends, however it does. HUGEPOOL_E_BUSY. */
int hugepool_record_join(struct hugepool_record *r);
/* Sets the own share and the setting with it; being killed at any point leaves both told apart. 0, -errno. */
int hugepool_record_set(struct hugepool_record *r, uint64_t pages);

#endif
