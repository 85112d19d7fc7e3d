// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Topic ranges. There may be millions, so the cursor says where to go on without counting: the
 * place of the client in the list of spaces and the address (or, for ranges not mapped yet, which
 * of them).
 */
#include <inttypes.h>

#include "daemon/core/adopted.h"
#include "daemon/io/daemon.h"
#include "daemon/io/query.h"

static const struct column columns[] = {
	{ "client", UNIT_NUMBER },	{ "pid", UNIT_NUMBER },
	{ "range", UNIT_NUMBER },	{ "name", UNIT_TEXT },
	{ "kind", UNIT_TEXT },		{ "addr", UNIT_ADDRESS },
	{ "size", UNIT_BYTES },		{ "untouched_bytes", UNIT_BYTES },
	{ "lost_bytes", UNIT_BYTES },	{ "tiers", UNIT_TEXT },
	{ "pinned_bytes", UNIT_BYTES }, { "policy", UNIT_TEXT },
	{ "heat", UNIT_PERCENT },	{ "advice", UNIT_TEXT },
};

/*
 * Low 36 bits of a cursor: base page of the address; the addresses end at 2^35 of them, and what
 * lies beyond counts the ranges that have none.
 */
enum { PLACE_SHIFT = 36, BASE_SHIFT = 12 };
#define PLACE_UNMAPPED (HMM_LIMIT_ADDRESS >> BASE_SHIFT)

struct pages {
	uint64_t absent, lost, touched, heat;
};

static void count_pages(const struct range *r, struct pages *ret)
{
	const struct radix *mirror = &r->space->mirror;
	uint64_t vpn = range_first_vpn(r), last = vpn + range_pages(r) - 1;

	*ret = (struct pages){ .absent = range_pages(r) };
	for (; r->addr && range_pages(r) && (vpn = radix_next(mirror, vpn, last)) <= last; vpn++) {
		enum page_state state = page_word_state(atomic_load(radix_find(mirror, vpn)));
		const struct heat *heat = range_heat(r, vpn);

		if (state == PAGE_ABSENT)
			continue;
		ret->absent--;
		ret->lost += state == PAGE_POISONED;
		if (state == PAGE_POISONED || !heat)
			continue;
		ret->touched++;
		ret->heat += heat->value;
	}
}

static const char *advice_name(struct range *r)
{
	switch (atomic_load(&r->advice)) {	/* enum hmm_advice of the public header */
	case 5:
		return "sequential";
	case 6:
		return "random";
	}
	return NULL;
}

static void tier_cell(struct query *q, struct range *r)
{
	uint64_t bytes[HMM_LIMIT_TIERS];

	for (unsigned int i = 0; i < HMM_LIMIT_TIERS; i++)
		bytes[i] = atomic_load_explicit(&r->tier_bytes[i], memory_order_relaxed);
	query_tier_map(q, bytes);
}

/* false: the page is full. */
static bool add_range(struct query *q, struct range *r)
{
	bool managed = r->kind == RANGE_MANAGED, watched = atomic_load(&r->adopted), tracked;
	struct pages pages = { .absent = 0 };

	if (!table_row(q->table))
		return false;
	if (managed || watched)
		count_pages(r, &pages);
	tracked = (managed ? r->policy->config.track : watched) && pages.touched > 0;
	table_number(q->table, r->space->client);
	table_number(q->table, (uint64_t)r->space->pid);
	table_number(q->table, r->id);
	table_text(q->table, r->name[0] ? r->name : NULL);
	table_text(q->table, managed ? "managed" : "adopted");
	table_number_if(q->table, r->addr, r->addr);
	table_number(q->table, r->size);
	table_number_if(q->table, managed || watched, pages.absent << LEDGER_PAGE_SHIFT);
	table_number_if(q->table, managed, pages.lost << LEDGER_PAGE_SHIFT);
	tier_cell(q, r);
	table_number(q->table, r->pinned_bytes);
	table_text(q->table, r->policy->config.name);
	table_number_if(q->table, tracked,
			tracked ? pages.heat * 100 / (pages.touched * HEAT_MAX) : 0);
	table_text(q->table, advice_name(r));
	return table_row_end(q->table);
}

/* Mapped ranges from an address on. false: the page is full, *ret_at says where to go on. */
static bool add_mapped(struct query *q, const struct space *s, uint64_t addr, uint64_t *ret_at)
{
	uint64_t start, end;
	struct range *r;

	while (addr < HMM_LIMIT_ADDRESS && (r = btree_next(s->by_addr, addr, &start, &end))) {
		if (!add_range(q, r)) {
			*ret_at = start >> BASE_SHIFT;
			return false;
		}
		addr = end;
	}
	return true;
}

static bool add_unmapped(struct query *q, const struct space *s, uint64_t skip, uint64_t *ret_at)
{
	uint64_t n = 0;

	if (btree_count(s->by_addr) == s->n_ranges)
		return true;
	LIST_EACH(pos, &s->ranges) {
		struct range *r = container_of(pos, struct range, in_space);

		if (r->addr || n++ < skip)
			continue;
		if (!add_range(q, r)) {
			*ret_at = PLACE_UNMAPPED + n - 1;
			return false;
		}
	}
	return true;
}

static bool add_space(struct query *q, const struct space *s, uint64_t at, uint64_t *ret_at)
{
	if (at < PLACE_UNMAPPED && !add_mapped(q, s, at << BASE_SHIFT, ret_at))
		return false;
	return add_unmapped(q, s, at > PLACE_UNMAPPED ? at - PLACE_UNMAPPED : 0, ret_at);
}

static int query_ranges(struct query *q)
{
	return query_spaces(q, PLACE_SHIFT, add_space);
}

const struct topic topic_ranges = {
	.name = "ranges", .fn = query_ranges, .takes_arg = true, TOPIC_COLUMNS(columns)
};
