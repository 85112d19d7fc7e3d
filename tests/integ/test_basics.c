// SPDX-License-Identifier: GPL-2.0-or-later
/* Managed memory behaves like memory wherever its pages are, and every byte of it is accounted for. */
#include <errno.h>
#include <string.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/words.h"

enum { PAGES = 8, SEED = 11 };
#define SIZE (PAGES * HUGE_PAGE)

static const char tiers_with_disk[] =
	HOUSE_QUIET "[tier disk]\nkind = file\npath = %s\ncapacity = 64M\n";

static struct hmm_range *filled(struct hmm_client *c)
{
	struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;
	struct hmm_range *r = NULL;

	o.name = "basics";
	assert_int_equal(hmm_alloc(c, SIZE, &o, &r), 0);
	fill_to_rest(c, r, SEED);
	return r;
}

static void fresh_memory_is_zero(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *c = house_client(h, "basics", 0);
	struct hmm_range *r = NULL;
	const uint64_t *w;
	uint8_t tiers[PAGES];
	size_t bad = 0;

	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	assert_int_equal(hmm_range_size(r), SIZE);
	assert_int_equal((uintptr_t)hmm_range_addr(r) % HUGE_PAGE, 0);
	assert_int_equal(hmm_range_residency(r, 0, 0, tiers), 0);
	for (size_t i = 0; i < PAGES; i++)
		assert_int_equal(tiers[i], HMM_TIER_UNTOUCHED);
	w = hmm_range_addr(r);
	for (size_t i = 0; i < SIZE / sizeof(*w); i++)
		bad += w[i] != 0;
	assert_int_equal(bad, 0);
	assert_soon(move_count(r, (uint8_t)ask_tier(c, "dram")) == PAGES);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void there_and_back(struct hmm_client *c, struct hmm_range *r, const char *tier)
{
	uint8_t fast = (uint8_t)ask_tier(c, "dram"), slow = (uint8_t)ask_tier(c, tier);
	uint64_t faults;

	move_all(r, 0, 0, tier);
	assert_int_equal(move_count(r, slow), PAGES);
	assert_int_equal(ask_used(c, tier), SIZE);
	assert_soon(ask_used(c, "dram") == 0);
	assert_int_equal(ask_status(c, "device_bytes"), SIZE);
	faults = ask_status(c, "faults_fill");
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	assert_soon(ask_status(c, "faults_fill") > faults);
	assert_soon(move_count(r, fast) == PAGES);
	assert_soon(ask_used(c, tier) == 0);
	assert_soon(ask_status(c, "resident_bytes") == SIZE);
	/* By request, too, and without a fault. */
	move_all(r, 0, 0, tier);
	faults = ask_status(c, "faults");
	move_all(r, 0, 0, "dram");
	assert_int_equal(move_count(r, fast), PAGES);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	assert_int_equal(ask_status(c, "faults"), faults);
}

static void pages_go_and_come_back_whole(void **state)
{
	struct house_options o = { .backing = *state };
	const char *missing = house_backing_missing(o.backing);
	struct hmm_client *c;
	struct hmm_range *r;
	struct house *h;
	char config[1024];

	if (missing)
		skip_because("%s", missing);
	h = house_prepare(&o);
	snprintf(config, sizeof(config), tiers_with_disk, h->dir);
	house_write_config(h, config);
	house_start(h);
	c = house_client(h, "basics", 0);
	r = filled(c);
	there_and_back(c, r, "far");
	there_and_back(c, r, "disk");
	assert_int_equal(ask_status(c, "ranges"), 1);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(ask_status(c, "ranges"), 0);
	assert_int_equal(ask_status(c, "managed_bytes"), 0);
	assert_int_equal(ask_sum(c, "tiers", "used"), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* The daemon counts what the test knows it asked for. */
static void counters_add_up(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *c = house_client(h, "basics", 0);
	struct hmm_range *r = filled(c);
	struct hmm_move_result result;

	move_some(r, 0, 3 * HUGE_PAGE, "far", &result);
	assert_int_equal(result.moved, 3 * HUGE_PAGE);
	move_some(r, 0, 4 * HUGE_PAGE, "far", &result);
	assert_int_equal(result.already_there, 3 * HUGE_PAGE);
	assert_int_equal(result.moved, HUGE_PAGE);
	assert_int_equal(ask_status(c, "evicted_bytes"), 4 * HUGE_PAGE);
	assert_int_equal(ask_number(c, "tiers", "name", "far", "moved_in_bytes"), 4 * HUGE_PAGE);
	assert_int_equal(ask_number(c, "tiers", "name", "dram", "moved_out_bytes"), 4 * HUGE_PAGE);
	move_some(r, 0, 0, "dram", &result);
	assert_int_equal(result.moved, 4 * HUGE_PAGE);
	assert_int_equal(result.already_there, SIZE - 4 * HUGE_PAGE);
	assert_int_equal(ask_status(c, "prefetched_bytes"), 4 * HUGE_PAGE);
	assert_int_equal(ask_status(c, "filled_bytes"), 0);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void arguments_are_checked(void **state)
{
	struct house *h = house_open(NULL);
	struct hmm_client *c = house_client(h, "basics", 0);
	struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;
	struct hmm_range *r = NULL, *none = NULL;
	struct hmm_op *op = NULL;

	(void)state;
	assert_int_equal(hmm_alloc(c, 0, NULL, &none), -EINVAL);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE + 4096, NULL, &none), -EINVAL);
	o.policy = "nonesuch";
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, &o, &none), -ENOENT);
	o.policy = NULL;
	o.prefer = "nonesuch";
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, &o, &none), -ENOENT);
	assert_null(none);
	r = filled(c);
	assert_int_equal(hmm_range_migrate(r, 0, 0, "nonesuch", 0, &op), -ENOENT);
	assert_int_equal(hmm_range_migrate(r, 4096, HUGE_PAGE, "far", 0, &op), -EINVAL);
	assert_int_equal(hmm_range_migrate(r, 0, SIZE + HUGE_PAGE, "far", 0, &op), -EINVAL);
	assert_int_equal(hmm_range_migrate(r, SIZE, HUGE_PAGE, "far", 0, &op), -EINVAL);
	assert_null(op);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void tiers_are_told(void **state)
{
	struct house *h = house_open(NULL);
	struct hmm_client *c = house_client(h, "basics", 0);
	struct hmm_tier_info info[4];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		info[i].size = sizeof(info[i]);
	assert_int_equal(hmm_tiers(c, info, 4, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(info[0].name, "dram");
	assert_int_equal(info[0].kind, HMM_TIER_KIND_NUMA);
	assert_int_equal(info[0].node, 0);
	assert_int_equal(info[0].capacity, 32 * MiB);
	assert_string_equal(info[1].name, "far");
	assert_int_equal(info[1].kind, HMM_TIER_KIND_MEMORY);
	assert_int_equal(info[1].node, -1);
	assert_int_equal(info[1].free, 256 * MiB);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(fresh_memory_is_zero),
		PER_BACKING(pages_go_and_come_back_whole),
		PER_BACKING(counters_add_up),
		cmocka_unit_test(arguments_are_checked),
		cmocka_unit_test(tiers_are_told),
	};

	return cmocka_run_group_tests_name("managed memory", tests, NULL, NULL);
}
