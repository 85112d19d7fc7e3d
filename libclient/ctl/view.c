// SPDX-License-Identifier: LGPL-2.1-or-later
/* The same listing twice: aligned columns for people, JSON with the names of the columns for scripts. */
#include "libclient/ctl/view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/ctl/bytemap.h"
#include "libclient/ctl/format.h"
#include "libclient/ctl/grid.h"
#include "libclient/ctl/text.h"

static bool shown_right(const struct hmm_table *t, const struct view_column *c)
{
	long column = table_column(t, c->key);

	return c->show != SHOW_CLOCK && hmm_table_column_unit(t, (size_t)column) != HMM_UNIT_TEXT;
}

static void add_cell(struct grid *g, const struct hmm_table *t, size_t row, const struct view_column *c)
{
	char *text = table_shown(t, row, c->key, c->show);

	grid_cell(g, text);
	free(text);
}

static void print(const struct view *v, const struct hmm_table *t, bool heads, FILE *out)
{
	size_t n = 0;
	struct grid *g;

	for (const struct view_column *c = v->columns; c->key; c++)
		n += table_column(t, c->key) >= 0;
	if (!n)
		return;
	g = grid_new(n);
	n = 0;
	for (const struct view_column *c = v->columns; c->key; c++)
		if (table_column(t, c->key) >= 0)
			grid_head(g, n++, heads ? c->head : NULL, shown_right(t, c));
	for (size_t row = 0; row < hmm_table_rows(t); row++)
		for (const struct view_column *c = v->columns; c->key; c++) {
			if (table_column(t, c->key) >= 0)
				add_cell(g, t, row, c);
		}
	grid_print(g, out);
	grid_free(g);
}

void view_print(const struct view *v, const struct hmm_table *t, FILE *out)
{
	if (!hmm_table_rows(t))
		fprintf(out, "%s\n", v->nothing);
	else
		print(v, t, true, out);
}

void view_print_rows(const struct view *v, const struct hmm_table *t, FILE *out)
{
	print(v, t, false, out);
}

static void print_named(const char *name, const struct hmm_table *t, size_t row, FILE *out)
{
	char *raw = table_shown(t, row, name, SHOW_UNIT), *text = printable(raw);

	fputs(*text ? text : "-", out);
	free(raw);
	free(text);
}

void view_line(const char *line, const struct hmm_table *t, size_t row, FILE *out)
{
	while (*line) {
		size_t plain = strcspn(line, "{"), length;
		char *name;

		fwrite(line, 1, plain, out);
		line += plain;
		if (!*line)
			break;
		length = strcspn(line, "}");
		name = must(strndup(line + 1, length - 1));
		print_named(name, t, row, out);
		free(name);
		line += length + (line[length] == '}');
	}
}

static struct json_object *json_map(const char *text)
{
	struct json_object *o = must(json_object_new_object());
	struct bytemap_entry e;

	while (bytemap_next(&text, &e) == 0) {
		char *key = must(strndup(e.key, e.key_length));

		json_object_object_add(o, key, must(json_object_new_uint64(e.bytes)));
		free(key);
	}
	return o;
}

struct json_object *json_text(const char *text)
{
	char *valid = valid_text(text);
	struct json_object *o = must(json_object_new_string(valid));

	free(valid);
	return o;
}

/* Addresses are text: that is how they are pasted into other commands. */
static struct json_object *json_number(enum hmm_unit unit, uint64_t n)
{
	char buf[FORMAT_MAX];

	if (unit == HMM_UNIT_BOOL)
		return must(json_object_new_boolean(n != 0));
	if (unit != HMM_UNIT_ADDRESS)
		return must(json_object_new_uint64(n));
	snprintf(buf, sizeof(buf), "0x%" PRIx64, n);
	return must(json_object_new_string(buf));
}

static struct json_object *json_cell(const struct hmm_table *t, size_t row, size_t column)
{
	const char *name = hmm_table_column_name(t, column);

	if (bytemap_column(name))
		return json_map(table_text(t, row, name));
	if (!hmm_table_has(t, row, column))
		return NULL;
	if (hmm_table_column_unit(t, column) == HMM_UNIT_TEXT)
		return json_text(table_text(t, row, name));
	return json_number(hmm_table_column_unit(t, column), hmm_table_number(t, row, column));
}

struct json_object *view_json_cell(const struct hmm_table *t, size_t row, const char *name)
{
	return json_cell(t, row, (size_t)table_column(t, name));
}

struct json_object *view_json_row(const struct hmm_table *t, size_t row)
{
	struct json_object *o = must(json_object_new_object());

	for (size_t c = 0; c < hmm_table_columns(t); c++)
		json_object_object_add(o, hmm_table_column_name(t, c), json_cell(t, row, c));
	return o;
}

struct json_object *view_json(const struct hmm_table *t)
{
	struct json_object *a = must(json_object_new_array());

	for (size_t row = 0; row < hmm_table_rows(t); row++)
		json_object_array_add(a, view_json_row(t, row));
	return a;
}

void view_json_print(struct json_object *o, FILE *out)
{
	fprintf(out, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
								JSON_C_TO_STRING_SPACED |
								JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}
