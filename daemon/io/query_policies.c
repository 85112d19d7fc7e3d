// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Topic policies: every policy with its values, written as they would stand in hmmd.conf, and those that are figures
 * in the column of their unit, too.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/io/daemon.h"
#include "daemon/io/query.h"

static const struct column columns[] = {
	{ "policy", UNIT_TEXT },
	{ "key", UNIT_TEXT },
	{ "value", UNIT_TEXT },
	{ "settable", UNIT_BOOL },
	{ "bytes_per_second", UNIT_BYTES_PER_SECOND },
	{ "bytes", UNIT_BYTES },
	{ "time_us", UNIT_US },
	{ "on", UNIT_BOOL },
	{ "number", UNIT_NUMBER },
};
enum { FIGURES = 4 };	/* the first of the columns of figures */

struct scale {
	uint64_t factor;
	const char *unit;
};

/* With the largest unit that leaves nothing over. */
static void write_value(uint64_t value, const struct scale *scales, char *buf, size_t size)
{
	const struct scale *s = scales;

	while (s->factor > 1 && (value == 0 || value % s->factor))
		s++;
	snprintf(buf, size, "%llu%s", (unsigned long long)(value / s->factor), s->unit);
}

static void write_size(uint64_t bytes, char *buf, size_t size)
{
	static const struct scale scales[] = { { 1ULL << 40, "T" },
					       { 1ULL << 30, "G" },
					       { 1ULL << 20, "M" },
					       { 1ULL << 10, "K" },
					       { 1, "" } };

	write_value(bytes, scales, buf, size);
}

static void write_rate(uint64_t bytes_per_second, char *buf, size_t size)
{
	if (bytes_per_second)
		write_size(bytes_per_second, buf, size);
	else
		snprintf(buf, size, "none");
}

static void write_time(uint64_t us, char *buf, size_t size)
{
	static const struct scale scales[] = { { 3600000000ULL, "h" },
					       { 60000000, "min" },
					       { 1000000, "s" },
					       { 1000, "ms" },
					       { 1, "us" } };

	write_value(us, scales, buf, size);
}

static void write_tiers(const struct world *w, const struct policy *p, char *buf, size_t size)
{
	size_t n = 0;

	for (unsigned int i = 0; i < p->n_order && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? "," : "",
				      w->tiers[p->order[i]].config.name);
}

enum key {
	KEY_ENGINE,
	KEY_TIERS,
	KEY_RATE,
	KEY_BURST,
	KEY_MIN_RESIDENCY,
	KEY_TRACK,
	KEY_RANGES,
	KEYS
};
static const struct {
	const char *name;
	uint32_t unit;
} keys[KEYS] = {
	[KEY_ENGINE] = { "engine", UNIT_TEXT },
	[KEY_TIERS] = { "tiers", UNIT_TEXT },
	[KEY_RATE] = { "rate", UNIT_BYTES_PER_SECOND },
	[KEY_BURST] = { "burst", UNIT_BYTES },
	[KEY_MIN_RESIDENCY] = { "min-residency", UNIT_US },
	[KEY_TRACK] = { "track", UNIT_BOOL },
	[KEY_RANGES] = { "ranges", UNIT_NUMBER },
};

static void write_key(const struct world *w, const struct policy *p, enum key key, char *buf,
		      size_t size)
{
	buf[0] = '\0';
	switch (key) {
	case KEY_ENGINE:
		snprintf(buf, size, "%s", engine_name(p->config.engine));
		break;
	case KEY_TIERS:
		write_tiers(w, p, buf, size);
		break;
	case KEY_RATE:
		write_rate(p->config.rate, buf, size);
		break;
	case KEY_BURST:
		write_size(p->config.burst, buf, size);
		break;
	case KEY_MIN_RESIDENCY:
		write_time(p->config.min_residency_us, buf, size);
		break;
	case KEY_TRACK:
		snprintf(buf, size, "%s", p->config.track ? "yes" : "no");
		break;
	case KEY_RANGES:
		snprintf(buf, size, "%llu", (unsigned long long)p->n_ranges);
		break;
	case KEYS:
		break;
	}
}

static uint64_t figure(const struct policy *p, enum key key)
{
	switch (key) {
	case KEY_RATE:
		return p->config.rate;
	case KEY_BURST:
		return p->config.burst;
	case KEY_MIN_RESIDENCY:
		return p->config.min_residency_us;
	case KEY_TRACK:
		return p->config.track;
	default:
		return p->n_ranges;
	}
}

static void add_figure(struct query *q, const struct policy *p, enum key key)
{
	bool none = key == KEY_RATE && !p->config.rate;

	for (size_t i = FIGURES; i < sizeof(columns) / sizeof(columns[0]); i++)
		table_number_if(q->table, keys[key].unit == columns[i].unit && !none, figure(p, key));
}

static bool add_row(struct query *q, const struct policy *p, enum key key)
{
	char value[HMM_LIMIT_TIERS * (HMM_LIMIT_TIER_NAME + 1)];

	if (!table_row(q->table))
		return false;
	write_key(q->daemon->world, p, key, value, sizeof(value));
	table_text(q->table, p->config.name);
	table_text(q->table, keys[key].name);
	table_text(q->table, value);
	table_number(q->table, key != KEY_RANGES);
	add_figure(q, p, key);
	return table_row_end(q->table);
}

/* The cursor counts rows. */
static int query_policies(struct query *q)
{
	struct world *w = q->daemon->world;

	if (q->arg[0] && !world_policy(w, q->arg))
		return query_refuse(q, ENOENT, "no policy \"%.64s\"", q->arg);
	for (uint64_t row = q->cursor; row < (uint64_t)w->n_policies * KEYS; row++) {
		const struct policy *p = &w->policies[row / KEYS];

		if (q->arg[0] && strcmp(p->config.name, q->arg) != 0)
			continue;
		if (!add_row(q, p, (enum key)(row % KEYS))) {
			q->next_cursor = row;
			break;
		}
	}
	return 0;
}

const struct topic topic_policies = {
	.name = "policies", .fn = query_policies, .takes_arg = true, TOPIC_COLUMNS(columns)
};
