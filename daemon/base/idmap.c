// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 64-bit id to pointer (idmap.h): linear probing at most three quarters full; a removal moves later
 * entries back instead of leaving tombstones, so look-ups do not slow down with age.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/base/idmap.h"

enum { IDMAP_FIRST = 16 /* entries at the start; a power of two */ };

struct entry {
	uint64_t id;		/* 0: empty */
	void *value;
};

struct idmap {
	struct entry *entries;
	size_t mask, count;
};

/* Fibonacci hashing: ids are mostly consecutive. */
static size_t home(const struct idmap *m, uint64_t id)
{
	return (size_t)((id * 0x9e3779b97f4a7c15ULL) >> 20) & m->mask;
}

int idmap_new(struct idmap **ret)
{
	struct idmap *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->entries = calloc(IDMAP_FIRST, sizeof(*m->entries));
	if (!m->entries)
		return idmap_free(m), -ENOMEM;
	m->mask = IDMAP_FIRST - 1;
	*ret = m;
	return 0;
}

struct idmap *idmap_free(struct idmap *m)
{
	if (!m)
		return NULL;
	free(m->entries);
	free(m);
	return NULL;
}

/* The entry of this id, or the empty one where it would stand. */
static struct entry *probe(const struct idmap *m, uint64_t id)
{
	size_t i = home(m, id);

	while (m->entries[i].id && m->entries[i].id != id)
		i = (i + 1) & m->mask;
	return &m->entries[i];
}

static int grow(struct idmap *m)
{
	struct idmap wide = { .mask = m->mask * 2 + 1, .count = m->count };
	size_t i;

	wide.entries = calloc(wide.mask + 1, sizeof(*wide.entries));
	if (!wide.entries)
		return -ENOMEM;
	for (i = 0; i <= m->mask; i++)
		if (m->entries[i].id)
			*probe(&wide, m->entries[i].id) = m->entries[i];
	free(m->entries);
	*m = wide;
	return 0;
}

int idmap_put(struct idmap *m, uint64_t id, void *value)
{
	struct entry *e;
	int rc;

	if (!id || !value)
		return -EINVAL;
	if (probe(m, id)->id)
		return -EEXIST;
	if (m->count >= (m->mask + 1) / 4 * 3) {
		rc = grow(m);
		if (rc < 0)
			return rc;
	}
	e = probe(m, id);
	e->id = id;
	e->value = value;
	m->count++;
	return 0;
}

void *idmap_get(const struct idmap *m, uint64_t id)
{
	return id ? probe(m, id)->value : NULL;
}

/* Whether the entry at `from` may stand at the hole: the hole lies between its home and itself. */
static bool may_move(const struct idmap *m, size_t from, size_t hole)
{
	size_t start = home(m, m->entries[from].id);

	return ((from - start) & m->mask) >= ((from - hole) & m->mask);
}

void *idmap_take(struct idmap *m, uint64_t id)
{
	struct entry *e = id ? probe(m, id) : NULL;
	size_t hole, i;
	void *value;

	if (!e || !e->id)
		return NULL;
	value = e->value;
	hole = (size_t)(e - m->entries);
	for (i = (hole + 1) & m->mask; m->entries[i].id; i = (i + 1) & m->mask)
		if (may_move(m, i, hole)) {
			m->entries[hole] = m->entries[i];
			hole = i;
		}
	m->entries[hole] = (struct entry){ 0, NULL };
	m->count--;
	return value;
}

size_t idmap_count(const struct idmap *m)
{
	return m->count;
}

void *idmap_each(const struct idmap *m, size_t *cursor, uint64_t *ret_id)
{
	const struct entry *e;

	while (*cursor <= m->mask) {
		e = &m->entries[(*cursor)++];
		if (!e->id)
			continue;
		if (ret_id)
			*ret_id = e->id;
		return e->value;
	}
	return NULL;
}
