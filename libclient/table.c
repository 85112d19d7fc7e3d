// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of cells in one growing array, texts on their own. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/table.h"
#include "proto/limits.h"

enum { FIRST_ROWS = 64 };

struct cell {
	enum { CELL_EMPTY, CELL_TEXT, CELL_NUMBER } kind;
	union {
		char *text;
		uint64_t number;
	};
};

struct hmm_table {
	size_t n_columns, n_rows, cap_rows;
	struct {
		char name[HMM_LIMIT_NAME + 1];
		enum hmm_unit unit;
	} columns[HMM_LIMIT_COLUMNS];
	struct cell *cells;	/* n_rows times n_columns */
};

int table_new(struct hmm_table **ret)
{
	struct hmm_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	*ret = t;
	return 0;
}

struct hmm_table *hmm_table_free(struct hmm_table *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
		if (t->cells[i].kind == CELL_TEXT)
			free(t->cells[i].text);
	free(t->cells);
	free(t);
	return NULL;
}

static int set_columns(struct hmm_table *t, const Hmmd__QueryReply *page)
{
	if (t->n_rows > 0 || t->n_columns > 0)
		return page->n_column == t->n_columns ? 0 : -EPROTO;
	t->n_columns = page->n_column;
	for (size_t i = 0; i < t->n_columns; i++) {
		strncpy(t->columns[i].name, page->column[i]->name, HMM_LIMIT_NAME);
		t->columns[i].unit = (enum hmm_unit)page->column[i]->unit;
	}
	return 0;
}

static int make_room(struct hmm_table *t, size_t n)
{
	size_t wanted = t->cap_rows ? t->cap_rows : FIRST_ROWS;
	struct cell *cells;

	if (n > TABLE_ROWS - t->n_rows)
		return -E2BIG;
	while (wanted < t->n_rows + n)
		wanted *= 2;
	if (wanted == t->cap_rows)
		return 0;
	cells = reallocarray(t->cells, wanted * (t->n_columns ? t->n_columns : 1), sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	t->cells = cells;
	t->cap_rows = wanted;
	return 0;
}

static int set_cell(struct cell *cell, const Hmmd__Cell *from)
{
	*cell = (struct cell){ .kind = CELL_EMPTY };
	if (from->value_case == HMMD__CELL__VALUE_NUMBER) {
		cell->kind = CELL_NUMBER;
		cell->number = from->number;
	} else if (from->value_case == HMMD__CELL__VALUE_TEXT) {
		cell->text = strdup(from->text);
		if (!cell->text)
			return -ENOMEM;
		cell->kind = CELL_TEXT;
	}
	return 0;
}

/* The row counts from its first cell on, so that a half-built one is freed with the table. */
static int add_row(struct hmm_table *t, const Hmmd__Row *row)
{
	struct cell *cells = t->cells + t->n_rows * t->n_columns;
	int r = 0;

	for (size_t i = 0; i < t->n_columns; i++)
		cells[i] = (struct cell){ .kind = CELL_EMPTY };
	t->n_rows++;
	for (size_t i = 0; !r && i < t->n_columns; i++)
		r = set_cell(&cells[i], row->cell[i]);
	return r;
}

int table_add(struct hmm_table *t, const Hmmd__QueryReply *page)
{
	int r = set_columns(t, page);

	if (!r)
		r = make_room(t, page->n_row);
	for (size_t i = 0; !r && i < page->n_row; i++)
		r = add_row(t, page->row[i]);
	return r;
}

static const struct cell *cell_at(const struct hmm_table *t, size_t row, size_t column)
{
	if (!t || row >= t->n_rows || column >= t->n_columns)
		return NULL;
	return &t->cells[row * t->n_columns + column];
}

size_t hmm_table_rows(const struct hmm_table *t)
{
	return t ? t->n_rows : 0;
}

size_t hmm_table_columns(const struct hmm_table *t)
{
	return t ? t->n_columns : 0;
}

const char *hmm_table_column_name(const struct hmm_table *t, size_t column)
{
	return t && column < t->n_columns ? t->columns[column].name : NULL;
}

enum hmm_unit hmm_table_column_unit(const struct hmm_table *t, size_t column)
{
	return t && column < t->n_columns ? t->columns[column].unit : HMM_UNIT_TEXT;
}

const char *hmm_table_text(const struct hmm_table *t, size_t row, size_t column)
{
	const struct cell *cell = cell_at(t, row, column);

	return cell && cell->kind == CELL_TEXT ? cell->text : NULL;
}

uint64_t hmm_table_number(const struct hmm_table *t, size_t row, size_t column)
{
	const struct cell *cell = cell_at(t, row, column);

	return cell && cell->kind == CELL_NUMBER ? cell->number : 0;
}

int hmm_table_has(const struct hmm_table *t, size_t row, size_t column)
{
	const struct cell *cell = cell_at(t, row, column);

	return cell && cell->kind != CELL_EMPTY;
}
