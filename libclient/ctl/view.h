/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a listing of the daemon is shown. A view names the columns that people see, in which order and
 * under which heading; scripts get every column under its own name.
 */
#ifndef HMMCTL_VIEW_H
#define HMMCTL_VIEW_H

#include <hmmclient.h>
#include <json-c/json_object.h>
#include <stdio.h>

enum show {
	SHOW_UNIT,	/* as the unit of the column says */
	SHOW_SHARE,	/* byte map, each as a share of the column `used` */
	SHOW_CLOCK	/* microseconds since 1970, in local time */
};
struct view_column {
	const char *key;	/* name of the listing's column */
	const char *head;
	enum show show;
};
struct view {
	const struct view_column *columns;	/* ends with key NULL */
	const char *nothing;			/* said instead of an empty table */
	const char *nothing_own;		/* the same to who sees only what is its own; NULL: all see all */
};

/* Columns that an older daemon does not have are left out. */
void view_print(const struct view *v, const struct hmm_table *t, FILE *out);
/* Rows alone, below each other without headings. */
void view_print_rows(const struct view *v, const struct hmm_table *t, FILE *out);
/* A line with {column} in the places of cells of one row; "-" for an empty one. */
void view_line(const char *line, const struct hmm_table *t, size_t row, FILE *out);
/* The cell of that name, which this daemon has. */
struct json_object *view_json_cell(const struct hmm_table *t, size_t row, const char *name);
/* One row as an object, all rows as an array of objects. Empty cells are null. */
struct json_object *view_json_row(const struct hmm_table *t, size_t row);
struct json_object *view_json(const struct hmm_table *t);
struct json_object *json_text(const char *text);
/* Prints and frees. */
void view_json_print(struct json_object *o, FILE *out);

/* A column by name: its index, or -1 when this daemon does not have it. */
long table_column(const struct hmm_table *t, const char *name);
/* Cells by name; 0 and "" when empty or not there. */
uint64_t table_number(const struct hmm_table *t, size_t row, const char *name);
const char *table_text(const struct hmm_table *t, size_t row, const char *name);
int table_has(const struct hmm_table *t, size_t row, const char *name);
/* A cell as people read it, to be freed. */
char *table_shown(const struct hmm_table *t, size_t row, const char *name, enum show show);

#endif
