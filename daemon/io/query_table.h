/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One page of a listing while it is being filled: rows of cells in the order of the columns, bounded by
 * HMM_LIMIT_ROWS and by what fits into a frame. Everything lies in one buffer that the next page uses again.
 */
#ifndef HMMD_IO_QUERY_TABLE_H
#define HMMD_IO_QUERY_TABLE_H

#include <stdbool.h>
#include "proto/arena.h"
#include "proto/hmmd.pb-c.h"
#include "proto/limits.h"

/* enum hmm_unit of the public header, which the daemon does not include. */
enum unit {
	UNIT_TEXT = 0, UNIT_NUMBER = 1, UNIT_BYTES = 2, UNIT_US = 3, UNIT_NS = 4, UNIT_PER_SECOND = 5,
	UNIT_BYTES_PER_SECOND = 6, UNIT_PERCENT = 7, UNIT_ADDRESS = 8, UNIT_BOOL = 9
};
struct column {
	const char *name;
	enum unit unit;
};

enum {
	TABLE_BUFFER = 1024 * 1024,	/* bytes: 256 rows of 40 cells of 48 bytes, and their texts */
	TABLE_CELL_TEXT = HMM_LIMIT_TEXT + 1	/* bytes of one cell's text with its NUL; what is longer is cut */
};

struct table {
	struct arena arena;
	const struct column *columns;
	size_t n_columns, n_rows, packed;	/* packed: bytes of the rows so far on the wire */
	Hmmd__Row *rows[HMM_LIMIT_ROWS];
	Hmmd__Row *row;				/* being filled; NULL: none */
	bool full;				/* the page is at its end; cells go nowhere */
};

/* buffer: TABLE_BUFFER bytes, the caller's. */
void table_begin(struct table *t, void *buffer, const struct column *columns, size_t n_columns);
/* Begins a row. false: the page is full. */
bool table_row(struct table *t);
/* The next cell. NULL text: empty. */
void table_text(struct table *t, const char *text);
void table_textf(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_number(struct table *t, uint64_t number);
void table_number_if(struct table *t, bool known, uint64_t number);
void table_empty(struct table *t);
/* Ends the row. false: it did not fit and is to come first on the next page. */
bool table_row_end(struct table *t);
/* The message's parts, living in the buffer. false: no room. */
bool table_reply(struct table *t, Hmmd__QueryReply *ret);

#endif
