// SPDX-License-Identifier: GPL-2.0-or-later
/* The listing of pages says of each page what the ledger says, over more runs than one page of the listing holds. */
#include <string.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/house.h"
#include "tests/support/move.h"
#include "tests/support/test.h"

enum { RUNS = 264, PAGES = 2 * RUNS, AWAY = 3, ROWS_OF_A_PAGE = 256 };

/* One page of two, and the first ones away. */
static struct hmm_range *every_second(struct hmm_client *c)
{
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, PAGES * HUGE_PAGE, NULL, &r), 0);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_RANDOM, 0), 0);
	for (size_t i = 0; i < PAGES; i += 2)
		((volatile char *)hmm_range_addr(r))[i * HUGE_PAGE] = 1;
	for (size_t i = 0; i < AWAY; i++)
		move_all(r, 2 * i * HUGE_PAGE, HUGE_PAGE, "far");
	return r;
}

static size_t column(const struct hmm_table *t, const char *name)
{
	size_t i = 0;

	while (strcmp(hmm_table_column_name(t, i), name))
		i++;
	return i;
}

/* As hmm_range_residency() has it. */
static void places_of(const struct hmm_table *t, struct hmm_client *c, struct hmm_range *r, uint8_t *ret)
{
	const uint64_t begin = (uintptr_t)hmm_range_addr(r);
	const unsigned int far = ask_tier(c, "far");

	memset(ret, HMM_TIER_UNTOUCHED, PAGES);
	for (size_t row = 0; row < hmm_table_rows(t); row++) {
		uint64_t first = (hmm_table_number(t, row, column(t, "addr")) - begin) / HUGE_PAGE;
		uint64_t n = hmm_table_number(t, row, column(t, "size")) / HUGE_PAGE;
		unsigned int tier = ask_tier(c, hmm_table_text(t, row, column(t, "tier")));

		assert_true(first + n <= PAGES);
		assert_string_equal(hmm_table_text(t, row, column(t, "state")), tier == far ? "away" : "memory");
		memset(ret + first, (int)tier, n);
	}
}

static void it_says_what_the_ledger_says(void **state)
{
	struct house *h = house_open(&(struct house_options){
		.backing = "small",
		.config = "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 1200M\n"
			  "[tier far]\nkind = memory\ncapacity = 64M\n[policy default]\nengine = static\ntrack = no\n"
	});
	struct hmm_client *c = house_client(h, "pages", 0);
	struct hmm_range *r = every_second(c);
	uint8_t listed[PAGES], ledger[PAGES];
	struct hmm_table *t;
	char pid[16];

	(void)state;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_int_equal(hmm_query(c, "pages", pid, &t), 0);
	assert_true(hmm_table_rows(t) > ROWS_OF_A_PAGE);
	places_of(t, c, r, listed);
	assert_int_equal(hmm_range_residency(r, 0, 0, ledger), 0);
	assert_memory_equal(listed, ledger, PAGES);
	hmm_table_free(t);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(it_says_what_the_ledger_says) };

	return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
