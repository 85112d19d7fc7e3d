// SPDX-License-Identifier: GPL-2.0-or-later
/* Who goes first, what a policy pays for, and what a pool's queue holds. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/core/rank.h"
#include "tests/unit/core_world.h"
#include "tests/unit/random.h"

static struct config config;
static struct world *w;
static struct space *s;
static struct range *r;

/* 50 pages resident, page i filled at second i + 10, temperature by i * 7 mod 50. */
static void set_up_with(enum engine engine)
{
	uint64_t i;

	test_config(&config);
	config.policies[0].engine = engine;
	config.policies[0].min_residency_us = 0;
	assert_int_equal(world_new(&w, &config, 1), 0);
	s = test_space(w, 1000);
	r = test_range(s, TEST_ADDR, 60, NULL);
	for (i = 0; i < 50; i++) {
		assert_int_equal(test_fill(r, i, (i + 10) * SECOND), 0);
		r->heat[i].value = (uint16_t)(i * 7 % 50 * 1000);
	}
}

static int set_up(void **state)
{
	(void)state;
	set_up_with(ENGINE_TIERED);
	return 0;
}

static int set_up_static(void **state)
{
	(void)state;
	set_up_with(ENGINE_STATIC);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_books(w);
	test_space_free(s);
	world_free(w);
	return 0;
}

static unsigned int select_pages(uint32_t uid, uint64_t now, unsigned int want, uint64_t *pages)
{
	struct rank_query q = { .world = w, .tier = DRAM, .uid = uid, .now_us = now };
	struct victim v[POOL_VICTIMS];
	unsigned int n = rank_select(&q, v, want), i;

	for (i = 0; i < n; i++) {
		pages[i] = v[i].vpn - range_first_vpn(v[i].range);
		assert_int_equal(v[i].word, test_word(v[i].range, pages[i]));
	}
	return n;
}

static void the_coldest_go_first(void **state)
{
	uint64_t pages[POOL_VICTIMS];
	unsigned int i, n;

	(void)state;
	for (n = 1; n <= 60; n += 7) {
		assert_int_equal(select_pages(UINT32_MAX, 100 * SECOND, n, pages), n < 50 ? n : 50);
		for (i = 0; i < n && i < 50; i++)
			assert_int_equal(pages[i] * 7 % 50, i);
	}
	assert_int_equal(select_pages(UINT32_MAX, 100 * SECOND, 1000, pages), 50);
	assert_int_equal(select_pages(1001, 100 * SECOND, 10, pages), 0);
	assert_int_equal(select_pages(1000, 100 * SECOND, 10, pages), 10);
}

static void among_equals_the_oldest(void **state)
{
	uint64_t pages[POOL_VICTIMS];
	unsigned int i;

	(void)state;
	for (i = 0; i < 50; i++) {
		r->heat[i].value = 1000;
		r->heat[i].since_ms = (uint32_t)((i * 13 % 50 + 1) * 1000);
	}
	assert_int_equal(select_pages(UINT32_MAX, 100 * SECOND, 20, pages), 20);
	for (i = 0; i < 20; i++)
		assert_int_equal(pages[i] * 13 % 50, i);
}

static void static_takes_the_oldest_whatever_the_heat(void **state)
{
	uint64_t pages[POOL_VICTIMS];
	unsigned int i;

	(void)state;
	assert_int_equal(select_pages(UINT32_MAX, 100 * SECOND, 30, pages), 30);
	for (i = 0; i < 30; i++)
		assert_int_equal(pages[i], i);
}

static void flags_decide_before_heat(void **state)
{
	uint64_t pages[POOL_VICTIMS];
	unsigned int i, n;

	(void)state;
	page_flag(space_word(s, TEST_ADDR + 49 * PAGE), PAGE_COLD, 0);
	page_flag(space_word(s, TEST_ADDR + 0 * PAGE), PAGE_PINNED, 0);
	page_flag(space_word(s, TEST_ADDR + 1 * PAGE), PAGE_STAY, 0);
	page_flag(space_word(s, TEST_ADDR + 2 * PAGE), PAGE_COLD | PAGE_PINNED, 0);
	n = select_pages(UINT32_MAX, 100 * SECOND, 100, pages);
	assert_int_equal(n, 47);
	assert_int_equal(pages[0], 49);
	for (i = 0; i < n; i++)
		assert_true(pages[i] > 2);
}

static void fresh_pages_go_only_when_nothing_else_is_left(void **state)
{
	uint64_t pages[POOL_VICTIMS];
	unsigned int i, n;

	(void)state;
	r->policy->config.min_residency_us = 10 * SECOND;
	n = select_pages(UINT32_MAX, 60 * SECOND, 100, pages);	/* pages 0 to 40 are old enough */
	assert_int_equal(n, 41);
	for (i = 0; i < n; i++)
		assert_true(pages[i] <= 40);
	page_flag(space_word(s, TEST_ADDR + 49 * PAGE), PAGE_COLD,
		  0); /* a hint counts more than freshness */
	assert_int_equal(select_pages(UINT32_MAX, 60 * SECOND, 100, pages), 42);
	page_flag(space_word(s, TEST_ADDR + 49 * PAGE), 0, PAGE_COLD);
	r->policy->config.min_residency_us = 100 * SECOND;
	assert_int_equal(select_pages(UINT32_MAX, 60 * SECOND, 100, pages), 50);
	assert_int_equal(pages[0], 0);
}

static void who_has_no_way_out_is_no_victim(void **state)
{
	uint64_t pages[POOL_VICTIMS];

	(void)state;
	s->account->pools[FAR].limit = 0;
	assert_int_equal(select_pages(UINT32_MAX, 100 * SECOND, 10, pages), 0);
	s->account->pools[FAR].limit = UINT64_MAX;
	w->tiers[FAR].pool.draining = true;
	assert_int_equal(select_pages(UINT32_MAX, 100 * SECOND, 10, pages), 0);
	w->tiers[FAR].pool.draining = false;
	assert_int_equal(select_pages(UINT32_MAX, 100 * SECOND, 10, pages), 10);
}

static void weight_decides_in_a_contended_tier(void **state)
{
	struct space *other = test_space(w, 5);
	struct range *o = test_range(other, TEST_ADDR, 14, NULL);
	struct rank_query q = {
		.world = w, .tier = DRAM, .uid = UINT32_MAX, .now_us = 100 * SECOND
	};
	struct victim v[POOL_VICTIMS];
	unsigned int n, i;

	(void)state;
	for (i = 0; i < 8; i++) {
		test_fill(o, i, 90 * SECOND);
		o->heat[i].value =
			0; /* colder than nearly all of the other, who has 50 of 64 pages */
	}
	assert_true(tier_above_high(&w->tiers[DRAM]));
	n = rank_select(&q, v, 50);
	assert_int_equal(n, 50);
	for (i = 0; i < n; i++)
		assert_ptr_equal(v[i].range, r);
	s->account->weight = 900; /* entitled to nine tenths: now the other is above its share */
	n = rank_select(&q, v, 20);
	for (i = 0; i < n; i++)
		assert_ptr_equal(v[i].range, i < 8 ? o : r);
	w->tiers[DRAM].config.high =
		100; /* nobody is in want: temperature alone, and as cold goes the older */
	assert_int_equal(rank_select(&q, v, 9), 9);
	assert_ptr_equal(v[0].range, r);
	for (i = 1; i < 9; i++)
		assert_ptr_equal(v[i].range, o);
	test_space_free(other);
}

static void the_queue_drops_what_has_changed(void **state)
{
	struct pool *p = &w->tiers[DRAM].pool;
	struct victim v;

	(void)state;
	assert_int_equal(policy_rank(w, DRAM, UINT32_MAX, 100 * SECOND, 10), 10);
	assert_int_equal(r->holders, 10);
	assert_int_equal(policy_rank(w, DRAM, UINT32_MAX, 100 * SECOND, 8),
			 10); /* enough already */
	assert_true(ring_pop(p->victims, &v));
	assert_int_equal(v.vpn - range_first_vpn(r), 0);	/* temperature 0 */
	range_drop(v.range);
	test_evict(r, 43, FAR, 100 * SECOND);			/* temperature 1000: was next */
	assert_int_equal(policy_rank(w, DRAM, UINT32_MAX, 100 * SECOND, 8), 8);
	assert_int_equal(r->holders, 8);
	assert_int_equal(policy_rank(w, DRAM, UINT32_MAX, 100 * SECOND, 9), 9);
	assert_true(ring_pop(p->victims, &v));
	assert_int_equal(v.vpn - range_first_vpn(r), 0);
	range_drop(v.range);
	assert_int_equal(policy_rank(w, DRAM, 1000, 100 * SECOND, 1000), 49);
	assert_int_equal(policy_rank(w, DRAM, 4711, 100 * SECOND, 5), 0);
	assert_int_equal(policy_rank(w, FAR, UINT32_MAX, 100 * SECOND, 5), 0);
	assert_int_equal(policy_rank(w, 17, UINT32_MAX, 100 * SECOND, 5), 0);
}

static void a_dying_range_leaves_every_queue(void **state)
{
	struct range *o = test_range(s, TEST_ADDR + 100 * PAGE, 4, NULL);

	(void)state;
	test_fill(o, 1, SECOND);
	o->heat[1].value = 0;
	assert_int_equal(policy_rank(w, DRAM, UINT32_MAX, 100 * SECOND, 20), 20);
	assert_int_equal(policy_rank(w, DRAM, 1000, 100 * SECOND, 20), 20);
	assert_int_equal(o->holders, 2);
	test_range_free(o);
	assert_int_equal(ring_count(w->tiers[DRAM].pool.victims), 19);
	assert_int_equal(ring_count(s->account->pools[DRAM].victims), 19);
}

enum { MANY = 32768 /* huge pages: 64 GiB */, FEW = 256, STEP = 1 << HEAT_SHIFT /* ranking tells no smaller difference */ };

static int by_value(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* A queue is a small part of a large tier, and yet no colder page is left out of it. */
static void the_coldest_of_64_gib_go_first(void **state)
{
	static uint16_t values[MANY];
	struct config big;
	struct victim v;
	struct range *br;
	struct world *bw;
	uint64_t i, seed = 3;

	(void)state;
	test_config(&big);
	big.tiers[DRAM].capacity = MANY * PAGE;
	assert_int_equal(world_new(&bw, &big, 1), 0);
	br = test_range(test_space(bw, 1), TEST_ADDR, MANY, NULL);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(test_fill(br, i, SECOND), 0);
		values[i] = br->heat[i].value = (uint16_t)random_next(&seed);
	}
	qsort(values, MANY, sizeof(values[0]), by_value);
	assert_int_equal(policy_rank(bw, DRAM, UINT32_MAX, 100 * SECOND, FEW), FEW);
	for (i = 0; i < FEW; i++) {
		assert_true(ring_pop(bw->tiers[DRAM].pool.victims, &v));
		assert_in_range(br->heat[v.vpn - range_first_vpn(br)].value / STEP, 0, values[FEW - 1] / STEP);
		range_drop(v.range);
	}
	test_space_free(br->space);
	world_free(bw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_coldest_go_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(among_equals_the_oldest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(static_takes_the_oldest_whatever_the_heat,
						set_up_static, tear_down),
		cmocka_unit_test_setup_teardown(flags_decide_before_heat, set_up, tear_down),
		cmocka_unit_test_setup_teardown(fresh_pages_go_only_when_nothing_else_is_left,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_has_no_way_out_is_no_victim, set_up, tear_down),
		cmocka_unit_test_setup_teardown(weight_decides_in_a_contended_tier, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_queue_drops_what_has_changed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_dying_range_leaves_every_queue, set_up,
						tear_down),
		cmocka_unit_test(the_coldest_of_64_gib_go_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
