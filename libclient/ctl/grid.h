/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table for people: cells are text, columns get the width of their widest cell. */
#ifndef HMMCTL_GRID_H
#define HMMCTL_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct grid;

struct grid *grid_new(size_t columns);
struct grid *grid_free(struct grid *g);
/* The heading of a column (NULL: none at all), and whether its cells stand at the right edge. */
void grid_head(struct grid *g, size_t column, const char *head, bool right);
/* The next cell, row by row; NULL or "" shows as "-". Bytes a terminal would obey become '?'. */
void grid_cell(struct grid *g, const char *text);
/* Headings (if there are any), then the rows. */
void grid_print(const struct grid *g, FILE *out);

#endif
