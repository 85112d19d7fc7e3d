/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An interval tree of disjoint half-open intervals [start, end): a B+ tree with wide nodes, because
 * a look-up among a million ranges is a matter of cache lines, not of comparisons. Intervals never
 * overlap (an overlap is refused), so no augmented maximum is needed.
 */
#ifndef HMMD_BASE_BTREE_H
#define HMMD_BASE_BTREE_H

#include <stddef.h>
#include <stdint.h>

struct btree;
enum { BTREE_E_OVERLAP = 1, BTREE_E_NONE = 2 };

int btree_new(struct btree **ret);
struct btree *btree_free(struct btree *t);	/* values are the caller's */
/* -EINVAL for start >= end, -ENOMEM (tree unchanged), BTREE_E_OVERLAP. value is not NULL. */
int btree_insert(struct btree *t, uint64_t start, uint64_t end, void *value);
/* By exact start. BTREE_E_NONE. ret_value may be NULL. */
int btree_remove(struct btree *t, uint64_t start, void **ret_value);
void *btree_find(const struct btree *t,
		 uint64_t point); /* the value whose interval holds point, or NULL */
/* First interval that ends after `point` (holds it or lies beyond): NULL at the end. */
void *btree_next(const struct btree *t, uint64_t point, uint64_t *ret_start, uint64_t *ret_end);
size_t btree_count(const struct btree *t);

#endif
