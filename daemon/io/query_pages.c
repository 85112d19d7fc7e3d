// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Topic pages: where each part of a process's managed memory is, in runs of pages that are in the same place. What
 * was never touched is in no run. The cursor is the place of the client in the list of spaces and the next page.
 */
#include "daemon/io/daemon.h"
#include "daemon/io/query.h"

static const struct column columns[] = {
	{ "client", UNIT_NUMBER }, { "pid", UNIT_NUMBER },  { "range", UNIT_NUMBER }, { "addr", UNIT_ADDRESS },
	{ "size", UNIT_BYTES },	   { "state", UNIT_TEXT }, { "tier", UNIT_TEXT },
};

enum { PLACE_SHIFT = 32 };	/* above any page number: addresses have 47 bits */

struct run {
	const char *state;	/* NULL: never touched, or thrown away */
	unsigned int tier;	/* TIER_NOWHERE: in none */
};

static struct run run_of(uint64_t word)
{
	switch (page_word_state(word)) {
	case PAGE_RESIDENT:
	case PAGE_EVICTING:
	case PAGE_ABORTING:
	case PAGE_ZEROING:
		return (struct run){ "memory", page_word_tier(word) };
	case PAGE_COMMITTING:
	case PAGE_DEVICE:
	case PAGE_FILLING:
		return (struct run){ "away", page_word_tier(word) };
	case PAGE_POISONED:
		return (struct run){ "lost", TIER_NOWHERE };
	default:
		return (struct run){ NULL, TIER_NOWHERE };
	}
}

static struct run run_at(const struct range *r, uint64_t vpn)
{
	return run_of(atomic_load(radix_find(&r->space->mirror, vpn)));
}

/* The first page after those that are where the first is. */
static uint64_t run_end(const struct range *r, uint64_t vpn, struct run run)
{
	uint64_t end = range_first_vpn(r) + range_pages(r);

	while (++vpn < end) {
		struct run next = run_at(r, vpn);

		if (next.state != run.state || next.tier != run.tier)
			break;
	}
	return vpn;
}

/* false: the page of the listing is full. */
static bool add_run(struct query *q, const struct range *r, uint64_t vpn, uint64_t end, struct run run)
{
	if (!table_row(q->table))
		return false;
	table_number(q->table, r->space->client);
	table_number(q->table, (uint64_t)r->space->pid);
	table_number(q->table, r->id);
	table_number(q->table, vpn << LEDGER_PAGE_SHIFT);
	table_number(q->table, (end - vpn) << LEDGER_PAGE_SHIFT);
	table_text(q->table, run.state);
	table_text(q->table, run.tier == TIER_NOWHERE ? NULL : q->daemon->world->tiers[run.tier].config.name);
	return table_row_end(q->table);
}

/* From a page on. false: full, *ret_vpn says where to go on. */
static bool add_range(struct query *q, const struct range *r, uint64_t vpn, uint64_t *ret_vpn)
{
	uint64_t end;

	for (; vpn < range_first_vpn(r) + range_pages(r); vpn = end) {
		struct run run = run_at(r, vpn);

		end = run_end(r, vpn, run);
		if (run.state && !add_run(q, r, vpn, end, run)) {
			*ret_vpn = vpn;
			return false;
		}
	}
	return true;
}

static bool add_space(struct query *q, const struct space *s, uint64_t vpn, uint64_t *ret_vpn)
{
	uint64_t start, end, addr = vpn << LEDGER_PAGE_SHIFT;
	struct range *r;

	while (addr < HMM_LIMIT_ADDRESS && (r = btree_next(s->by_addr, addr, &start, &end))) {
		if (r->kind == RANGE_MANAGED &&
		    !add_range(q, r, (start > addr ? start : addr) >> LEDGER_PAGE_SHIFT, ret_vpn))
			return false;
		addr = end;
	}
	return true;
}

static int query_pages(struct query *q)
{
	return query_spaces(q, PLACE_SHIFT, add_space);
}

const struct topic topic_pages = {
	.name = "pages", .fn = query_pages, .takes_arg = true, TOPIC_COLUMNS(columns)
};
