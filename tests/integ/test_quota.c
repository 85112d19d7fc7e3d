// SPDX-License-Identifier: GPL-2.0-or-later
/* A quota refuses what is beyond it, charges exactly what is held, and gives everything back. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/words.h"

enum { ROUNDS = 20, SEED = 51, RANGES = 3 };

static const struct house_options limited = {
	.config = HOUSE_QUIET "[quota default]\nmanaged = 64M\nranges = 3\ntier.dram = 8M\n",
};

static void managed_bytes_are_limited(void **state)
{
	struct house *h = house_open(&limited);
	struct hmm_client *c = house_client(h, "quota", 0);
	struct hmm_range *r = NULL, *more = NULL;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(hmm_alloc(c, 64 * MiB + HUGE_PAGE, NULL, &more), -EDQUOT);
		assert_int_equal(hmm_alloc(c, 48 * MiB, NULL, &r), 0);
		assert_int_equal(hmm_alloc(c, 18 * MiB, NULL, &more), -EDQUOT);
		assert_true(strlen(hmm_client_last_error(c)) > 0);
		assert_int_equal(hmm_range_free(r), 0);
	}
	assert_null(more);
	hmm_client_unref(c);
	house_close(h);
}

/* The quota is the user's, not the connection's; what a dead client held is given back. */
static void ranges_are_counted_per_user(void **state)
{
	struct house *h = house_open(&limited);
	struct hmm_client *a = house_client(h, "quota-a", 0), *b = house_client(h, "quota-b", 0);
	struct hmm_range *held[RANGES], *more = NULL;
	void *memory = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(memory != MAP_FAILED);
	for (int i = 0; i < RANGES; i++)
		assert_int_equal(hmm_alloc(i ? b : a, HUGE_PAGE, NULL, &held[i]), 0);
	assert_int_equal(hmm_alloc(a, HUGE_PAGE, NULL, &more), -EDQUOT);
	assert_int_equal(hmm_register(a, memory, HUGE_PAGE, NULL, &more), -EDQUOT);
	hmm_client_unref(b);
	assert_soon(hmm_alloc(a, HUGE_PAGE, NULL, &more) == 0);
	hmm_client_unref(a);
	munmap(memory, HUGE_PAGE);
	house_close(h);
}

/* Beyond its share of the fast tier a user pushes out its own pages, not those of others. */
static void the_fast_tier_is_shared_out(void **state)
{
	struct house *h = house_on(state, limited.config);
	struct hmm_client *c = house_client(h, "quota", 0);
	struct hmm_range *r = NULL;
	uint64_t used, most = 0;

	assert_int_equal(hmm_alloc(c, 32 * MiB, NULL, &r), 0);
	for (size_t i = 0; i < 16; i++) {
		words_fill((char *)hmm_range_addr(r) + i * HUGE_PAGE, HUGE_PAGE, SEED + i);
		used = ask_used(c, "dram");
		most = used > most ? used : most;
	}
	assert_true(most <= 8 * MiB);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(words_bad((char *)hmm_range_addr(r) + i * HUGE_PAGE, HUGE_PAGE, SEED + i), 0);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(ask_sum(c, "tiers", "used"), 0);
	hmm_client_unref(c);
	house_close(h);
}

/*
 * In a program that locks all memory to come, the kernel fills each new mapping at once: that must not get a range
 * pages that nobody counts. The quota holds, and what lies beyond it comes and goes as for anybody.
 */
static void a_program_that_locks_its_memory_has_no_more(void **state)
{
	struct house *h = house_on(state, limited.config);
	struct hmm_client *c = house_client(h, "quota", 0);
	struct hmm_range *r = NULL;
	int rc;

	if (mlockall(MCL_FUTURE) < 0)
		skip_because("memory cannot be locked here");
	rc = hmm_alloc(c, 32 * MiB, NULL, &r);
	munlockall();
	assert_int_equal(rc, 0);
	assert_int_equal(ask_sum(c, "tiers", "used"), 0);
	words_fill(hmm_range_addr(r), 32 * MiB, SEED);
	assert_int_equal(ask_sum(c, "tiers", "used"), 32 * MiB);
	assert_true(ask_used(c, "dram") <= 8 * MiB);
	assert_int_equal(words_bad(hmm_range_addr(r), 32 * MiB, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(managed_bytes_are_limited),
		cmocka_unit_test(ranges_are_counted_per_user),
		PER_BACKING(the_fast_tier_is_shared_out),
		PER_BACKING(a_program_that_locks_its_memory_has_no_more),
	};

	return cmocka_run_group_tests_name("quotas", tests, NULL, NULL);
}
