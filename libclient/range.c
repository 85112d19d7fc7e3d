// SPDX-License-Identifier: LGPL-2.1-or-later
/* Ranges: their list, the hash from ids, and what callers may say about a part of one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/client.h"
#include "libclient/uffd.h"
#include "proto/ledger.h"
#include "proto/validate_field.h"

enum { FIRST_BUCKETS = 64 };

int range_new(struct hmm_client *c, void *addr, size_t size, struct range_settings *s,
	      struct hmm_range **ret)
{
	struct hmm_range *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->client = c;
	r->addr = addr;
	r->size = size;
	r->settings = s;
	r->users = 1;
	r->fd = -1;
	s->users++;
	*ret = r;
	return 0;
}

struct hmm_range *range_unref(struct hmm_range *r)
{
	if (!r || --r->users > 0)
		return NULL;
	range_settings_unref(r->settings);
	free(r);
	return NULL;
}

/* Ids are consecutive numbers, so their low bits are hash enough. */
static struct hmm_range **bucket_of(const struct range_table *t, uint64_t id)
{
	return &t->buckets[id & (t->n_buckets - 1)];
}

static void hash_insert(struct range_table *t, struct hmm_range *r)
{
	struct hmm_range **bucket = bucket_of(t, r->id);

	r->hash_next = *bucket;
	*bucket = r;
}

int range_table_reserve(struct range_table *t, size_t n)
{
	size_t wanted = t->n_buckets ? t->n_buckets : FIRST_BUCKETS;
	struct hmm_range **buckets;

	while (wanted < t->count + n)
		wanted *= 2;
	if (wanted == t->n_buckets)
		return 0;
	buckets = calloc(wanted, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	free(t->buckets);
	t->buckets = buckets;
	t->n_buckets = wanted;
	for (struct hmm_range *r = t->first; r; r = r->next)
		if (r->id)
			hash_insert(t, r);
	return 0;
}

static void hash_remove(struct range_table *t, struct hmm_range *r)
{
	struct hmm_range **p = bucket_of(t, r->id);

	while (*p != r)
		p = &(*p)->hash_next;
	*p = r->hash_next;
	r->hash_next = NULL;
}

void range_set_id(struct range_table *t, struct hmm_range *r, uint64_t id)
{
	if (r->id)
		hash_remove(t, r);
	r->id = id;
	if (id)
		hash_insert(t, r);
}

void range_link(struct range_table *t, struct hmm_range *r, uint64_t id)
{
	r->previous = t->last;
	r->next = NULL;
	*(t->last ? &t->last->next : &t->first) = r;
	t->last = r;
	t->count++;
	r->listed = true;
	range_set_id(t, r, id);
}

void range_unlink(struct range_table *t, struct hmm_range *r)
{
	range_set_id(t, r, 0);
	*(r->previous ? &r->previous->next : &t->first) = r->next;
	*(r->next ? &r->next->previous : &t->last) = r->previous;
	t->count--;
	r->listed = false;
}

struct hmm_range *range_find(const struct range_table *t, uint64_t id)
{
	struct hmm_range *r = id && t->n_buckets ? *bucket_of(t, id) : NULL;

	while (r && r->id != id)
		r = r->hash_next;
	return r;
}

static const char *wrong_span(const struct hmm_range *r, size_t off, size_t len)
{
	if (r->managed && (off % LEDGER_PAGE_SIZE || len % LEDGER_PAGE_SIZE))
		return "offset or length is not a multiple of the huge page size, 2M";
	if (off % VALIDATE_BASE_PAGE || len % VALIDATE_BASE_PAGE)
		return "offset or length is not a multiple of the base page size, 4K";
	if (off >= r->size || len > r->size - off)
		return "offset and length reach beyond the range";
	return NULL;
}

int range_span(const struct hmm_range *r, size_t off, size_t len, size_t *ret_len)
{
	const char *wrong = wrong_span(r, off, len);

	if (wrong) {
		client_refused(r->client, wrong);
		return -EINVAL;
	}
	*ret_len = len ? len : r->size - off;
	return 0;
}

void *hmm_range_addr(const struct hmm_range *r)
{
	return r ? r->addr : NULL;
}

size_t hmm_range_size(const struct hmm_range *r)
{
	return r ? r->size : 0;
}

const char *hmm_range_name(const struct hmm_range *r)
{
	return r ? r->settings->name : "";
}
