// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several threads write while pages are evicted on request, evicted by pressure, faulted back, and
 * unmapped the way the tracker does it; every word is checked all the time and once more at the end.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/churn.h"
#include "tests/support/move.h"

enum { PAGES = 24 };
/* Long enough for tens of thousands of evictions; three backings share a quarter of a minute. */
#define CHURN_US 5000000ULL
/* Fewer evictions would mean that nothing was tried; a slow machine takes the time that it needs for them. */
#define ENOUGH 200
#define CHURN_MOST_US (24 * CHURN_US)

struct agitator {
	struct hmm_range *range;
	_Atomic bool stop;
	_Atomic uint64_t moved;	/* bytes */
	uint64_t refused;
	pthread_t evictor, zapper;
};

static void evict_one(struct agitator *a, unsigned int *seed)
{
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	size_t page = (size_t)rand_r(seed) % PAGES, n = 1 + (size_t)rand_r(seed) % 4;
	struct hmm_op *op = NULL;

	if (page + n > PAGES)
		n = PAGES - page;
	if (hmm_range_migrate(a->range, page * HUGE_PAGE, n * HUGE_PAGE, "far", 0, &op) < 0 ||
	    hmm_op_wait(op, PATIENCE_US)) {
		a->refused++;
	} else {
		hmm_op_result(op, &result);
		a->moved += result.moved;
	}
	hmm_op_unref(op);
}

static void *evict(void *arg)
{
	struct agitator *a = arg;
	unsigned int seed = 5;

	while (!atomic_load(&a->stop))
		evict_one(a, &seed);
	return NULL;
}

/* MADV_DONTNEED on a shared mapping loses nothing: the next touch finds the page in the file. */
static void *zap(void *arg)
{
	struct agitator *a = arg;
	unsigned int seed = 6;

	while (!atomic_load(&a->stop)) {
		size_t page = (size_t)rand_r(&seed) % PAGES;

		madvise((char *)hmm_range_addr(a->range) + page * HUGE_PAGE, HUGE_PAGE, MADV_DONTNEED);
		pause_us(200);
	}
	return NULL;
}

static void agitate(struct agitator *a)
{
	uint64_t most = clock_us() + CHURN_MOST_US;

	assert_int_equal(pthread_create(&a->evictor, NULL, evict, a), 0);
	assert_int_equal(pthread_create(&a->zapper, NULL, zap, a), 0);
	pause_us(CHURN_US);
	while (atomic_load(&a->moved) / HUGE_PAGE < ENOUGH && clock_us() < most)
		pause_us(1000);
	atomic_store(&a->stop, true);
	pthread_join(a->evictor, NULL);
	pthread_join(a->zapper, NULL);
}

static void no_word_is_lost(void **state)
{
	struct house *h = house_on(state, HOUSE_TIERS);
	struct hmm_client *c = house_client(h, "churn", 0);
	struct agitator a = { 0 };
	static struct churn churn;
	uint64_t writes = 0, bad;

	assert_int_equal(hmm_alloc(c, PAGES * HUGE_PAGE, NULL, &a.range), 0);
	churn_begin(&churn, a.range);
	agitate(&a);
	bad = churn_end(&churn, &writes);
	/* How many were aborted is up to the scheduler; that a write aborts one is for test_device.c. */
	printf("# %s: %llu checked writes, %llu pages evicted, %llu evictions aborted by a write, %llu faults, %llu bad words\n",
	       (const char *)*state, (unsigned long long)writes,
	       (unsigned long long)(ask_status(c, "evicted_bytes") / HUGE_PAGE),
	       (unsigned long long)ask_status(c, "aborted_dirty"),
	       (unsigned long long)ask_status(c, "faults"), (unsigned long long)bad);
	assert_int_equal(bad, 0);
	assert_int_equal(a.refused, 0);
	assert_true(atomic_load(&a.moved) / HUGE_PAGE >= ENOUGH);
	assert_int_equal(ask_status(c, "lost_pages"), 0);
	assert_soon(ask_sum(c, "tiers", "used") == PAGES * HUGE_PAGE);
	assert_int_equal(hmm_range_free(a.range), 0);
	assert_int_equal(ask_sum(c, "tiers", "used"), 0);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = { PER_BACKING(no_word_is_lost) };

	return cmocka_run_group_tests_name("verifying churn", tests, NULL, NULL);
}
