/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listings. A topic fills one page from a cursor on; 0 is the beginning, and a cursor that it hands out
 * only grows, so a listing ends however much changes between two pages.
 */
#ifndef HMMD_IO_QUERY_H
#define HMMD_IO_QUERY_H

#include "daemon/core/world.h"
#include "daemon/io/query_table.h"

struct daemon;
struct session;

struct query {
	struct daemon *daemon;
	struct session *session;
	const char *arg;		/* "": none */
	uint64_t cursor;
	struct table *table;
	uint64_t next_cursor;		/* 0: that was all */
	char text[256];			/* with a refusal */
};
/* 0, or a positive errno with q->text. */
typedef int query_fn(struct query *q);

struct topic {
	const char *name;
	query_fn *fn;
	const struct column *columns;
	size_t n_columns;
	bool takes_arg;
};
extern const struct topic topic_status, topic_tiers, topic_clients, topic_ranges, topic_policies, topic_events,
	topic_doctor, topic_version, topic_users, topic_pages;

#define TOPIC_COLUMNS(table) .columns = table, .n_columns = sizeof(table) / sizeof(table[0])

/* query_util.c */
int query_refuse(struct query *q, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The arg as a pid of a client that the asker may see. *ret_pid 0: no arg. */
int query_pid(struct query *q, int32_t *ret_pid);
/* Whether the asker may see this client: it is of its own user, or it may control. Clients without ranges are none. */
bool query_sees(const struct query *q, const struct space *s);
/* The rows of a space from `at` on. False: the page is full, *ret_at is where the next one goes on. */
typedef bool query_space_fn(struct query *q, const struct space *s, uint64_t at, uint64_t *ret_at);
/*
 * Of every client that the asker may see, or of the one that arg names. The cursor is the client's place in the list and,
 * in its lowest bits (so many as `shift` says), where in its rows. 0, or as query_pid().
 */
int query_spaces(struct query *q, unsigned int shift, query_space_fn *add);
enum { QUERY_WHO = 64 };
/* The client by its id and pid, to who may know them. Returns buf. */
const char *query_who(const struct query *q, const struct space *s, char *buf, size_t size);
/* A cell with `TIER=bytes ...` of the tiers in order. */
void query_tier_map(struct query *q, const uint64_t *bytes);
struct sums {
	uint64_t tiers[HMM_LIMIT_TIERS], pinned;
};
/* What the managed ranges of a space hold. */
void query_space_sums(const struct space *s, struct sums *ret);

#endif
