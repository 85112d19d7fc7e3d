// SPDX-License-Identifier: GPL-2.0-or-later
/* Advice has the effect that the manual names, and nothing else. */
#include <errno.h>
#include <stdlib.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/words.h"

enum { PAGES = 8, FAST_PAGES = 16, SEED = 41 };
#define SIZE (PAGES * HUGE_PAGE)

static struct hmm_range *filled(struct hmm_client *c)
{
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	fill_to_rest(c, r, SEED);
	return r;
}

static void discarded_pages_are_zero(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *c = house_client(h, "advice", 0);
	struct hmm_range *r = filled(c);
	const uint64_t *w = hmm_range_addr(r);
	size_t not_zero = 0;

	move_all(r, 0, 2 * HUGE_PAGE, "far");
	assert_int_equal(hmm_range_advise(r, 0, 4 * HUGE_PAGE, HMM_ADVICE_DISCARD, 0), 0);
	assert_soon(move_count(r, HMM_TIER_UNTOUCHED) == 4);
	assert_soon(ask_sum(c, "tiers", "used") == SIZE - 4 * HUGE_PAGE);
	for (size_t i = 0; i < 4 * HUGE_PAGE / sizeof(*w); i++)
		not_zero += w[i] != 0;
	assert_int_equal(not_zero, 0);
	for (size_t i = 4; i < PAGES; i++)	/* words know their place in the whole range */
		assert_int_equal(w[i * HUGE_PAGE / sizeof(*w)], words_at(SEED, i * HUGE_PAGE / sizeof(*w)));
	hmm_client_unref(c);
	house_close(h);
}

static void prefetched_pages_cost_no_fault(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *c = house_client(h, "advice", 0);
	struct hmm_range *r = filled(c);
	uint8_t fast = (uint8_t)ask_tier(c, "dram");
	uint64_t faults;

	move_all(r, 0, 0, "far");
	faults = ask_status(c, "faults");
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_PREFETCH, 0), 0);
	assert_soon(move_count(r, fast) == PAGES);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	assert_int_equal(ask_status(c, "faults"), faults);
	move_all(r, 0, 0, "far");
	assert_int_equal(hmm_range_advise(r, 0, HUGE_PAGE, HMM_ADVICE_WILL_NEED, 0), 0);
	assert_soon(move_count(r, fast) == 1);
	hmm_client_unref(c);
	house_close(h);
}

static void staying_pages_stay(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "advice", 0);
	struct hmm_range *r = filled(c);
	struct hmm_move_result result;

	(void)state;
	assert_int_equal(hmm_range_advise(r, 0, HUGE_PAGE, HMM_ADVICE_NEVER_MIGRATE, 0), 0);
	move_all(r, HUGE_PAGE, 0, "far");
	move_some(r, 0, 0, "far", &result);
	assert_int_equal(result.busy, HUGE_PAGE);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_NORMAL, 0), 0);
	move_all(r, 0, 0, "far");
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* More of the cold half is away than of the other one. */
static bool cold_half_pays(const struct hmm_range *r, uint8_t slow)
{
	uint8_t tiers[PAGES];
	size_t cold = 0, warm = 0;

	assert_int_equal(hmm_range_residency(r, 0, 0, tiers), 0);
	for (size_t i = 0; i < PAGES; i++) {
		warm += i < PAGES / 2 && tiers[i] == slow;
		cold += i >= PAGES / 2 && tiers[i] == slow;
	}
	return cold > warm;
}

/* Half of a range is called cold, then somebody else needs room: the cold half pays. */
static void cold_pages_go_first(void **state)
{
	static const struct house_options o = { .config = HOUSE_QUIET };
	struct house *h = house_open(&o);
	struct hmm_client *c = house_client(h, "advice", 0);
	struct hmm_range *r = filled(c), *other = NULL;
	uint8_t slow = (uint8_t)ask_tier(c, "far");

	(void)state;
	assert_int_equal(hmm_range_advise(r, SIZE / 2, 0, HMM_ADVICE_COLD, 0), 0);
	assert_int_equal(hmm_alloc(c, (FAST_PAGES - PAGES / 2) * HUGE_PAGE, NULL, &other), 0);
	/* As much as fits is above the high mark; when the first have left, those that follow are queued, too. */
	words_fill(hmm_range_addr(other), (FAST_PAGES - PAGES) * HUGE_PAGE, SEED + 1);
	assert_soon(ask_used(c, "far") > 0);
	words_fill(hmm_range_addr(other), hmm_range_size(other), SEED + 1);
	assert_soon(cold_half_pays(r, slow));
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void bad_advice_is_refused(void **state)
{
	struct house *h = house_open(NULL);
	struct hmm_client *c = house_client(h, "advice", 0);
	struct hmm_range *r = filled(c);

	(void)state;
	assert_int_equal(hmm_range_advise(r, 0, 0, 999, 0), -EINVAL);
	assert_int_equal(hmm_range_advise(r, 1, HUGE_PAGE, HMM_ADVICE_COLD, 0), -EINVAL);
	assert_int_equal(hmm_range_advise(r, 0, SIZE + HUGE_PAGE, HMM_ADVICE_COLD, 0), -EINVAL);
	assert_int_equal(hmm_range_advise(r, UINT64_MAX - HUGE_PAGE + 1, 2 * HUGE_PAGE, HMM_ADVICE_COLD, 0), -EINVAL);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_LAZY, 0), -EOPNOTSUPP);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_PREFERRED_TIER, 99), -ENOENT);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_SEQUENTIAL, 0), 0);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_RANDOM, 0), 0);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(discarded_pages_are_zero),
		PER_BACKING(prefetched_pages_cost_no_fault),
		cmocka_unit_test(staying_pages_stay),
		cmocka_unit_test(cold_pages_go_first),
		cmocka_unit_test(bad_advice_is_refused),
	};

	return cmocka_run_group_tests_name("advice", tests, NULL, NULL);
}
