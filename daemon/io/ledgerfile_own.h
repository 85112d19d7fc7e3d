/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of a client's files, for ledgerfile.c, ledgercheck.c and rangefile.c alone. */
#ifndef HMMD_IO_LEDGERFILE_OWN_H
#define HMMD_IO_LEDGERFILE_OWN_H

#include "daemon/base/radix.h"
#include "daemon/core/config.h"
#include "daemon/io/ledgerfile.h"

enum { LEDGER_PATH = CONFIG_PATH + 32 };	/* the state directory, a client id, a suffix */

struct ledgerfile {
	uint64_t client;
	int fd, ranges;			/* the two files; ranges is -1 until the first record */
	radix_word *arena;		/* LEDGER_MAX_TABLES mapped, `tables` of them in the file */
	void *owners;
	uint32_t tables;
	bool kept;			/* the files are not changed any more */
	uint64_t *ids;			/* of the records, in their order; 0: free */
	size_t n_ids, cap_ids;
	uint64_t next_window;		/* of an earlier daemon */
	char path[LEDGER_PATH], ranges_path[LEDGER_PATH];
};

/* 0, or -EINVAL: a header or a link that no daemon wrote. `size`: of the file, bytes. */
int ledger_check(const radix_word *arena, uint64_t size, uint64_t client);
/* Opens the range file if there is one and learns the ids of its records. */
int rangefile_open(struct ledgerfile *l);

#endif
