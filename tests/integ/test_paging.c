// SPDX-License-Identifier: GPL-2.0-or-later
/* A program works on four times the fast memory it is allowed, and finds what it wrote. */
#include <stdlib.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/words.h"

enum { FAST_PAGES = 16, PAGES = 4 * FAST_PAGES, SEED = 21, VISITS = 256 };
#define FAST (FAST_PAGES * HUGE_PAGE)

static char *page(struct hmm_range *r, size_t i)
{
	return (char *)hmm_range_addr(r) + i * HUGE_PAGE;
}

static void within_the_limit(struct hmm_client *c)
{
	uint64_t fast = ask_used(c, "dram");

	if (fast > FAST)
		fail_msg("%llu bytes in a tier of %llu", (unsigned long long)fast, (unsigned long long)FAST);
}

static void write_all(struct hmm_client *c, struct hmm_range *r)
{
	for (size_t i = 0; i < PAGES; i++) {
		words_fill(page(r, i), HUGE_PAGE, SEED + i);
		within_the_limit(c);
	}
}

static void read_in_order(struct hmm_client *c, struct hmm_range *r)
{
	for (size_t i = 0; i < PAGES; i++) {
		assert_int_equal(words_bad(page(r, i), HUGE_PAGE, SEED + i), 0);
		within_the_limit(c);
	}
}

static void read_at_random(struct hmm_client *c, struct hmm_range *r)
{
	unsigned int seed = SEED;

	for (size_t n = 0; n < VISITS; n++) {
		size_t i = (size_t)rand_r(&seed) % PAGES;

		assert_int_equal(words_bad(page(r, i), HUGE_PAGE, SEED + i), 0);
		if (n % 8 == 0)
			words_fill(page(r, i), HUGE_PAGE, SEED + i);
		within_the_limit(c);
	}
}

static void four_times_the_fast_tier(void **state)
{
	struct house *h = house_on(state, HOUSE_TIERS);
	struct hmm_client *c = house_client(h, "paging", 0);
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, PAGES * HUGE_PAGE, NULL, &r), 0);
	write_all(c, r);
	read_in_order(c, r);
	read_at_random(c, r);
	assert_soon(ask_sum(c, "tiers", "used") == PAGES * HUGE_PAGE);
	assert_true(ask_status(c, "faults_fill") > 0);
	assert_true(ask_status(c, "evicted_bytes") >= (PAGES - FAST_PAGES) * HUGE_PAGE);
	assert_int_equal(ask_status(c, "lost_pages"), 0);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(ask_sum(c, "tiers", "used"), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* A range that would not fit at all is refused at once, not when the last page is touched. */
static void more_than_all_tiers_is_refused(void **state)
{
	struct house *h = house_on(state, HOUSE_TIERS);
	struct hmm_client *c = house_client(h, "paging", 0);
	struct hmm_range *r = NULL;

	assert_true(hmm_alloc(c, 1024 * HUGE_PAGE, NULL, &r) < 0);
	assert_null(r);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(four_times_the_fast_tier),
		PER_BACKING(more_than_all_tiers_is_refused),
	};

	return cmocka_run_group_tests_name("demand paging", tests, NULL, NULL);
}
