// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pmd_mapped_share: after two seconds of verifying churn over more than the fast tier holds, the share
 * of the program's resident managed bytes that it maps with huge entries. Resident is what the ledger
 * says; mapped huge is what /proc/self/smaps says of the range. Resident pages are touched once before
 * they are counted: one that was unmapped by the tracker a moment ago is no failure of the mapping.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/bench/measure.h"
#include "tests/support/ask.h"
#include "tests/support/churn.h"
#include "tests/support/house.h"
#include "tests/support/move.h"
#include "tests/support/test.h"

enum { PAGES = 24 };
#define CHURN_US 2000000ULL

/* Bytes of the mapping that holds addr, over all its lines that count huge entries. */
static uint64_t huge_bytes(const void *addr)
{
	static const char *const keys[] = { "ShmemPmdMapped:", "Shared_Hugetlb:", "Private_Hugetlb:" };
	FILE *f = fopen("/proc/self/smaps", "re");
	uint64_t kib = 0;
	bool here = false;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long long start, end;

		if (sscanf(line, "%llx-%llx ", &start, &end) == 2)
			here = (uintptr_t)addr >= start && (uintptr_t)addr < end;
		for (size_t i = 0; here && i < 3; i++)
			if (!strncmp(line, keys[i], strlen(keys[i])))
				kib += strtoull(line + strlen(keys[i]), NULL, 10);
	}
	fclose(f);
	return kib * 1024;
}

static size_t touch_resident(struct hmm_range *r, uint8_t fast)
{
	const volatile char *p = hmm_range_addr(r);
	uint8_t tiers[PAGES];
	size_t n = 0;

	assert_int_equal(hmm_range_residency(r, 0, 0, tiers), 0);
	for (size_t i = 0; i < PAGES; i++)
		if (tiers[i] == fast) {
			(void)p[i * HUGE_PAGE];
			n++;
		}
	return n;
}

static void stir(struct hmm_range *r)
{
	uint64_t end = clock_us() + CHURN_US;
	unsigned int seed = 3;

	while (clock_us() < end) {
		struct hmm_move_result result;

		move_some(r, (size_t)rand_r(&seed) % PAGES * HUGE_PAGE, HUGE_PAGE, "far", &result);
	}
}

int main(void)
{
	struct house *h = house_open(NULL);
	struct hmm_client *c = house_client(h, "bench", 0);
	double shares[MEASURE_ROUNDS];
	static struct churn churn;
	struct hmm_range *r = NULL;
	uint64_t writes;
	uint8_t fast;

	assert_int_equal(hmm_alloc(c, PAGES * HUGE_PAGE, NULL, &r), 0);
	fast = (uint8_t)ask_tier(c, "dram");
	churn_begin(&churn, r);
	stir(r);
	assert_int_equal(churn_end(&churn, &writes), 0);
	for (int i = 0; i < MEASURE_ROUNDS; i++) {
		size_t resident = touch_resident(r, fast);

		assert_true(resident > 0);
		shares[i] = (double)huge_bytes(hmm_range_addr(r)) / (double)(resident * HUGE_PAGE);
	}
	measure_print("pmd_mapped_share", measure_median(shares, MEASURE_ROUNDS), "share");
	hmm_client_unref(c);
	house_close(h);
	return 0;
}
