/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ranges of a client: a list in the order they came, and a hash from the daemon's ids, which
 * events and zaps carry. All functions with the client's lock held unless they say otherwise.
 */
#ifndef HMM_LIBCLIENT_RANGE_H
#define HMM_LIBCLIENT_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libclient/public.h"
#include "proto/hmmd.pb-c.h"

struct uffd;

/* Shared by all ranges of one call. */
struct range_settings {
	unsigned int users;	/* guarded by the client's lock once a range has it */
	char *name, *policy, *prefer;	/* inside text; "" for none */
	uint32_t flags;
	char text[];
};

struct hmm_range {
	struct hmm_client *client;	/* not counted: the client frees its ranges */
	uint8_t *addr;
	size_t size;
	bool managed;
	struct range_settings *settings;
	/* Guarded by the client's lock: */
	unsigned int users;		/* the list, and events that name it */
	bool listed;
	bool lost;			/* managed: no daemon serves it any more */
	bool told;			/* managed: that a part is not ours any more */
	uint64_t id;			/* 0: the daemon does not know it */
	struct file *file;		/* NULL for adopted memory */
	int fd;				/* its descriptor, which is the file's to close; -1 for adopted memory */
	uint64_t offset;		/* of the range in it, bytes */
	struct uffd *uffd;
	struct hmm_range *previous, *next, *hash_next;
};

struct range_table {
	struct hmm_range *first, *last;
	struct hmm_range **buckets;
	size_t n_buckets, count, hashed;
};

/* opts may be NULL. -EINVAL (the thread's refusal says why), -ENOMEM. */
int range_settings_new(struct hmm_client *c, const struct hmm_range_options *opts, struct range_settings **ret);
struct range_settings *range_settings_unref(struct range_settings *s);
bool range_settings_equal(const struct range_settings *a, const struct range_settings *b);
void range_settings_pack(const struct range_settings *s, Hmmd__RangeOptions *ret);

/* Without the lock; takes a use of the settings. */
int range_new(struct hmm_client *c, void *addr, size_t size, struct range_settings *s,
	      struct hmm_range **ret);
/* The last one frees the struct; the memory itself is another matter (map.h). */
struct hmm_range *range_unref(struct hmm_range *r);
/* Makes room for n more ids, so that range_link() cannot fail. */
int range_table_reserve(struct range_table *t, size_t n);
void range_link(struct range_table *t, struct hmm_range *r, uint64_t id);
void range_unlink(struct range_table *t, struct hmm_range *r);
/* 0: none. */
void range_set_id(struct range_table *t, struct hmm_range *r, uint64_t id);
struct hmm_range *range_find(const struct range_table *t, uint64_t id);

/*
 * Checks offset and length of the caller and resolves a length of 0. Without the lock. -EINVAL:
 * unaligned or outside. A managed range is counted in huge pages, an adopted one in base pages.
 */
int range_span(const struct hmm_range *r, size_t off, size_t len, size_t *ret_len);

#endif
