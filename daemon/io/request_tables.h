/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables in a client's ledger, and records beside it: room for more, and what is not needed any more given back. */
#ifndef HMMD_IO_REQUEST_TABLES_H
#define HMMD_IO_REQUEST_TABLES_H

#include <stdint.h>

struct space;

/*
 * After SPACE_E_TABLES: makes room for what was lacking. SPACE_E_LEDGER, SPACE_E_STATE_FULL; -ENOSPC: the ledger is
 * as large as it gets.
 */
int request_grow_tables(struct space *s);
/*
 * Gives free tables back but for so many. After space_recovered() all of them, for some may have no memory; then
 * after space_reclaim().
 */
enum { TABLES_SPARE = 16 };
void request_free_tables(struct space *s, uint32_t spare);

/* Before a new record is written: 0 or SPACE_E_STATE_FULL, because the last part of the directory is not for this user. */
int request_records_begin(struct space *s);
/*
 * After records were written or dropped, with what came of it: what they take is charged. 0; SPACE_E_LEDGER: it is too
 * much, drop it again; SPACE_E_STATE_FULL, -errno: it was not written.
 */
int request_records_end(struct space *s, int rc);

#endif
