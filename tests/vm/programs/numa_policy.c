// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policy on a real kernel: a fast node and a slow one, and nobody who asks for a move. What is touched all
 * the time begins on the slow node, what is never touched fills the fast one; the policy has to notice by
 * itself and exchange them. Touches are seen by unmapping, so that an emulator's accessed bits do not matter.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/support/ask.h"
#include "tests/support/churn.h"
#include "tests/support/house.h"
#include "tests/support/move.h"
#include "tests/support/words.h"
#include "tests/vm/programs/node.h"
#include "tests/vm/programs/patience.h"

enum { FAST_MIB = 64, HOT_PAGES = 12, COLD_PAGES = 28 };
#define HOT (HOT_PAGES * HUGE_PAGE)
#define COLD (COLD_PAGES * HUGE_PAGE)
/* What the cold have on the fast node is all that is below its low mark, so each hot page takes the place of one. */
_Static_assert(COLD_PAGES == FAST_MIB / 2 * 90 / 100, "the fast node is full to its low mark");

#define TIERS	"[tier fast]\nkind = numa\nnodes = 0\ncapacity = 64M\n"		\
		"[tier slow]\nkind = numa\nnodes = 1\ncapacity = 512M\n"		\
		"[policy default]\ntrack = no\nmin-residency = 100ms\n"

static struct house *tiered_house(const char *config)
{
	return house_open(&(struct house_options){ .backing = "hugetlb", .daemon = "track = 200ms\n", .config = config });
}

static struct hmm_range *range_of(struct hmm_client *c, size_t size)
{
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, size, NULL, &r), 0);
	return r;
}

struct reader {
	const struct hmm_range *range;	/* all of it, word by word, again and again */
	uint64_t seed, passes, bad;
	_Atomic bool stop;
	pthread_t thread;
};

static void *read_on(void *arg)
{
	struct reader *k = arg;

	die_by_own_signal();
	while (!atomic_load(&k->stop)) {
		k->bad += words_bad(hmm_range_addr(k->range), hmm_range_size(k->range), k->seed);
		k->passes++;
	}
	return NULL;
}

static void reader_begin(struct reader *k, const struct hmm_range *r, uint64_t seed)
{
	*k = (struct reader){ .range = r, .seed = seed };
	assert_int_equal(pthread_create(&k->thread, NULL, read_on, k), 0);
}

static void reader_end(struct reader *k)
{
	atomic_store(&k->stop, true);
	pthread_join(k->thread, NULL);
	assert_true(k->passes > 0);
	assert_int_equal(k->bad, 0);
}

/* Hot memory on the slow node, the fast one full of what nobody will touch. As long as nobody looks it stays so. */
static void place_wrong(struct hmm_client *c, struct hmm_range *hot, struct hmm_range *cold)
{
	words_fill(hmm_range_addr(hot), hmm_range_size(hot), 1);
	move_all(hot, 0, 0, "slow");
	words_fill(hmm_range_addr(cold), hmm_range_size(cold), 2);
	assert_int_equal(move_count(hot, (uint8_t)ask_tier(c, "slow")), HOT_PAGES);
	assert_int_equal(move_count(cold, (uint8_t)ask_tier(c, "fast")), COLD_PAGES);
	assert_int_equal(node_pages(hmm_range_addr(hot), HOT, 1), HOT_PAGES);
	assert_int_equal(node_pages(hmm_range_addr(cold), COLD, 0), COLD_PAGES);
}

static void set_track(struct hmm_client *c, const char *value)
{
	struct hmm_control what = HMM_CONTROL_INIT;
	struct hmm_op *op = NULL;

	what.verb = HMM_CONTROL_POLICY_SET;
	what.name = "default";
	what.key = "track";
	what.value = value;
	assert_int_equal(hmm_control(c, &what, &op), 0);
}

static bool is_right(struct hmm_client *c, const struct hmm_range *hot, const struct hmm_range *cold)
{
	return move_count(hot, (uint8_t)ask_tier(c, "fast")) == HOT_PAGES &&
	       move_count(cold, (uint8_t)ask_tier(c, "slow")) == HOT_PAGES;
}

static void show(struct hmm_client *c, const char *what, const struct hmm_range *hot, const struct hmm_range *cold,
		 uint64_t since_us)
{
	print_message("# %s: %zu of %u hot pages fast, %zu of %u cold pages slow, %llu MiB moved, %llu ms\n", what,
		      move_count(hot, (uint8_t)ask_tier(c, "fast")), HOT_PAGES,
		      move_count(cold, (uint8_t)ask_tier(c, "slow")), COLD_PAGES,
		      (unsigned long long)(ask_status(c, "node_moved_bytes") / MiB),
		      (unsigned long long)((clock_us() - since_us) / 1000));
}

/* What is not mapped has no place to ask for, so all of it is touched first. */
static bool is_as_told(struct hmm_client *c, const struct hmm_range *cold)
{
	size_t told[2] = { move_count(cold, (uint8_t)ask_tier(c, "fast")), move_count(cold, (uint8_t)ask_tier(c, "slow")) };
	size_t seen[2];

	assert_int_equal(words_bad(hmm_range_addr(cold), COLD, 2), 0);
	for (int node = 0; node < 2; node++)
		seen[node] = node_pages(hmm_range_addr(cold), COLD, node);
	if (seen[0] == told[0] && seen[1] == told[1])
		return true;
	print_message("# told %zu fast and %zu slow, the kernel has %zu and %zu\n", told[0], told[1], seen[0], seen[1]);
	pause_us(1000000);
	return false;
}

static void finds_its_place(struct hmm_client *c, struct hmm_range *hot, struct hmm_range *cold)
{
	uint64_t start = clock_us();
	bool right;

	set_track(c, "yes");
	right = vm_wait(is_right(c, hot, cold));
	show(c, right ? "right" : "wrong", hot, cold, start);
	assert_true(right);
	set_track(c, "no");	/* nothing is unmapped from here on, but what is under way */
	vm_soon(is_as_told(c, cold));
}

static void hot_reads_come_to_the_fast_node(void **state)
{
	struct house *h = tiered_house(TIERS);
	struct hmm_client *c = house_client(h, "reads", 0);
	struct hmm_range *hot = range_of(c, HOT), *cold = range_of(c, COLD);
	static struct reader k;

	(void)state;
	place_wrong(c, hot, cold);
	reader_begin(&k, hot, 1);
	finds_its_place(c, hot, cold);
	reader_end(&k);
	hmm_range_free(hot);
	hmm_range_free(cold);
	hmm_client_unref(c);
	house_close(h);
}

static void hot_writes_come_to_the_fast_node(void **state)
{
	struct house *h = tiered_house(TIERS);
	struct hmm_client *c = house_client(h, "writes", 0);
	struct hmm_range *hot = range_of(c, HOT), *cold = range_of(c, COLD);
	static struct churn churn;
	uint64_t writes;

	(void)state;
	place_wrong(c, hot, cold);
	memset(hmm_range_addr(hot), 0, HOT);
	churn_begin(&churn, hot);
	finds_its_place(c, hot, cold);
	assert_int_equal(churn_end(&churn, &writes), 0);
	assert_true(writes > 0);
	hmm_range_free(hot);
	hmm_range_free(cold);
	hmm_client_unref(c);
	house_close(h);
}

/* No faster than configured: at any time the first burst and what the rate has allowed since. */
static void the_rate_is_of_moved_bytes(void **state)
{
	enum { RATE = 4, BURST = 8 };	/* MiB */
	struct house *h = tiered_house(TIERS "rate = 4M\nburst = 8M\n");
	struct hmm_client *c = house_client(h, "rate", 0);
	struct hmm_range *hot = range_of(c, HOT), *cold = range_of(c, COLD);
	static struct reader k;
	uint64_t before, start, moved = 0, allowed;

	(void)state;
	place_wrong(c, hot, cold);
	before = ask_status(c, "node_moved_bytes");
	reader_begin(&k, hot, 1);
	start = clock_us();
	set_track(c, "yes");
	while (moved < 5 * BURST * MiB && clock_us() - start < VM_PATIENCE_US) {
		moved = ask_status(c, "node_moved_bytes") - before;
		allowed = BURST * MiB + RATE * MiB * (clock_us() - start) / 1000000;
		assert_true(moved <= allowed);
		pause_us(50000);
	}
	print_message("# %llu MiB moved in %llu ms\n", (unsigned long long)(moved / MiB),
		      (unsigned long long)((clock_us() - start) / 1000));
	assert_true(moved >= 5 * BURST * MiB);
	assert_true(ask_status(c, "throttled_moves") > 0);
	reader_end(&k);
	hmm_range_free(hot);
	hmm_range_free(cold);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hot_reads_come_to_the_fast_node),
		cmocka_unit_test(hot_writes_come_to_the_fast_node),
		cmocka_unit_test(the_rate_is_of_moved_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
