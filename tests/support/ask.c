// SPDX-License-Identifier: GPL-2.0-or-later
/* Listings are asked for whole and looked up by name: a test never depends on a column's place. */
#include <string.h>

#include "tests/support/ask.h"
#include "tests/support/test.h"

static struct hmm_table *fetch(struct hmm_client *c, const char *topic, const char *arg)
{
	struct hmm_table *t = NULL;
	int r = hmm_query(c, topic, arg, &t);

	if (r < 0)
		fail_msg("query %s: %s (%s)", topic, strerror(-r), hmm_client_last_error(c));
	return t;
}

static size_t column_of(const struct hmm_table *t, const char *name)
{
	for (size_t i = 0; i < hmm_table_columns(t); i++)
		if (!strcmp(hmm_table_column_name(t, i), name))
			return i;
	fail_msg("no column %s", name);
	return 0;
}

/* hmm_table_rows() when there is none. */
static size_t row_of(const struct hmm_table *t, const char *key, const char *want)
{
	size_t column = key ? column_of(t, key) : 0;

	for (size_t i = 0; i < hmm_table_rows(t); i++) {
		const char *text = key ? hmm_table_text(t, i, column) : NULL;

		if (!key || (text && !strcmp(text, want)))
			return i;
	}
	return hmm_table_rows(t);
}

uint64_t ask_number(struct hmm_client *c, const char *topic, const char *key, const char *want, const char *column)
{
	struct hmm_table *t = fetch(c, topic, NULL);
	size_t row = row_of(t, key, want), col = column_of(t, column);
	uint64_t n = row < hmm_table_rows(t) && hmm_table_has(t, row, col) ? hmm_table_number(t, row, col) : ASK_EMPTY;

	hmm_table_free(t);
	return n;
}

void ask_text(struct hmm_client *c, const char *topic, const char *key, const char *want, const char *column,
	      char *ret, size_t size)
{
	struct hmm_table *t = fetch(c, topic, NULL);
	size_t row = row_of(t, key, want);
	const char *text = row < hmm_table_rows(t) ? hmm_table_text(t, row, column_of(t, column)) : NULL;

	snprintf(ret, size, "%s", text ? text : "");
	hmm_table_free(t);
}

uint64_t ask_sum(struct hmm_client *c, const char *topic, const char *column)
{
	struct hmm_table *t = fetch(c, topic, NULL);
	size_t col = column_of(t, column);
	uint64_t sum = 0;

	for (size_t i = 0; i < hmm_table_rows(t); i++)
		sum += hmm_table_has(t, i, col) ? hmm_table_number(t, i, col) : 0;
	hmm_table_free(t);
	return sum;
}

size_t ask_rows(struct hmm_client *c, const char *topic, const char *arg)
{
	struct hmm_table *t = fetch(c, topic, arg);
	size_t n = hmm_table_rows(t);

	hmm_table_free(t);
	return n;
}

unsigned int ask_tier(struct hmm_client *c, const char *name)
{
	uint64_t index = ask_number(c, "tiers", "name", name, "index");

	assert_true(index < 32);
	return (unsigned int)index;
}

uint64_t ask_status(struct hmm_client *c, const char *column)
{
	return ask_number(c, "status", NULL, NULL, column);
}

uint64_t ask_used(struct hmm_client *c, const char *tier)
{
	return ask_number(c, "tiers", "name", tier, "used");
}
