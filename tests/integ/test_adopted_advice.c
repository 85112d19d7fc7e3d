// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Advice means the same for adopted memory as for managed memory, as far as the kernel driver lets
 * hmmd move it. What decides is said before there is pressure, since a move under way is not called
 * back; then each assertion holds at any time, or once and for all.
 */
#include "tests/support/adopted.h"

enum {
	HALF = PAGES / 2,
	OTHER_PAGES = 8 /* fill the 16 of memory: above the high mark, by two above the low one */
};

struct pressed {
	struct house *h;
	struct hmm_client *c;
	struct hmm_range *r;
	uint8_t hbm;
};

static void open_pressed(struct pressed *p)
{
	p->h = house_with(PRESSED);
	p->c = house_client(p->h, "advice", 0);
	p->r = adopted(p->c, memory_of(SIZE), SIZE);
	p->hbm = (uint8_t)ask_tier(p->c, "hbm");
}

static void close_pressed(struct pressed *p)
{
	hmm_client_unref(p->c);
	house_close(p->h);
}

static size_t away(const struct pressed *p, size_t first, size_t end)
{
	uint8_t tiers[PAGES];
	size_t n = 0;

	assert_int_equal(hmm_range_residency(p->r, 0, 0, tiers), 0);
	for (size_t i = first; i < end; i++)
		n += tiers[i] == p->hbm;
	return n;
}

/* Two pages have to go, fewer than a half has; when they are booked in all places it is over. */
static void press_until_second_half_pays(struct pressed *p)
{
	struct hmm_range *other =
		adopted(p->c, memory_of(OTHER_PAGES * HUGE_PAGE), OTHER_PAGES * HUGE_PAGE);

	assert_soon(ask_used(p->c, "hbm") > 0);
	assert_soon(ask_used(p->c, "dram") <= 32 * MiB * 90 / 100);
	assert_soon((away(p, 0, PAGES) + move_count(other, p->hbm)) * HUGE_PAGE ==
		    ask_used(p->c, "hbm"));
	assert_int_equal(away(p, 0, HALF), 0);
	assert_int_equal(move_count(other, p->hbm), 0);
	assert_int_equal(away(p, HALF, PAGES), 2);
}

static int advise(const struct pressed *p, size_t off, size_t len, uint32_t advice, uint64_t value)
{
	return hmm_range_advise(p->r, off, len, advice, value);
}

static void cold_pages_go_first(void **state)
{
	struct pressed p;

	(void)state;
	open_pressed(&p);
	assert_int_equal(advise(&p, SIZE / 2, 0, HMM_ADVICE_COLD, 0), 0);
	press_until_second_half_pays(&p);
	close_pressed(&p);
}

static void pages_that_prefer_a_device_go_first(void **state)
{
	struct pressed p;

	(void)state;
	open_pressed(&p);
	assert_int_equal(advise(&p, SIZE / 2, 0, HMM_ADVICE_PREFERRED_TIER, p.hbm), 0);
	press_until_second_half_pays(&p);
	close_pressed(&p);
}

static void what_is_normal_again_is_not_cold(void **state)
{
	struct pressed p;

	(void)state;
	open_pressed(&p);
	assert_int_equal(advise(&p, 0, 0, HMM_ADVICE_COLD, 0), 0);
	assert_int_equal(advise(&p, 0, SIZE / 2, HMM_ADVICE_NORMAL, 0), 0);
	press_until_second_half_pays(&p);
	close_pressed(&p);
}

static void what_is_needed_is_not_cold(void **state)
{
	struct pressed p;

	(void)state;
	open_pressed(&p);
	assert_int_equal(advise(&p, 0, 0, HMM_ADVICE_COLD, 0), 0);
	assert_int_equal(advise(&p, 0, SIZE / 2, HMM_ADVICE_WILL_NEED, 0), 0);
	press_until_second_half_pays(&p);
	close_pressed(&p);
}

/* However cold. */
static void pages_that_stay_are_not_chosen(void **state)
{
	struct pressed p;

	(void)state;
	open_pressed(&p);
	assert_int_equal(advise(&p, 0, SIZE / 2, HMM_ADVICE_NEVER_MIGRATE, 0), 0);
	assert_int_equal(advise(&p, 0, 0, HMM_ADVICE_COLD, 0), 0);
	press_until_second_half_pays(&p);
	close_pressed(&p);
}

/* What the piece touches, also of huge pages that lie only partly in the range. */
static void prefetched_pages_come_back(void **state)
{
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "advice", 0);
	struct hmm_range *r = adopted(c, memory_of(SIZE) + 8192, SIZE - 3 * 4096);

	(void)state;
	move_all(r, 0, 0, "hbm");
	assert_int_equal(ask_used(c, "dram"), 0);
	assert_int_equal(hmm_range_advise(r, 0, 4096, HMM_ADVICE_WILL_NEED, 0), 0);
	assert_soon(on_tier(c, "dram") == HUGE_PAGE - 8192);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_PREFETCH, 0), 0);
	assert_soon(on_tier(c, "dram") == SIZE - 3 * 4096);
	assert_soon(ask_used(c, "hbm") == 0);
	hmm_client_unref(c);
	house_close(h);
}

static void pages_that_stay_are_busy(void **state)
{
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "advice", 0);
	struct hmm_range *r = adopted(c, memory_of(SIZE), SIZE);
	struct hmm_move_result result;

	(void)state;
	assert_int_equal(hmm_range_advise(r, HUGE_PAGE, HUGE_PAGE, HMM_ADVICE_NEVER_MIGRATE, 0), 0);
	assert_int_equal(ask_sum(c, "clients", "pinned_bytes"), HUGE_PAGE);
	move_some(r, 0, 0, "hbm", &result);
	assert_int_equal(result.busy, HUGE_PAGE);
	assert_int_equal(result.moved, SIZE - HUGE_PAGE);
	move_some(r, HUGE_PAGE, HUGE_PAGE, "dram", &result);
	assert_int_equal(result.busy, 0); /* there it is */
	assert_int_equal(hmm_range_advise(r, 0, HUGE_PAGE, HMM_ADVICE_NEVER_MIGRATE, 0), 0);
	move_some(r, 0, HUGE_PAGE, "dram", &result);
	assert_int_equal(result.busy, HUGE_PAGE); /* on a device, too */
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_PREFETCH, 0), 0);
	assert_soon(on_tier(c, "dram") == SIZE - HUGE_PAGE);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_NORMAL, 0), 0);
	assert_int_equal(ask_sum(c, "clients", "pinned_bytes"), 0);
	move_all(r, 0, 0, "hbm");
	hmm_client_unref(c);
	house_close(h);
}

/* Each is charged by itself and given back by itself, whichever ends first. */
static void a_pin_and_staying_are_two_things(void **state)
{
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "advice", 0);
	struct hmm_range *r = adopted(c, memory_of(SIZE), SIZE);

	(void)state;
	assert_int_equal(hmm_range_pin(r, 0, 4096, NULL), 0);
	assert_int_equal(hmm_range_advise(r, 0, 4096, HMM_ADVICE_NEVER_MIGRATE, 0), 0);
	assert_int_equal(ask_sum(c, "clients", "pinned_bytes"), HUGE_PAGE + 4096);
	assert_int_equal(hmm_range_unpin(r, 0, 4096), 0);
	assert_int_equal(ask_sum(c, "clients", "pinned_bytes"), HUGE_PAGE);
	assert_int_equal(hmm_range_pin(r, 0, 4096, NULL), 0);
	assert_int_equal(hmm_range_advise(r, 0, 4096, HMM_ADVICE_NORMAL, 0), 0);
	assert_int_equal(ask_sum(c, "clients", "pinned_bytes"), 4096);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_NEVER_MIGRATE, 0), 0);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(ask_sum(c, "clients", "pinned_bytes"), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void assert_refused(struct hmm_client *c, struct hmm_range *r, uint32_t advice,
			   const char *why)
{
	assert_int_equal(hmm_range_advise(r, 0, 0, advice, 0), -EOPNOTSUPP);
	assert_non_null(strstr(hmm_client_last_error(c), why));
}

static void what_means_nothing_is_refused(void **state)
{
	static const uint32_t moving[] = { HMM_ADVICE_PREFERRED_TIER, HMM_ADVICE_PREFETCH,
					   HMM_ADVICE_WILL_NEED,      HMM_ADVICE_COLD,
					   HMM_ADVICE_ACCESSED_BY,    HMM_ADVICE_NEVER_MIGRATE };
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "advice", 0), *blind;
	struct hmm_range *r = adopted(c, memory_of(SIZE), SIZE), *small = NULL, *unseen = NULL;

	(void)state;
	assert_refused(c, r, HMM_ADVICE_DISCARD, "the program itself");
	assert_refused(c, r, HMM_ADVICE_LAZY, "lazy placement");
	assert_refused(c, r, HMM_ADVICE_READ_MOSTLY, "shares pages");
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_PREFERRED_TIER, 0), 0);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_ACCESSED_BY, 0), 0);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_ACCESSED_BY, ask_tier(c, "hbm")),
			 -EOPNOTSUPP);
	assert_int_equal(hmm_register(c, memory_of(SIZE), 8192, NULL, &small), 0);
	assert_refused(c, small, HMM_ADVICE_COLD, "no whole huge page");
	assert_int_equal(hmm_range_advise(small, 0, 0, HMM_ADVICE_PREFETCH, 0), 0);
	no_node = true;
	blind = house_client(h, "blind", 0);
	assert_true(hmm_register(blind, memory_of(SIZE), SIZE, NULL, &unseen) >= 0);
	no_node = false;
	for (size_t i = 0; i < sizeof(moving) / sizeof(moving[0]); i++)
		assert_refused(blind, unseen, moving[i], "kernel driver");
	assert_int_equal(hmm_range_advise(unseen, 0, 0, HMM_ADVICE_NORMAL, 0), 0);
	hmm_client_unref(blind);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cold_pages_go_first),
		cmocka_unit_test(pages_that_prefer_a_device_go_first),
		cmocka_unit_test(what_is_normal_again_is_not_cold),
		cmocka_unit_test(what_is_needed_is_not_cold),
		cmocka_unit_test(pages_that_stay_are_not_chosen),
		cmocka_unit_test(prefetched_pages_come_back),
		cmocka_unit_test(pages_that_stay_are_busy),
		cmocka_unit_test(a_pin_and_staying_are_two_things),
		cmocka_unit_test(what_means_nothing_is_refused),
	};

	return cmocka_run_group_tests_name("adopted advice", tests, NULL, NULL);
}
