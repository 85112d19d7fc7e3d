// SPDX-License-Identifier: LGPL-2.1-or-later
/* Every cell is made harmless (text.h) on its way in: this is the door to the screen. */
#include "libclient/ctl/grid.h"

#include <stdlib.h>

#include "libclient/ctl/text.h"

struct grid {
	size_t columns, cells, room;
	char **cell;
	char **head;
	bool *right;
};

struct grid *grid_new(size_t columns)
{
	struct grid *g = must(calloc(1, sizeof(*g)));

	g->columns = columns;
	g->head = must(calloc(columns, sizeof(*g->head)));
	g->right = must(calloc(columns, sizeof(*g->right)));
	return g;
}

struct grid *grid_free(struct grid *g)
{
	if (!g)
		return NULL;
	for (size_t i = 0; i < g->cells; i++)
		free(g->cell[i]);
	for (size_t i = 0; i < g->columns; i++)
		free(g->head[i]);
	free(g->cell);
	free(g->head);
	free(g->right);
	free(g);
	return NULL;
}

void grid_head(struct grid *g, size_t column, const char *head, bool right)
{
	free(g->head[column]);
	g->head[column] = head ? printable(head) : NULL;
	g->right[column] = right;
}

void grid_cell(struct grid *g, const char *text)
{
	if (g->cells == g->room) {
		g->room = g->room ? g->room * 2 : 64;
		g->cell = must(realloc(g->cell, g->room * sizeof(*g->cell)));
	}
	g->cell[g->cells++] = printable(text && *text ? text : "-");
}

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static size_t column_width(const struct grid *g, size_t column)
{
	size_t width = g->head[column] ? width_of(g->head[column]) : 0;

	for (size_t i = column; i < g->cells; i += g->columns)
		if (width_of(g->cell[i]) > width)
			width = width_of(g->cell[i]);
	return width;
}

static void print_cell(const struct grid *g, size_t column, size_t width, const char *text, FILE *out)
{
	int pad = (int)(width - width_of(text));
	bool last = column + 1 == g->columns;

	if (g->right[column])
		fprintf(out, "%*s%s", pad, "", text);
	else
		fprintf(out, "%s%*s", text, last ? 0 : pad, "");
	fputs(last ? "\n" : "  ", out);
}

void grid_print(const struct grid *g, FILE *out)
{
	size_t *width = must(calloc(g->columns, sizeof(*width)));

	for (size_t i = 0; i < g->columns; i++)
		width[i] = column_width(g, i);
	for (size_t i = 0; g->head[0] && i < g->columns; i++)
		print_cell(g, i, width[i], g->head[i] ? g->head[i] : "", out);
	for (size_t i = 0; i < g->cells; i++)
		print_cell(g, i % g->columns, width[i % g->columns], g->cell[i], out);
	free(width);
}
