/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of a client's files, for ledgerfile.c, ledgercheck.c, rangefile.c and pinfile.c alone. */
#ifndef HMMD_IO_LEDGERFILE_OWN_H
#define HMMD_IO_LEDGERFILE_OWN_H

#include "daemon/base/radix.h"
#include "daemon/core/config.h"
#include "daemon/io/ledgerfile.h"

enum { PINFILE_VERSION = 1 };
enum { LEDGER_PATH = CONFIG_PATH + 32 };	/* the state directory, a client id, a suffix */

struct ledgerfile {
	uint64_t client;
	int fd, ranges, pins;		/* the files; the latter two are -1 until the first record */
	radix_word *arena;		/* LEDGER_MAX_TABLES mapped, `tables` of them in the file */
	void *owners;
	uint32_t tables;
	bool kept;			/* the files are not changed any more */
	bool removed;			/* they have no names any more: nobody will read what they say */
	uint64_t *ids;			/* of the records, in their order; 0: free */
	size_t n_ids, cap_ids;
	uint64_t next_window;		/* of an earlier daemon */
	uint32_t n_pins;		/* records of the pin file, the first and the free ones included */
	uint32_t *free_pins, n_free_pins, cap_free_pins;	/* their places */
	char path[LEDGER_PATH], new_path[LEDGER_PATH], ranges_path[LEDGER_PATH], pins_path[LEDGER_PATH];
};

/* 0; -EPROTONOSUPPORT: of another version; -EINVAL: a header or a link that no daemon wrote. `size`: of the file, bytes. */
int ledger_check(const radix_word *arena, uint64_t size, uint64_t client);
/* Opens the range file if there is one and learns the ids of its records. -EPROTONOSUPPORT: one is of another version. */
int rangefile_open(struct ledgerfile *l);
/* Opens the pin file if there is one. -EPROTONOSUPPORT: of another version; -EINVAL: damaged. */
int pinfile_open(struct ledgerfile *l);

#endif
