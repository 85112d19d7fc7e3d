/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes of the interval tree, for btree.c, which looks up, and btree_change.c, which changes it. */
#ifndef HMMD_BASE_BTREE_NODE_H
#define HMMD_BASE_BTREE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CACHE_LINE = 64,	/* bytes */
	LINE_KEYS = CACHE_LINE / sizeof(uint64_t),
	INNER = 4 * LINE_KEYS,	/* children of an inner node */
	LEAF = 2 * LINE_KEYS	/* intervals of a leaf */
};

struct inner {
	uint64_t keys[INNER];
	void *items[INNER];	/* children */
	uint32_t n;
};

struct leaf {
	uint64_t keys[LEAF];
	uint64_t ends[LEAF];
	void *items[LEAF];	/* values */
	uint32_t n;
	struct leaf *next;	/* in order of keys */
};

struct btree {
	void *root;
	unsigned int height;	/* levels of inner nodes above the leaves */
	size_t count;
};

void *btree_node_new(bool is_leaf);	/* NULL: no memory */

/*
 * How many keys are at most `point`, which is below UINT64_MAX: which line, which pair of it, which
 * of the two.
 */
static inline __attribute__((always_inline)) uint32_t rank(const uint64_t *keys, uint32_t width,
							   uint64_t point)
{
	const uint64_t *at = keys;
	uint32_t i, line = 0;

	for (i = LINE_KEYS - 1; i + 1 < width; i += LINE_KEYS)
		line += keys[i] <= point;
	at += line * LINE_KEYS;
	at += 2 * ((at[1] <= point) + (at[3] <= point) + (at[5] <= point));
	return (uint32_t)(at - keys) + (at[0] <= point) + (at[1] <= point);
}

static inline uint32_t child_index(const struct inner *n, uint64_t point)
{
	uint32_t below = rank(n->keys, INNER, point);

	return below ? below - 1 : 0;
}

#endif
