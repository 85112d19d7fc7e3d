// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tiered engine on a simulated workload: skewed touches over four times the fast tier, faults,
 * tracker rounds and ticks in simulated time. Its share of touches without a fault is compared, in
 * the same run and over the same touches, with an oracle that keeps the pages with the most touches
 * resident, and with random placement.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/core/tracker.h"
#include "tests/unit/core_world.h"
#include "tests/unit/random.h"

enum {
	PAGES = 1024, FAST = PAGES / 4,	/* huge pages */
	TOUCHES_PER_SECOND = 2000,
	WARM_UP_S = 100, MEASURED_S = 100
};

static uint32_t cumulated[PAGES];	/* of weights 1/rank */
static uint32_t rank_of[PAGES];		/* page to rank */

/* Zipf's law over a random order of the pages: neighbours are not equally hot. */
static void make_skew(uint64_t *seed)
{
	uint32_t order[PAGES], sum = 0, i, k, swap;

	for (i = 0; i < PAGES; i++)
		order[i] = i;
	for (i = PAGES - 1; i > 0; i--) {
		k = (uint32_t)random_below(seed, i + 1);
		swap = order[i];
		order[i] = order[k];
		order[k] = swap;
	}
	for (i = 0; i < PAGES; i++) {
		sum += 1000000 / (i + 1);
		cumulated[i] = sum;
		rank_of[i] = order[i];
	}
}

static uint64_t next_page(uint64_t *seed)
{
	uint32_t at = (uint32_t)random_below(seed, cumulated[PAGES - 1]), low = 0, high = PAGES - 1,
		 mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (cumulated[mid] > at)
			high = mid;
		else
			low = mid + 1;
	}
	return rank_of[low];
}

static double oracle_ratio(void)
{
	return (double)cumulated[FAST - 1] / cumulated[PAGES - 1];
}

struct run {
	struct world *w;
	struct space *s;
	struct range *r;
	struct track_sample sample;
	uint8_t mapped[TRACK_PAGES];
	uint64_t sample_end_us;			/* 0: none under way */
	uint64_t hits, touches, moved;
	bool track;
};

static void open_run(struct run *run, bool track)
{
	static struct config c;

	test_config(&c);
	c.tiers[DRAM].capacity = FAST * PAGE;
	c.tiers[DRAM].high = 98;
	c.tiers[DRAM].low = 95;
	c.tiers[FAR].capacity = 2 * PAGES * PAGE;
	c.policies[0].min_residency_us = 20000;
	memset(run, 0, sizeof(*run));
	run->track = track;
	assert_int_equal(world_new(&run->w, &c, 1), 0);
	run->s = test_space(run->w, 1000);
	run->r = test_range(run->s, TEST_ADDR, PAGES, NULL);
}

static void close_run(struct run *run)
{
	tracker_drop(&run->sample);
	test_books(run->w);
	test_space_free(run->s);
	world_free(run->w);
}

static void note_touch(struct run *run, uint64_t page)
{
	uint32_t i, at = 0;
	uint64_t vpn = range_first_vpn(run->r) + page;

	for (i = 0; run->sample_end_us && i < run->sample.n; at += run->sample.spans[i++].pages)
		if (vpn - run->sample.spans[i].vpn < run->sample.spans[i].pages)
			run->mapped[at + vpn - run->sample.spans[i].vpn] = 1;
}

/* A tracker round begins every 100 ms, if the last has ended. */
static void track(struct run *run, uint64_t now, bool begin)
{
	if (run->sample_end_us && now >= run->sample_end_us) {
		tracker_judge(run->s, &run->sample, run->mapped);
		run->sample_end_us = 0;
	}
	if (!begin || run->sample_end_us || !run->track)
		return;
	tracker_choose(run->s, &run->sample);
	memset(run->mapped, 0, sizeof(run->mapped));
	run->sample_end_us = now + run->sample.window_us;
}

static double hit_ratio(struct run *run, uint64_t seed, uint64_t *ret_moved)
{
	uint64_t i, now = SECOND, page, moved_before = 0;
	static struct plan plan;

	for (i = 0; i < (WARM_UP_S + MEASURED_S) * TOUCHES_PER_SECOND;
	     i++, now += SECOND / TOUCHES_PER_SECOND) {
		if (i == WARM_UP_S * TOUCHES_PER_SECOND) {
			run->hits = run->touches = 0;
			moved_before = run->w->tiers[DRAM].pool.moved_in;
		}
		if (i % (TOUCHES_PER_SECOND / 10) == 0) {
			plan_make(run->w, now, &plan);
			test_carry_out(run->w, &plan, now);
		}
		track(run, now, i % (TOUCHES_PER_SECOND / 10) == 0);
		page = next_page(&seed);
		run->hits += test_state(run->r, page) == PAGE_RESIDENT;
		run->touches++;
		test_fault(run->w, run->r, page, now);
		note_touch(run, page);
	}
	*ret_moved = (run->w->tiers[DRAM].pool.moved_in - moved_before) / PAGE;
	return (double)run->hits / (double)run->touches;
}

/*
 * Random placement has a quarter of the touches. The tracker must get nine tenths of the way from
 * there to the oracle, refaults alone 85 per cent of it.
 */
static void comes_near_the_oracle(void **state)
{
	uint64_t seed = 77, moved[2];
	double oracle, blind = (double)FAST / PAGES, ratio[2];
	struct run run;
	int k;

	(void)state;
	make_skew(&seed);
	oracle = oracle_ratio();
	for (k = 0; k < 2; k++) {
		open_run(&run, k == 0);
		ratio[k] = hit_ratio(&run, 5, &moved[k]);
		close_run(&run);
	}
	print_message("# hit ratio: oracle %.3f, random %.3f, tiered with tracker %.3f (%u pages "
		      "moved in), "
		      "refaults alone %.3f (%u)\n",
		      oracle, blind, ratio[0], (unsigned int)moved[0], ratio[1],
		      (unsigned int)moved[1]);
	assert_true(ratio[0] > blind + 0.9 * (oracle - blind));
	assert_true(ratio[1] > blind + 0.85 * (oracle - blind));
	assert_true(ratio[0] <= oracle + 0.01);
}

/* What was hot gets cold and the other way round: a few seconds later it is as good as before. */
static void follows_a_change(void **state)
{
	uint64_t seed = 78, moved;
	struct run run;
	double before, after;

	(void)state;
	make_skew(&seed);
	open_run(&run, true);
	before = hit_ratio(&run, 5, &moved);
	make_skew(&seed);
	after = hit_ratio(&run, 6, &moved);
	print_message("# hit ratio before %.3f and after the hot set has changed %.3f\n", before,
		      after);
	assert_true(after > before - 0.02);
	close_run(&run);
}

static struct range *warm_range(struct space *s, uint64_t addr, uint64_t pages, unsigned int tier, uint16_t heat)
{
	struct range *r = test_range(s, addr, pages, NULL);
	uint64_t i;

	for (i = 0; i < pages; i++) {
		assert_int_equal(test_fill(r, i, SECOND), 0);
		if (tier != DRAM)
			assert_int_equal(test_node(r, i, tier), 0);
		r->heat[i].value = heat;
	}
	return r;
}

static uint64_t moves_of(struct world *w, unsigned int seconds)
{
	static struct plan plan;
	uint64_t now = 100 * SECOND, moves = 0;

	while (seconds--) {
		plan_make(w, now += SECOND, &plan);
		moves += test_carry_out(w, &plan, now);
	}
	return moves;
}

/*
 * Nothing faults on a slower node, so only temperature tells: what is hot there changes places with what is cold
 * here, each page once, and nothing moves for a difference that one sample makes.
 */
static void hot_pages_of_a_slow_node_change_places(void **state)
{
	static struct config c;
	struct range *hot, *cold, *same;
	struct world *w;
	struct space *s;

	(void)state;
	test_config(&c);
	snprintf(c.policies[0].tiers[1], sizeof(c.policies[0].tiers[1]), "cxl");
	c.tiers[DRAM].high = 98;
	c.tiers[DRAM].low = 95;
	assert_int_equal(world_new(&w, &c, 1), 0);
	s = test_space(w, 1000);
	hot = warm_range(s, TEST_ADDR, 8, CXL, 60000);
	same = warm_range(s, TEST_ADDR + 64 * PAGE, 8, CXL, 11000);
	cold = warm_range(s, TEST_ADDR + 128 * PAGE, 60, DRAM, 1000);
	assert_int_equal(moves_of(w, 20), 16);
	assert_int_equal(hot->tier_bytes[DRAM], 8 * PAGE);
	assert_int_equal(same->tier_bytes[CXL], 8 * PAGE);
	assert_int_equal(cold->tier_bytes[CXL], 8 * PAGE);
	assert_int_equal(moves_of(w, 20), 0);
	test_books(w);
	test_space_free(s);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_near_the_oracle),
		cmocka_unit_test(follows_a_change),
		cmocka_unit_test(hot_pages_of_a_slow_node_change_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
