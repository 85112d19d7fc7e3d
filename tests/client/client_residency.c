// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where pages are is read from the shared ledger: no message is sent, and a wrong ledger is no
 * danger.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/client/fake.h"

enum { GIB_OF_RANGE = 1 };
#define START ((uint64_t)GIB_OF_RANGE << 30)

static void words_become_tiers(void **state)
{
	static const struct {
		uint64_t word;
		uint8_t tier;
	} cases[] = {
		{ PAGE_ABSENT, HMM_TIER_UNKNOWN },
		{ PAGE_ZEROING, HMM_TIER_UNTOUCHED },
		{ PAGE_RESIDENT | 3 << 4, 3 },
		{ PAGE_EVICTING | 7 << 4, 7 },
		{ PAGE_ABORTING | 7 << 4, 7 },
		{ PAGE_COMMITTING | 31 << 4, 31 },
		{ PAGE_DEVICE | 1 << 4 | 99ULL << 32, 1 },
		{ PAGE_FILLING | 2 << 4, 2 },
		{ PAGE_DISCARDING | 2 << 4, HMM_TIER_UNTOUCHED },
		{ PAGE_POISONED, HMM_TIER_LOST },
		{ PAGE_ADOPTED | 1 << 4 | PAGE_PINNED, 1 },
	};
	enum { CASES = sizeof(cases) / sizeof(cases[0]) };
	struct fake *f = *state;
	uint64_t *leaf = fake_ledger(f, START);
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_range *r;
	uint8_t tiers[CASES + 1];

	for (size_t i = 0; i < CASES; i++)
		leaf[i] = cases[i].word;
	assert_int_equal(hmm_register(c, memory_at(START, CASES * HUGE_PAGE), CASES * HUGE_PAGE, NULL, &r), 0);
	memset(tiers, 0xee, sizeof(tiers));
	assert_int_equal(hmm_range_residency(r, 0, 0, tiers), 0);
	for (size_t i = 0; i < CASES; i++)
		assert_int_equal(tiers[i], cases[i].tier);
	assert_int_equal(tiers[CASES], 0xee);
	/* A change of the ledger is seen at once. */
	leaf[2] = PAGE_DEVICE | 4 << 4;
	assert_int_equal(hmm_range_residency(r, 2 * HUGE_PAGE, HUGE_PAGE, tiers), 0);
	assert_int_equal(tiers[0], 4);
	assert_int_equal(tiers[1], HMM_TIER_UNTOUCHED);
	hmm_client_unref(c);
}

/* An adopted range need not start at a huge page; every huge page that it touches counts. */
static void ranges_that_are_not_aligned(void **state)
{
	struct fake *f = *state;
	uint64_t *leaf = fake_ledger(f, START);
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_range *r;
	uint8_t tiers[3] = { 0, 0, 0xee };

	leaf[0] = PAGE_ADOPTED | 5 << 4;
	leaf[1] = PAGE_ADOPTED | 6 << 4;
	assert_int_equal(hmm_register(c, memory_at(START + HUGE_PAGE - 4096, 8192), 8192, NULL, &r), 0);
	assert_int_equal(hmm_range_residency(r, 0, 0, tiers), 0);
	assert_int_equal(tiers[0], 5);
	assert_int_equal(tiers[1], 6);
	assert_int_equal(tiers[2], 0xee);
	hmm_client_unref(c);
}

static void no_table_means_untouched(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c;
	struct hmm_range *managed, *adopted;
	uint8_t tiers[2];

	need_userfaultfd();
	fake_ledger(f, START);
	c = fake_client(f, 0);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &managed), 0);
	assert_int_equal(hmm_register(c, memory_at(0x10000000, 4096), 4096, NULL, &adopted), 0);
	assert_int_equal(hmm_range_residency(managed, 0, 0, tiers), 0);
	assert_int_equal(tiers[0], HMM_TIER_UNTOUCHED);
	assert_int_equal(hmm_range_residency(adopted, 0, 0, tiers), 0);
	assert_int_equal(tiers[0], HMM_TIER_UNKNOWN);
	hmm_client_unref(c);
}

static void no_ledger_is_no_error(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_range *r;
	uint8_t tier = 0;

	assert_int_equal(hmm_register(c, memory_at(START, HUGE_PAGE), HUGE_PAGE, NULL, &r), 0);
	assert_int_equal(hmm_range_residency(r, 0, 0, &tier), 0);
	assert_int_equal(tier, HMM_TIER_UNKNOWN);
	hmm_client_unref(c);
}

static void indexes_beyond_the_file_are_not_followed(void **state)
{
	static const uint64_t wrong[] = { 4, 1000, 16384, UINT64_MAX, 0 };
	struct fake *f = *state;
	uint64_t *leaf = fake_ledger(f, START), *middle = leaf - LEDGER_FANOUT;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_range *r;
	uint8_t tier;

	leaf[0] = PAGE_ADOPTED;
	assert_int_equal(hmm_register(c, memory_at(START, HUGE_PAGE), HUGE_PAGE, NULL, &r), 0);
	assert_int_equal(hmm_range_residency(r, 0, 0, &tier), 0);
	assert_int_equal(tier, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		middle[GIB_OF_RANGE] = wrong[i];
		assert_int_equal(hmm_range_residency(r, 0, 0, &tier), 0);
		assert_int_equal(tier, HMM_TIER_UNKNOWN);
	}
	/* The file grows while the client looks on. */
	middle[GIB_OF_RANGE] = 4;
	assert_int_equal(ftruncate(FAKE_GET(f, ledger), 5 * LEDGER_TABLE_SIZE), 0);
	assert_int_equal(hmm_range_residency(r, 0, 0, &tier), 0);
	assert_int_equal(tier, HMM_TIER_UNKNOWN);
	leaf[0] = PAGE_ADOPTED | 9 << 4;
	middle[GIB_OF_RANGE] = 3;
	assert_int_equal(hmm_range_residency(r, 0, 0, &tier), 0);
	assert_int_equal(tier, 9);
	hmm_client_unref(c);
}

static void what_is_no_ledger_is_refused(void **state)
{
	struct fake *f = *state;
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;
	char text[128] = "";
	uint64_t *leaf = fake_ledger(f, START), *header = leaf - 3 * LEDGER_FANOUT;

	o.socket_path = f->path;
	header[LEDGER_H_MAGIC] = 1;
	assert_int_equal(hmm_client_new(&c, &o), -EPROTO);
	header[LEDGER_H_MAGIC] = LEDGER_MAGIC;
	o.error_text = text;
	o.error_size = sizeof(text);
	header[LEDGER_H_VERSION] = LEDGER_VERSION + 1;
	assert_int_equal(hmm_client_new(&c, &o), -EPROTONOSUPPORT);
	assert_non_null(strstr(text, "of another version than 1"));
	header[LEDGER_H_VERSION] = LEDGER_VERSION;
	assert_int_equal(ftruncate(FAKE_GET(f, ledger), 100), 0);
	assert_int_equal(hmm_client_new(&c, &o), -EPROTO);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(words_become_tiers),
		FAKE_TEST(ranges_that_are_not_aligned),
		FAKE_TEST(no_table_means_untouched),
		FAKE_TEST(no_ledger_is_no_error),
		FAKE_TEST(indexes_beyond_the_file_are_not_followed),
		FAKE_TEST(what_is_no_ledger_is_refused),
	};

	return cmocka_run_group_tests_name("client_residency", tests, NULL, NULL);
}
