/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 64-bit id to pointer: open addressing, grows by doubling. Ids are never 0. */
#ifndef HMMD_BASE_IDMAP_H
#define HMMD_BASE_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap;

int idmap_new(struct idmap **ret);
struct idmap *idmap_free(struct idmap *m);
int idmap_put(struct idmap *m, uint64_t id,
	      void *value); /* -EEXIST, -EINVAL for id 0 or NULL, -ENOMEM */
void *idmap_get(const struct idmap *m, uint64_t id);		/* NULL: none */
void *idmap_take(struct idmap *m, uint64_t id);			/* removes; NULL: none */
size_t idmap_count(const struct idmap *m);
/* Walks all: *cursor starts at 0; NULL at the end. Nothing may be put or taken meanwhile. */
void *idmap_each(const struct idmap *m, size_t *cursor, uint64_t *ret_id);

#endif
