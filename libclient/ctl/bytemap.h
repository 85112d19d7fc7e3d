/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cells that hold several sizes: "dram=134217728 memory=402653184". */
#ifndef HMMCTL_BYTEMAP_H
#define HMMCTL_BYTEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytemap_entry {
	const char *key;	/* points into the text, key_length characters */
	size_t key_length;
	uint64_t bytes;
};

/*
 * Takes the next entry from *cursor, which moves behind it. 0; 1 (BYTEMAP_END) at the end;
 * -EINVAL when the rest is no byte map.
 */
enum { BYTEMAP_END = 1 };
int bytemap_next(const char **cursor, struct bytemap_entry *ret);
/* Is the column of this name a byte map? */
bool bytemap_column(const char *name);

#endif
