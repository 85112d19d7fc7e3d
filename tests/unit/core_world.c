// SPDX-License-Identifier: GPL-2.0-or-later
/* A small world for tests of the core (core_world.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/core/adopted.h"
#include "tests/unit/core_world.h"

static void add_tier(struct config *c, const char *name, enum tier_kind kind, uint64_t nodes,
		     uint64_t pages)
{
	struct tier_config *t = &c->tiers[c->n_tiers++];

	config_tier_defaults(t);
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->kind = kind;
	t->nodes = nodes;
	t->capacity = pages * PAGE;
	t->high = 90;
	t->low = 75;
	if (kind == TIER_FILE)
		snprintf(t->path, sizeof(t->path), "/nowhere/%s", name);
}

static void use_dram_and_far(struct policy_config *p)
{
	p->n_tiers = 2;
	strcpy(p->tiers[0], "dram");
	strcpy(p->tiers[1], "far");
}

void test_config(struct config *c)
{
	config_defaults(c);
	add_tier(c, "dram", TIER_NUMA, 1, 64);
	add_tier(c, "cxl", TIER_NUMA, 2, 64);
	add_tier(c, "far", TIER_MEMORY, 0, 256);
	add_tier(c, "disk", TIER_FILE, 0, 256);
	use_dram_and_far(&c->policies[0]);
}

struct policy_config *test_policy(struct config *c, const char *name, enum engine engine)
{
	struct policy_config *p = &c->policies[c->n_policies++];

	*p = c->policies[0];
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->engine = engine;
	use_dram_and_far(p);
	return p;
}

struct space *test_space(struct world *w, uint32_t uid)
{
	static uint64_t client;
	void *mirror = calloc(TEST_TABLES, LEDGER_TABLE_SIZE),
	     *owners = calloc(TEST_TABLES, LEDGER_TABLE_SIZE);
	struct space *s = NULL;

	assert_int_equal(space_new(&s, w, ++client, 100, uid, mirror, owners, TEST_TABLES,
				   TEST_TABLES, false),
			 0);
	return s;
}

void test_range_free(struct range *r)
{
	struct space *s = r->space;

	space_range_leave(s, r);
	assert_int_equal(r->holders, 0);
	space_range_free(r, NULL, NULL);
	space_reclaim(s);
}

void test_space_free(struct space *s)
{
	void *mirror = s->mirror.arena, *owners = s->owners.arena;

	while (!list_empty(&s->ranges))
		test_range_free(container_of(s->ranges.next, struct range, in_space));
	space_free(s);
	free(mirror);
	free(owners);
}

struct range *test_range(struct space *s, uint64_t addr, uint64_t pages, const char *policy)
{
	struct range_request q = { .size = pages * PAGE, .name = "test", .policy = policy };
	struct range *r = NULL;

	assert_int_equal(space_alloc(s, &q, &r), 0);
	assert_int_equal(space_map(s, r, addr), 0);
	return r;
}

static radix_word *word_of(struct range *r, uint64_t page)
{
	return space_word(r->space, r->addr + page * PAGE);
}

uint64_t test_word(struct range *r, uint64_t page)
{
	return atomic_load(word_of(r, page));
}

enum page_state test_state(struct range *r, uint64_t page)
{
	return page_word_state(test_word(r, page));
}

static void step(struct range *r, uint64_t page, enum page_state to, unsigned int tier)
{
	uint64_t seen = test_word(r, page);

	assert_true(page_step(word_of(r, page), &seen, to, tier, (uint32_t)page));
}

int test_fill(struct range *r, uint64_t page, uint64_t now_us)
{
	struct pool *pools = r->space->account->pools;
	uint64_t word = test_word(r, page);
	unsigned int from = page_word_tier(word);

	if (page_word_state(word) == PAGE_RESIDENT)
		return 0;
	if (pool_take(&pools[r->home], PAGE))
		return 1;
	step(r, page, page_word_state(word) == PAGE_DEVICE ? PAGE_FILLING : PAGE_ZEROING, from);
	if (page_word_state(word) == PAGE_DEVICE)
		pool_give(&pools[from], PAGE);
	else
		from = TIER_NOWHERE;
	step(r, page, PAGE_RESIDENT, r->home);
	range_account(r, from, r->home);
	range_filled(r, range_first_vpn(r) + page, now_us, true);
	return 0;
}

int test_evict(struct range *r, uint64_t page, unsigned int tier, uint64_t now_us)
{
	struct pool *pools = r->space->account->pools;
	unsigned int from = page_word_tier(test_word(r, page));

	assert_true(page_evictable(test_word(r, page)));
	if (pool_take(&pools[tier], PAGE))
		return 1;
	step(r, page, PAGE_EVICTING, tier);
	step(r, page, PAGE_COMMITTING, tier);
	step(r, page, PAGE_DEVICE, tier);
	pool_give(&pools[from], PAGE);
	range_account(r, from, tier);
	heat_evicted(range_heat(r, range_first_vpn(r) + page), now_us);
	return 0;
}

int test_node(struct range *r, uint64_t page, unsigned int tier)
{
	struct pool *pools = r->space->account->pools;
	unsigned int from = page_word_tier(test_word(r, page));

	if (pool_take(&pools[tier], PAGE))
		return 1;
	step(r, page, PAGE_RESIDENT, tier);
	pool_give(&pools[from], PAGE);
	range_account(r, from, tier);
	return 0;
}

static int carry_out(struct world *w, const struct move *m, uint64_t now_us)
{
	uint64_t page = m->vpn - range_first_vpn(m->range);

	switch (m->kind) {
	case MOVE_EVICT:
		return !page_evictable(test_word(m->range, page)) ||
		       test_evict(m->range, page, m->tier, now_us);
	case MOVE_NODE:
		return !page_evictable(test_word(m->range, page)) ||
		       test_node(m->range, page, m->tier);
	default:
		test_fault(w, m->range, page, now_us);
		return 0;
	}
}

unsigned int test_carry_out(struct world *w, struct plan *plan, uint64_t now_us)
{
	unsigned int done = 0;
	size_t i;

	for (i = 0; i < plan->n; i++) {
		struct move *m = &plan->moves[i];
		struct op *op = idmap_get(w->ops, m->op);
		int rc = carry_out(w, m, now_us);

		if (op)
			op_report(op, m, rc ? MOVE_BUSY : MOVE_MOVED, now_us);
		range_drop(m->range);
		done += !rc;
	}
	plan->n = 0;
	return done;
}

/* One victim of this pool goes to the first of its devices that has room. */
static bool make_room(struct pool *full, uint64_t now_us)
{
	struct victim v;
	bool done = false;
	unsigned int i;

	while (!done && ring_pop(full->victims, &v)) {
		uint64_t page = v.vpn - range_first_vpn(v.range);

		for (i = 0; test_word(v.range, page) == v.word && i < v.range->n_lower && !done;
		     i++)
			done = !test_evict(v.range, page, v.range->lower[i], now_us);
		range_drop(v.range);
	}
	return done;
}

void test_fault(struct world *w, struct range *r, uint64_t page, uint64_t now_us)
{
	struct pool *pool = &r->space->account->pools[r->home], *full;
	struct plan plan;
	int waited = 0;

	while (test_fill(r, page, now_us)) {
		full = pool_take(pool, PAGE);
		assert_non_null(full);
		if (make_room(full, now_us) ||
		    policy_rank(w, r->home, full == pool ? r->space->uid : UINT32_MAX, now_us, 16) >
			    0)
			continue;
		assert_true(waited++ < 4);
		plan_make(w, now_us, &plan);
		test_carry_out(w, &plan, now_us);
	}
}

static void check_range(struct range *r, uint64_t *bytes)
{
	uint64_t mine[HMM_LIMIT_TIERS] = { 0 }, page;
	unsigned int i;

	for (page = 0; page < range_pages(r); page++)
		if (test_state(r, page) == PAGE_RESIDENT || test_state(r, page) == PAGE_DEVICE)
			mine[page_word_tier(test_word(r, page))] += PAGE;
	for (i = 0; i < HMM_LIMIT_TIERS; i++) {
		assert_int_equal(r->tier_bytes[i], mine[i]);
		bytes[i] += mine[i];
	}
}

void test_books(struct world *w)
{
	uint64_t bytes[HMM_LIMIT_TIERS] = { 0 };
	unsigned int i;

	LIST_EACH(space, &w->spaces)
		LIST_EACH(range, &container_of(space, struct space, in_world)->ranges) {
			struct range *r = container_of(range, struct range, in_space);

			if (r->kind == RANGE_MANAGED && r->addr)
				check_range(r, bytes);
		}
	for (i = 0; i < w->n_tiers; i++) {
		pool_forget_victims(&w->tiers[i].pool);
		assert_int_equal(w->tiers[i].pool.used, bytes[i]);
	}
	LIST_EACH(node, &w->accounts)
		for (i = 0; i < w->n_tiers; i++) {
			pool_forget_victims(
				&container_of(node, struct account, in_world)->pools[i]);
			bytes[i] -= container_of(node, struct account, in_world)->pools[i].used;
		}
	for (i = 0; i < w->n_tiers; i++)
		assert_int_equal(bytes[i], 0);
}
