// SPDX-License-Identifier: GPL-2.0-or-later
/* Pages of listings. A row that does not fit is withdrawn whole, so a page never shows half of one.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/io/query_table.h"
#include "proto/text.h"

/* What the columns, the cursor and the tags around them may take of a frame. */
enum { FRAME_ROWS = HMM_LIMIT_FRAME - 4096, ROW_TAG = 4 /* bytes: field tag and length */ };

void table_begin(struct table *t, void *buffer, const struct column *columns, size_t n_columns)
{
	assert(n_columns <= HMM_LIMIT_COLUMNS);
	t->columns = columns;
	t->n_columns = n_columns;
	t->n_rows = 0;
	t->packed = 0;
	t->row = NULL;
	t->full = false;
	arena_init(&t->arena, buffer, TABLE_BUFFER);
}

bool table_row(struct table *t)
{
	Hmmd__Row *row;

	assert(!t->row);
	if (t->full || t->n_rows == HMM_LIMIT_ROWS) {
		t->full = true;
		return false;
	}
	row = arena_alloc(&t->arena, sizeof(*row));
	if (row) {
		hmmd__row__init(row);
		row->cell = arena_alloc(&t->arena, t->n_columns * sizeof(*row->cell));
	}
	if (!row || !row->cell) {
		t->full = true;
		return false;
	}
	t->row = row;
	return true;
}

/* NULL: there is no room, the row will not be taken. */
static Hmmd__Cell *next_cell(struct table *t)
{
	Hmmd__Cell *cell;

	if (t->full)
		return NULL;
	assert(t->row && t->row->n_cell < t->n_columns);
	cell = arena_alloc(&t->arena, sizeof(*cell));
	if (!cell) {
		t->full = true;
		return NULL;
	}
	hmmd__cell__init(cell);
	t->row->cell[t->row->n_cell++] = cell;
	return cell;
}

void table_empty(struct table *t)
{
	next_cell(t);
}

void table_number(struct table *t, uint64_t number)
{
	Hmmd__Cell *cell = next_cell(t);

	if (!cell)
		return;
	cell->value_case = HMMD__CELL__VALUE_NUMBER;
	cell->number = number;
}

void table_number_if(struct table *t, bool known, uint64_t number)
{
	if (known)
		table_number(t, number);
	else
		table_empty(t);
}

void table_text(struct table *t, const char *text)
{
	Hmmd__Cell *cell = next_cell(t);
	char shown[TABLE_CELL_TEXT];
	size_t size;
	char *copy;

	if (!cell || !text)
		return;
	text_escape(shown, sizeof(shown), text, "");
	size = strlen(shown);
	copy = arena_alloc(&t->arena, size + 1);
	if (!copy) {
		t->full = true;
		return;
	}
	memcpy(copy, shown, size + 1);
	cell->value_case = HMMD__CELL__VALUE_TEXT;
	cell->text = copy;
}

void table_textf(struct table *t, const char *format, ...)
{
	char text[TABLE_CELL_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	table_text(t, text);
}

bool table_row_end(struct table *t)
{
	Hmmd__Row *row = t->row;
	size_t packed;

	t->row = NULL;
	if (t->full)
		return false;
	assert(row->n_cell == t->n_columns);
	packed = hmmd__row__get_packed_size(row) + ROW_TAG;
	if (packed > FRAME_ROWS - t->packed) {
		t->full = true;
		return false;
	}
	t->packed += packed;
	t->rows[t->n_rows++] = row;
	return true;
}

bool table_reply(struct table *t, Hmmd__QueryReply *ret)
{
	Hmmd__Column **list = arena_alloc(&t->arena, t->n_columns * sizeof(*list));
	Hmmd__Column *columns = arena_alloc(&t->arena, t->n_columns * sizeof(*columns));

	if (!list || !columns)
		return false;
	for (size_t i = 0; i < t->n_columns; i++) {
		hmmd__column__init(&columns[i]);
		columns[i].name = (char *)(uintptr_t)t->columns[i].name;
		columns[i].unit = t->columns[i].unit;
		list[i] = &columns[i];
	}
	ret->column = list;
	ret->n_column = t->n_columns;
	ret->row = t->rows;
	ret->n_row = t->n_rows;
	return true;
}
