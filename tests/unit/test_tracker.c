// SPDX-License-Identifier: GPL-2.0-or-later
/* The tracker: every resident page has its turn, and only unchanged pages are judged. */
#include "daemon/core/tracker.h"
#include "tests/unit/one_space.h"

static struct track_sample sample;

static int set_up(void **state)
{
	(void)state;
	test_config(&config);
	config.tiers[DRAM].capacity = 4096 * PAGE;
	config.tiers[FAR].capacity = 4096 * PAGE;
	test_policy(&config, "static", ENGINE_STATIC);
	test_policy(&config, "blind", ENGINE_TIERED)->track = false;
	open_space(0);
	return 0;
}

static struct range *filled(uint64_t at, uint64_t pages, const char *policy)
{
	struct range *r = test_range(s, TEST_ADDR + at * PAGE, pages, policy);
	uint64_t i;

	for (i = 0; i < pages; i++)
		assert_int_equal(test_fill(r, i, SECOND), 0);
	return r;
}

static void every_resident_page_has_its_turn(void **state)
{
	static uint16_t turns[3][1200];
	uint64_t at[3] = { 0, 2000, 2100 }, pages[3] = { 1200, 40, 700 };
	struct range *r[3];
	unsigned int i, k, round;

	(void)state;
	for (i = 0; i < 3; i++)
		r[i] = filled(at[i], pages[i], NULL);
	for (round = 0; round < 40; round++) {
		tracker_choose(s, &sample);
		assert_in_range(sample.pages, 1, TRACK_PAGES);
		assert_in_range(sample.n, 1, TRACK_SPANS);
		for (i = 0; i < sample.n; i++)
			for (k = 0; k < 3; k++)
				for (uint64_t v = 0;
				     r[k] == sample.spans[i].range && v < sample.spans[i].pages;
				     v++)
					turns[k][sample.spans[i].vpn + v - range_first_vpn(r[k])]++;
		tracker_drop(&sample);
		assert_int_equal(sample.n, 0);
	}
	for (k = 0; k < 3; k++) {
		assert_int_equal(r[k]->holders, 0);
		for (i = 0; i < pages[k]; i++)
			assert_in_range(turns[k][i], 3, 40);
	}
}

static void only_what_tells_something_is_sampled(void **state)
{
	struct range *r = filled(0, 20, NULL);
	uint64_t i;

	(void)state;
	filled(100, 20, "static");
	filled(200, 20, "blind");
	for (i = 0; i < 5; i++)
		test_evict(r, i * 2, FAR, SECOND);
	page_flag(space_word(s, TEST_ADDR + 11 * PAGE), PAGE_PINNED, 0);
	tracker_choose(s, &sample);
	assert_int_equal(sample.pages, 14);
	for (i = 0; i < sample.n; i++)
		assert_ptr_equal(sample.spans[i].range, r);
	tracker_drop(&sample);
	page_flag(space_word(s, TEST_ADDR + 11 * PAGE), 0, PAGE_PINNED);
}

static void heats_what_was_touched_and_skips_what_changed(void **state)
{
	struct range *r = filled(0, 30, NULL);
	uint8_t mapped[TRACK_PAGES] = { 0 };
	uint64_t window = s->window.us, i;

	(void)state;
	tracker_choose(s, &sample);
	assert_int_equal(sample.pages, 30);
	assert_int_equal(sample.window_us, window);
	for (i = 0; i < 30; i += 2)
		mapped[i] = 1;
	test_evict(r, 4, FAR, SECOND);
	test_evict(r, 5, FAR, SECOND);
	tracker_judge(s, &sample, mapped);
	for (i = 0; i < 30; i++) {
		if (i == 4 || i == 5)
			assert_int_equal(r->heat[i].value, HEAT_NEW);
		else
			assert_int_equal(r->heat[i].value > HEAT_NEW, i % 2 == 0);
	}
	assert_true(s->window.us < window);	/* half of them: more than a third */
	assert_int_equal(r->holders, 0);
}

static void one_choice_is_bounded(void **state)
{
	struct range *r = test_range(s, TEST_ADDR, 8000, NULL);
	unsigned int round, found = 0;

	(void)state;
	assert_int_equal(test_fill(r, 7999, SECOND), 0);
	for (round = 0; round < 4; round++) {
		tracker_choose(s, &sample);
		found += sample.pages;
		tracker_drop(&sample);
	}
	assert_in_range(found, 1, 3);		/* not every choice gets that far */
}

/* Every second page, so that spans run out before pages do. */
static void spans_are_bounded_too(void **state)
{
	struct range *r = filled(0, 400, NULL);
	uint64_t i;

	(void)state;
	for (i = 0; i < 400; i += 2)
		test_evict(r, i, FAR, SECOND);
	tracker_choose(s, &sample);
	assert_int_equal(sample.n, TRACK_SPANS);
	assert_int_equal(sample.pages, TRACK_SPANS);
	tracker_drop(&sample);
	tracker_choose(s, &sample);
	assert_int_equal(sample.spans[0].vpn - range_first_vpn(r), 2 * TRACK_SPANS + 1);
	tracker_drop(&sample);
}

static void many_adopted_ranges_do_not_cost(void **state)
{
	enum { N = 6000 };
	static uint64_t addrs[N], sizes[N];
	struct range_request q = { .name = "a" };
	uint64_t id;
	unsigned int i, found = 0;

	(void)state;
	for (i = 0; i < N; i++) {
		addrs[i] = (1ULL << 40) + i * 8192ULL;
		sizes[i] = 4096;
	}
	assert_int_equal(space_register(s, &q, addrs, sizes, N, &id), 0);
	filled(0, 3, NULL);
	for (i = 0; i < 3; i++) {
		tracker_choose(s, &sample);
		found += sample.pages;
		tracker_drop(&sample);
	}
	assert_in_range(found, 3, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(every_resident_page_has_its_turn),
		IN_WORLD(only_what_tells_something_is_sampled),
		IN_WORLD(heats_what_was_touched_and_skips_what_changed),
		IN_WORLD(one_choice_is_bounded),
		IN_WORLD(spans_are_bounded_too),
		IN_WORLD(many_adopted_ranges_do_not_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
