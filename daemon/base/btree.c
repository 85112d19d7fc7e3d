// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disjoint intervals in a B+ tree (btree.h). A node has its keys side by side and finds one in
 * three steps of independent comparisons without a branch; empty keys are UINT64_MAX, which no
 * start can be, so a search need not know how many there are. A leaf is small enough that all of it
 * is fetched at once: one wait for memory, where a binary search over a million waits a dozen
 * times. A key of an inner node is the first start below its child, exactly: were it lower, the
 * interval that holds a point could lie in the leaf before. The first key of an inner node is never
 * needed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/btree.h"
#include "daemon/base/btree_node.h"

/* Nodes begin with a cache line, so that their keys fill as few as they can. */
void *btree_node_new(bool is_leaf)
{
	size_t size = is_leaf ? sizeof(struct leaf) : sizeof(struct inner);
	size_t lines = (size + CACHE_LINE - 1) / CACHE_LINE;
	void *node = aligned_alloc(CACHE_LINE, lines * CACHE_LINE);

	if (!node)
		return NULL;
	memset(node, 0, size);
	memset(node, 0xff, (is_leaf ? LEAF : INNER) * sizeof(uint64_t));
	return node;
}

int btree_new(struct btree **ret)
{
	struct btree *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->root = btree_node_new(true);
	if (!t->root)
		return btree_free(t), -ENOMEM;
	*ret = t;
	return 0;
}

static void node_free(void *node, unsigned int height)
{
	struct inner *in = node;
	uint32_t i;

	for (i = 0; height && i < in->n; i++)
		node_free(in->items[i], height - 1);
	free(node);
}

struct btree *btree_free(struct btree *t)
{
	if (!t)
		return NULL;
	if (t->root)
		node_free(t->root, t->height);
	free(t);
	return NULL;
}

static inline __attribute__((always_inline)) void fetch(const void *p, size_t bytes)
{
	const char *line = p;
	size_t i;

	for (i = 0; i < bytes; i += CACHE_LINE)
		__builtin_prefetch(line + i);
}

static inline const struct leaf *descend(const struct btree *t, uint64_t point)
{
	const void *node = t->root;
	unsigned int level;

	for (level = t->height; level > 1; level--) {
		node = ((const struct inner *)node)->items[child_index(node, point)];
		fetch(node, sizeof(((const struct inner *)node)->keys));
	}
	if (level) {
		node = ((const struct inner *)node)->items[child_index(node, point)];
		fetch(node, offsetof(struct leaf, n));
	}
	return node;
}

void *btree_find(const struct btree *t, uint64_t point)
{
	const struct leaf *l;
	uint32_t below;

	if (point == UINT64_MAX)
		return NULL;
	l = descend(t, point);
	below = rank(l->keys, LEAF, point);
	if (!below || l->ends[below - 1] <= point)
		return NULL;
	return l->items[below - 1];
}

void *btree_next(const struct btree *t, uint64_t point, uint64_t *ret_start, uint64_t *ret_end)
{
	const struct leaf *l;
	uint32_t i;

	if (point == UINT64_MAX)
		return NULL;
	l = descend(t, point);
	i = rank(l->keys, LEAF, point);
	if (i && l->ends[i - 1] > point)
		i--;
	if (i == l->n) {
		l = l->next;
		i = 0;
	}
	if (!l)
		return NULL;
	if (ret_start)
		*ret_start = l->keys[i];
	if (ret_end)
		*ret_end = l->ends[i];
	return l->items[i];
}

size_t btree_count(const struct btree *t)
{
	return t->count;
}
