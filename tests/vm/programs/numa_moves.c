// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moves between the NUMA nodes of a real kernel. What hmmd says it did is held against what the kernel says:
 * where the pages are, in which size they are mapped, and how many it moved. Nobody else moves pages here,
 * and hmmd none but those that are asked for, so the counts are equal to the byte.
 */
#include <string.h>

#include "tests/support/ask.h"
#include "tests/support/churn.h"
#include "tests/support/house.h"
#include "tests/support/move.h"
#include "tests/support/words.h"
#include "tests/vm/programs/node.h"
#include "tests/vm/programs/patience.h"

enum { PAGES = 16, ROUNDS = 8 };
#define SIZE (PAGES * HUGE_PAGE)
#define QUIET "[policy default]\nengine = static\ntrack = no\n"

static struct house *quiet_house(const char *more)
{
	static char text[512];

	snprintf(text, sizeof(text), "%s%s", QUIET, more);
	return house_open(&(struct house_options){ .backing = "hugetlb", .config = node_config(256, text) });
}

static const char *tier_of(unsigned int node)
{
	static char name[16];

	snprintf(name, sizeof(name), "node%u", node);
	return name;
}

static struct hmm_range *managed(struct hmm_client *c, size_t size)
{
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, size, NULL, &r), 0);
	return r;
}

static struct hmm_range *adopted(struct hmm_client *c, void *at, size_t size)
{
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_register(c, at, size, NULL, &r), 0);	/* not HMM_ONE_NODE */
	return r;
}

/* What the kernel counts while pages move. */
struct counts {
	uint64_t bytes, failed, split;
};

static struct counts counts_now(void)
{
	return (struct counts){ .bytes = node_vmstat("pgmigrate_success") * NODE_BASE_PAGE,
				.failed = node_vmstat("pgmigrate_fail"),
				.split = node_vmstat("thp_split_page") + node_vmstat("thp_migration_split") };
}

/* A move of the whole range that nothing is in the way of. */
static void move_and_hold(struct hmm_range *r, unsigned int node)
{
	struct counts before = counts_now(), after;
	struct hmm_move_result result;
	struct node_mapping m;
	bool managed;

	move_some(r, 0, 0, tier_of(node), &result);
	after = counts_now();
	assert_int_equal(result.moved, SIZE);
	assert_int_equal(after.bytes - before.bytes, result.moved);
	assert_int_equal(after.split - before.split, 0);
	assert_int_equal(node_pages(hmm_range_addr(r), SIZE, (int)node), PAGES);
	node_mapping(hmm_range_addr(r), &m);
	assert_int_equal(m.bytes[node], SIZE);
	managed = m.page_size == HUGE_PAGE;
	assert_true(managed || m.anon_huge == SIZE);
	/* Two workers meet at the lock of one file: the kernel refuses one of them, which tries again. */
	assert_true(managed || after.failed == before.failed);
}

static void stay_and_hold(struct hmm_range *r, unsigned int node)
{
	struct counts before = counts_now();
	struct hmm_move_result result;

	move_some(r, 0, 0, tier_of(node), &result);
	assert_int_equal(result.already_there, SIZE);
	assert_int_equal(counts_now().bytes, before.bytes);
}

/* From node 0 to each other one and back. */
static void go_round(struct hmm_range *r)
{
	words_fill(hmm_range_addr(r), SIZE, 1);
	for (unsigned int i = 1; i <= node_count(); i++) {
		unsigned int node = i % node_count();

		move_and_hold(r, node);
		stay_and_hold(r, node);
		assert_int_equal(words_bad(hmm_range_addr(r), SIZE, 1), 0);
	}
}

static void managed_memory_moves_as_whole_huge_pages(void **state)
{
	struct house *h = quiet_house("");
	struct hmm_client *c = house_client(h, "managed", 0);
	uint64_t before = ask_status(c, "node_moved_bytes");
	struct hmm_range *r = managed(c, SIZE);

	(void)state;
	go_round(r);
	assert_int_equal(move_count(r, (uint8_t)ask_tier(c, "node0")), PAGES);
	assert_int_equal(ask_status(c, "node_moved_bytes") - before, node_count() * SIZE);
	hmm_range_free(r);
	hmm_client_unref(c);
	house_close(h);
}

static void adopted_memory_moves_as_whole_huge_pages(void **state)
{
	struct house *h = quiet_house("");
	struct hmm_client *c = house_client(h, "adopted", 0);
	uint64_t before = ask_status(c, "node_moved_bytes");
	void *at = node_memory(SIZE, true);
	struct hmm_range *r = adopted(c, at, SIZE);

	(void)state;
	go_round(r);
	assert_int_equal(ask_status(c, "node_moved_bytes") - before, node_count() * SIZE);
	hmm_range_free(r);
	node_release(at, SIZE);
	hmm_client_unref(c);
	house_close(h);
}

/* The kernel books a new page where the policy of the filling thread says: the fill places. */
static void a_range_begins_on_the_node_that_it_prefers(void **state)
{
	struct house *h = quiet_house("");
	struct hmm_client *c = house_client(h, "prefer", 0);

	(void)state;
	for (unsigned int node = 0; node < node_count(); node++) {
		struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;
		struct counts before = counts_now();
		struct hmm_range *r = NULL;

		o.prefer = tier_of(node);
		assert_int_equal(hmm_alloc(c, SIZE, &o, &r), 0);
		words_fill(hmm_range_addr(r), SIZE, node);
		assert_int_equal(node_pages(hmm_range_addr(r), SIZE, (int)node), PAGES);
		assert_int_equal(counts_now().bytes, before.bytes);
		assert_int_equal(words_bad(hmm_range_addr(r), SIZE, node), 0);
		hmm_range_free(r);
	}
	hmm_client_unref(c);
	house_close(h);
}

/* A range that begins and ends inside huge pages: what sticks out goes by base pages, and splits nothing else. */
static void a_piece_moves_to_the_byte(void **state)
{
	struct house *h = quiet_house("");
	struct hmm_client *c = house_client(h, "piece", 0);
	uint8_t *at = node_memory(SIZE, true);
	const size_t front = 3 * NODE_BASE_PAGE, length = SIZE - front - 5 * NODE_BASE_PAGE;
	struct hmm_range *r = adopted(c, at + front, length);
	struct counts before = counts_now();
	struct hmm_move_result result;
	struct node_mapping m;

	(void)state;
	words_fill(at, SIZE, 2);
	move_some(r, 0, 0, tier_of(1), &result);
	/* The page of the kernel moves whole: its first byte's neighbours outside the range go along. */
	node_mapping(at, &m);
	print_message("# asked %zu moved %llu already %llu busy %llu failed %llu, node1 has %llu, the kernel moved %llu\n", length,
		      (unsigned long long)result.moved, (unsigned long long)result.already_there,
		      (unsigned long long)result.busy, (unsigned long long)result.failed,
		      (unsigned long long)m.bytes[1], (unsigned long long)(counts_now().bytes - before.bytes));
	assert_int_equal(result.moved, length);
	assert_int_equal(m.bytes[0] + m.bytes[1], SIZE);
	assert_true(m.bytes[1] >= length);
	assert_true(m.anon_huge >= SIZE - 2 * HUGE_PAGE);
	assert_int_equal(counts_now().bytes - before.bytes, m.bytes[1]);
	assert_int_equal(words_bad(at, SIZE, 2), 0);
	hmm_range_free(r);
	node_release(at, SIZE);
	hmm_client_unref(c);
	house_close(h);
}

/* Memory that never became huge: no address speaks for others. */
static void base_pages_are_counted_one_by_one(void **state)
{
	struct house *h = quiet_house("");
	struct hmm_client *c = house_client(h, "base", 0);
	void *at = node_memory(SIZE, false);
	struct hmm_range *r = adopted(c, at, SIZE);
	struct counts before = counts_now();
	struct hmm_move_result result;
	struct node_mapping m;

	(void)state;
	words_fill(at, SIZE, 4);
	move_some(r, 0, 0, tier_of(1), &result);
	node_mapping(at, &m);
	print_message("# moved %llu, node1 has %llu, the kernel moved %llu\n", (unsigned long long)result.moved,
		      (unsigned long long)m.bytes[1], (unsigned long long)(counts_now().bytes - before.bytes));
	assert_int_equal(result.moved, SIZE);
	assert_int_equal(m.bytes[1], SIZE);
	assert_int_equal(counts_now().bytes - before.bytes, SIZE);
	move_some(r, 0, 0, tier_of(1), &result);
	assert_int_equal(result.already_there, SIZE);
	assert_int_equal(words_bad(at, SIZE, 4), 0);
	hmm_range_free(r);
	node_release(at, SIZE);
	hmm_client_unref(c);
	house_close(h);
}

/* Writers go on while all that they write to, every page of it, goes from node to node. */
static void move_under_writers(struct hmm_range *r)
{
	uint64_t moved = 0, already = 0, busy = 0, writes, bad;
	struct hmm_move_result result;
	static struct churn churn;
	struct counts before;

	memset(hmm_range_addr(r), 0, SIZE);
	move_all(r, 0, 0, tier_of(0));
	before = counts_now();
	churn_begin(&churn, r);
	for (unsigned int i = 1; i <= ROUNDS * node_count(); i++) {
		move_some(r, 0, 0, tier_of(i % node_count()), &result);
		assert_int_equal(result.failed, 0);
		moved += result.moved;
		already += result.already_there;
		busy += result.busy;
	}
	bad = churn_end(&churn, &writes);
	print_message("# %llu writes, %llu bytes moved, %llu already there, %llu busy, %llu words wrong\n",
		      (unsigned long long)writes, (unsigned long long)moved, (unsigned long long)already,
		      (unsigned long long)busy, (unsigned long long)bad);
	assert_int_equal(bad, 0);
	assert_true(writes > 0);
	assert_int_equal(already, 0);
	assert_int_equal(moved + busy, ROUNDS * node_count() * SIZE);
	assert_true(moved > 0);
	assert_int_equal(counts_now().bytes - before.bytes, moved);
	assert_int_equal(counts_now().split, before.split);
}

static void writers_lose_nothing_in_managed_memory(void **state)
{
	struct house *h = quiet_house("");
	struct hmm_client *c = house_client(h, "managed", 0);
	struct hmm_range *r = managed(c, SIZE);

	(void)state;
	move_under_writers(r);
	hmm_range_free(r);
	hmm_client_unref(c);
	house_close(h);
}

static void writers_lose_nothing_in_adopted_memory(void **state)
{
	struct house *h = quiet_house("");
	struct hmm_client *c = house_client(h, "adopted", 0);
	void *at = node_memory(SIZE, true);
	struct hmm_range *r = adopted(c, at, SIZE);

	(void)state;
	move_under_writers(r);
	hmm_range_free(r);
	node_release(at, SIZE);
	hmm_client_unref(c);
	house_close(h);
}

/* The limit is on what is there, the counts are of what went there. */
static void a_quota_counts_what_moved(void **state)
{
	struct house *h = quiet_house("[quota default]\ntier.node1 = 8M\n");
	struct hmm_client *c = house_client(h, "quota", 0);
	struct hmm_range *r = managed(c, SIZE);
	struct counts before;
	struct hmm_move_result result;

	(void)state;
	words_fill(hmm_range_addr(r), SIZE, 3);
	before = counts_now();
	move_some(r, 0, 0, tier_of(1), &result);
	assert_int_equal(result.moved, 8 * MiB);
	assert_int_equal(result.busy, SIZE - 8 * MiB);
	assert_int_equal(ask_used(c, "node1"), 8 * MiB);
	assert_int_equal(ask_number(c, "tiers", "name", "node1", "moved_in_bytes"), 8 * MiB);
	move_some(r, 0, 0, tier_of(0), &result);
	assert_int_equal(result.moved, 8 * MiB);
	assert_int_equal(ask_used(c, "node1"), 0);
	assert_int_equal(ask_number(c, "tiers", "name", "node1", "moved_out_bytes"), 8 * MiB);
	move_some(r, SIZE - 8 * MiB, 8 * MiB, tier_of(1), &result);
	assert_int_equal(result.moved, 8 * MiB);
	assert_int_equal(counts_now().bytes - before.bytes, 24 * MiB);
	assert_int_equal(ask_status(c, "node_moved_bytes"), 24 * MiB);
	assert_int_equal(node_pages(hmm_range_addr(r), SIZE, 1), 8 * MiB / HUGE_PAGE);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, 3), 0);
	hmm_range_free(r);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(managed_memory_moves_as_whole_huge_pages),
		cmocka_unit_test(adopted_memory_moves_as_whole_huge_pages),
		cmocka_unit_test(a_range_begins_on_the_node_that_it_prefers),
		cmocka_unit_test(a_piece_moves_to_the_byte),
		cmocka_unit_test(base_pages_are_counted_one_by_one),
		cmocka_unit_test(writers_lose_nothing_in_managed_memory),
		cmocka_unit_test(writers_lose_nothing_in_adopted_memory),
		cmocka_unit_test(a_quota_counts_what_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
