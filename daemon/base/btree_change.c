// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Insertion and removal (btree.h). Changes go from the root down in one pass: full nodes are split
 * and thin ones filled on the way, so there is no way back up and a failed allocation leaves a
 * whole tree.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/btree.h"
#include "daemon/base/btree_node.h"

/* What both kinds of nodes have, for the code that changes them. */
struct view {
	void *node;
	uint64_t *keys, *ends;	/* ends NULL: an inner node */
	void **items;
	uint32_t *n, width;
};

static struct view view_of(void *node, bool is_leaf)
{
	struct leaf *l = node;
	struct inner *i = node;

	if (is_leaf)
		return (struct view){ node, l->keys, l->ends, l->items, &l->n, LEAF };
	return (struct view){ node, i->keys, NULL, i->items, &i->n, INNER };
}

/* Copies `n` entries from one place to another of the same level. */
static void entries_move(struct view to, uint32_t to_i, struct view from, uint32_t from_i,
			 uint32_t n)
{
	memmove(to.keys + to_i, from.keys + from_i, n * sizeof(*to.keys));
	memmove(to.items + to_i, from.items + from_i, n * sizeof(*to.items));
	if (to.ends)
		memmove(to.ends + to_i, from.ends + from_i, n * sizeof(*to.ends));
}

/* Keys behind the last one are empty again. */
static void count_set(struct view v, uint32_t n)
{
	*v.n = n;
	memset(v.keys + n, 0xff, (v.width - n) * sizeof(*v.keys));
}

/* Makes room for an entry at i. */
static void entry_insert(struct view v, uint32_t i, uint64_t key, void *item)
{
	entries_move(v, i + 1, v, i, *v.n - i);
	v.keys[i] = key;
	v.items[i] = item;
	++*v.n;
}

static void entry_remove(struct view v, uint32_t i)
{
	entries_move(v, i, v, i + 1, *v.n - i - 1);
	count_set(v, *v.n - 1);
}

/*
 * Splits the full child i of a parent that has room. Who appends at the end leaves the left node
 * full: ranges are mostly registered in the order of their addresses.
 */
static int child_split(struct inner *parent, uint32_t i, bool is_leaf, uint64_t start)
{
	struct view left = view_of(parent->items[i], is_leaf), right;
	uint32_t keep = start > left.keys[left.width - 1] ? left.width - 1 : left.width / 2;
	void *node = btree_node_new(is_leaf);

	if (!node)
		return -ENOMEM;
	right = view_of(node, is_leaf);
	entries_move(right, 0, left, keep, left.width - keep);
	count_set(right, left.width - keep);
	count_set(left, keep);
	if (is_leaf) {
		((struct leaf *)right.node)->next = ((struct leaf *)left.node)->next;
		((struct leaf *)left.node)->next = right.node;
	}
	entry_insert(view_of(parent, false), i + 1, right.keys[0], node);
	return 0;
}

static bool is_full(void *node, bool is_leaf)
{
	struct view v = view_of(node, is_leaf);

	return *v.n == v.width;
}

/* Below this a node on the way of a removal is filled first. */
static bool is_thin(void *node, bool is_leaf)
{
	struct view v = view_of(node, is_leaf);

	return *v.n <= v.width / 4;
}

static int root_split(struct btree *t, uint64_t start)
{
	struct inner *root = btree_node_new(false);

	if (!root)
		return -ENOMEM;
	root->items[0] = t->root;
	root->keys[0] = 0;
	root->n = 1;
	if (child_split(root, 0, !t->height, start) < 0)
		return free(root), -ENOMEM;
	t->root = root;
	t->height++;
	return 0;
}

static bool overlaps(const struct btree *t, uint64_t start, uint64_t end)
{
	uint64_t next_start;

	return btree_next(t, start, &next_start, NULL) && next_start < end;
}

/* The leaf in which it belongs, with room for it. */
static int make_way(struct btree *t, uint64_t start, struct leaf **ret)
{
	struct inner *n;
	unsigned int level;
	uint32_t i;

	if (is_full(t->root, !t->height) && root_split(t, start) < 0)
		return -ENOMEM;
	for (n = t->root, level = t->height; level > 0; level--) {
		i = child_index(n, start);
		if (is_full(n->items[i], level == 1)) {
			if (child_split(n, i, level == 1, start) < 0)
				return -ENOMEM;
			i = child_index(n, start);
		}
		n = n->items[i];
	}
	*ret = (void *)n;
	return 0;
}

int btree_insert(struct btree *t, uint64_t start, uint64_t end, void *value)
{
	struct leaf *l;
	uint32_t i;

	if (start >= end || !value)
		return -EINVAL;
	if (overlaps(t, start, end))
		return BTREE_E_OVERLAP;
	if (make_way(t, start, &l) < 0)
		return -ENOMEM;
	i = rank(l->keys, LEAF, start);
	entry_insert(view_of(l, true), i, start, value);
	l->ends[i] = end;
	t->count++;
	return 0;
}

static void children_merge(struct inner *parent, uint32_t i, struct view left, struct view right)
{
	entries_move(left, *left.n, right, 0, *right.n);
	*left.n += *right.n;
	if (left.ends)
		((struct leaf *)left.node)->next = ((struct leaf *)right.node)->next;
	free(right.node);
	entry_remove(view_of(parent, false), i + 1);
}

/* Makes two neighbours equally full. */
static void children_level(struct view left, struct view right)
{
	uint32_t total = *left.n + *right.n, want = total / 2, n;

	if (*left.n < want) {
		n = want - *left.n;
		entries_move(left, *left.n, right, 0, n);
		entries_move(right, 0, right, n, *right.n - n);
	} else {
		n = *left.n - want;
		entries_move(right, n, right, 0, *right.n);
		entries_move(right, 0, left, want, n);
	}
	count_set(left, want);
	count_set(right, total - want);
}

/*
 * Child i is thin: it is merged with a neighbour, or they share. The parent has at least two
 * children.
 */
static void child_fill(struct inner *parent, uint32_t i, bool is_leaf)
{
	struct view left, right;

	if (i + 1 == parent->n)
		i--;
	left = view_of(parent->items[i], is_leaf);
	right = view_of(parent->items[i + 1], is_leaf);
	if (!is_leaf)
		right.keys[0] = parent->keys[i + 1];
	if (*left.n + *right.n <= left.width) {
		children_merge(parent, i, left, right);
	} else {
		children_level(left, right);
		parent->keys[i + 1] = right.keys[0];
	}
}

static void root_collapse(struct btree *t)
{
	struct inner *root;

	while (t->height && ((struct inner *)t->root)->n == 1) {
		root = t->root;
		t->root = root->items[0];
		t->height--;
		free(root);
	}
}

/* Filling on the way keeps every node but the root from running empty. */
int btree_remove(struct btree *t, uint64_t start, void **ret_value)
{
	struct inner *n;
	struct leaf *l;
	unsigned int level;
	uint64_t found, *bound = NULL;
	uint32_t i;

	if (!btree_next(t, start, &found, NULL) || found != start)
		return BTREE_E_NONE;
	for (n = t->root, level = t->height; level > 0; level--) {
		i = child_index(n, start);
		if (is_thin(n->items[i], level == 1)) {
			child_fill(n, i, level == 1);
			i = child_index(n, start);
		}
		if (i)
			bound = &n->keys[i];
		n = n->items[i];
	}
	l = (void *)n;
	i = rank(l->keys, LEAF, start) - 1;
	if (ret_value)
		*ret_value = l->items[i];
	entry_remove(view_of(l, true), i);
	if (!i && bound)
		*bound = l->keys[0];
	root_collapse(t);
	t->count--;
	return 0;
}
