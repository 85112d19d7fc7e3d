// SPDX-License-Identifier: GPL-2.0-or-later
/* Topic tiers: one row per tier in index order, so the cursor is the index. */
#include <stdio.h>

#include "daemon/io/daemon.h"
#include "daemon/io/query.h"

static const struct column columns[] = {
	{ "index", UNIT_NUMBER },
	{ "name", UNIT_TEXT },
	{ "kind", UNIT_TEXT },
	{ "node", UNIT_NUMBER },
	{ "nodes", UNIT_TEXT },
	{ "device", UNIT_TEXT },
	{ "state", UNIT_TEXT },
	{ "capacity", UNIT_BYTES },
	{ "used", UNIT_BYTES },
	{ "free", UNIT_BYTES },
	{ "high", UNIT_PERCENT },
	{ "low", UNIT_PERCENT },
	{ "demotes_to", UNIT_TEXT },
	{ "read_bandwidth", UNIT_BYTES_PER_SECOND },
	{ "read_latency_ns", UNIT_NS },
	{ "distances", UNIT_TEXT },
	{ "moved_in_bytes", UNIT_BYTES },
	{ "moved_out_bytes", UNIT_BYTES },
	{ "in_per_second", UNIT_BYTES_PER_SECOND },
	{ "out_per_second", UNIT_BYTES_PER_SECOND },
	{ "holders", UNIT_TEXT },
};
enum { HOLDERS = 4 };	/* clients named per tier */

static const char *kind_name(enum tier_kind kind)
{
	static const char *const names[] = {
		[TIER_NUMA] = "numa",	  [TIER_MEMORY] = "memory", [TIER_FILE] = "file",
		[TIER_KERNEL] = "kernel", [TIER_CUDA] = "cuda",
	};

	return names[kind];
}

static const char *state_name(enum tier_state state)
{
	static const char *const names[] = {
		[TIER_ONLINE] = "online", [TIER_DRAINING] = "draining", [TIER_DRAINED] = "drained",
		[TIER_FAILED] = "failed",
	};

	return names[state];
}

static void node_list(uint64_t nodes, char *buf, size_t size)
{
	size_t n = 0;

	for (unsigned int node = 0; node < CONFIG_NODES && n < size; node++)
		if (nodes & (1ULL << node))
			n += (size_t)snprintf(buf + n, size - n, "%s%u", n ? "," : "", node);
}

/* The next tier of policy "default" after this one that takes pages. */
static const char *demotes_to(const struct world *w, unsigned int tier)
{
	const struct policy *p = &w->policies[0];
	unsigned int i = 0;

	while (i < p->n_order && p->order[i] != tier)
		i++;
	do
		i++;
	while (i < p->n_order && w->tiers[p->order[i]].state != TIER_ONLINE);
	return i < p->n_order ? w->tiers[p->order[i]].config.name : NULL;
}

static void distances(struct query *q, const struct tier *t)
{
	char text[CONFIG_NODES * 8];
	size_t n = 0;
	FILE *f;
	char path[64];
	unsigned int distance, node = 0;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/distance",
		 __builtin_ctzll(t->config.nodes));
	f = fopen(path, "re");
	while (f && n < sizeof(text) && fscanf(f, "%u", &distance) == 1)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u=%u", n ? " " : "", node++,
				      distance);
	if (f)
		fclose(f);
	table_text(q->table, n ? text : NULL);
}

static void place(struct query *q, const struct tier *t)
{
	char nodes[CONFIG_NODES * 3] = "", device[CONFIG_PATH + 16] = "";

	if (!tier_is_resident(t)) {
		snprintf(device, sizeof(device), t->config.kind == TIER_KERNEL ? "%s:%u" : "%s", t->config.path,
			 t->config.index);
		table_empty(q->table);
		table_empty(q->table);
		table_text(q->table, device[0] ? device : NULL);
		return;
	}
	node_list(t->config.nodes, nodes, sizeof(nodes));
	table_number(q->table, (uint64_t)__builtin_ctzll(t->config.nodes));
	table_text(q->table, nodes);
	table_empty(q->table);
}

struct holder {
	int32_t pid;
	uint64_t bytes;
};

/* Keeps the largest first. */
static void insert(struct holder *top, int32_t pid, uint64_t bytes)
{
	for (int i = 0; i < HOLDERS; i++) {
		struct holder old = top[i];

		if (bytes <= old.bytes)
			continue;
		top[i] = (struct holder){ .pid = pid, .bytes = bytes };
		pid = old.pid;
		bytes = old.bytes;
	}
}

/* A pid with two connections counts once: a map has each key once. */
static uint64_t bytes_of_pid(struct query *q, const struct space *first, unsigned int tier)
{
	const struct list_node *head = &q->daemon->world->spaces;
	uint64_t bytes = 0;
	struct sums sums;

	for (const struct list_node *pos = &first->in_world; pos != head; pos = pos->next) {
		const struct space *s = container_of(pos, struct space, in_world);

		if (s->pid != first->pid || !query_sees(q, s))
			continue;
		query_space_sums(s, &sums);
		bytes += sums.tiers[tier];
	}
	return bytes;
}

static bool is_first_of_pid(struct query *q, const struct space *s)
{
	LIST_EACH(pos, &q->daemon->world->spaces) {
		const struct space *other = container_of(pos, struct space, in_world);

		if (other->pid == s->pid && query_sees(q, other))
			return other == s;
	}
	return true;
}

static void holders(struct query *q, unsigned int tier)
{
	struct holder top[HOLDERS] = { { .pid = 0 } };
	char text[HOLDERS * 40];
	size_t n = 0;

	LIST_EACH(pos, &q->daemon->world->spaces) {
		const struct space *s = container_of(pos, struct space, in_world);

		if (query_sees(q, s) && is_first_of_pid(q, s))
			insert(top, s->pid, bytes_of_pid(q, s, tier));
	}
	for (int i = 0; i < HOLDERS && top[i].bytes; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d=%llu", n ? " " : "",
				      top[i].pid, (unsigned long long)top[i].bytes);
	table_text(q->table, n ? text : NULL);
}

static void room(struct query *q, const struct tier *t)
{
	uint64_t capacity = tier_capacity(t);

	table_number_if(q->table, capacity, capacity);
	table_number(q->table, tier_used(t));
	table_number(q->table, tier_free(t));
	table_number(q->table, t->config.high);
	table_number(q->table, t->config.low);
}

static bool add_tier(struct query *q, struct tier *t)
{
	if (!table_row(q->table))
		return false;
	table_number(q->table, t->index);
	table_text(q->table, t->config.name);
	table_text(q->table, kind_name(t->config.kind));
	place(q, t);
	table_text(q->table, state_name(t->state));
	room(q, t);
	table_text(q->table, demotes_to(q->daemon->world, t->index));
	table_number_if(q->table, t->read_bandwidth, t->read_bandwidth);
	table_number_if(q->table, t->read_latency_ns, t->read_latency_ns);
	if (tier_is_resident(t))
		distances(q, t);
	else
		table_empty(q->table);
	table_number(q->table, atomic_load(&t->pool.moved_in));
	table_number(q->table, atomic_load(&t->pool.moved_out));
	table_number(q->table, t->in_per_second);
	table_number(q->table, t->out_per_second);
	holders(q, t->index);
	return table_row_end(q->table);
}

static int query_tiers(struct query *q)
{
	struct world *w = q->daemon->world;

	for (uint64_t i = q->cursor; i < w->n_tiers; i++)
		if (!add_tier(q, &w->tiers[i])) {
			q->next_cursor = i;
			break;
		}
	return 0;
}

const struct topic topic_tiers = { .name = "tiers", .fn = query_tiers, TOPIC_COLUMNS(columns) };
