/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for more page tables in a client's ledger. */
#ifndef HMMD_IO_REQUEST_TABLES_H
#define HMMD_IO_REQUEST_TABLES_H

struct space;

/* After SPACE_E_TABLES: doubles the ledger. -ENOSPC: it is as large as it gets. */
int request_grow_tables(struct space *s);

#endif
