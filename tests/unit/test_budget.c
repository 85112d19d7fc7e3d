// SPDX-License-Identifier: GPL-2.0-or-later
/* The rate limit, over simulated time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/core/budget.h"
#include "proto/ledger.h"

#define MIB (1ULL << 20)

static void never_gives_more_than_rate_and_burst(void **state)
{
	struct budget b;
	uint64_t now, taken = 0, refused = 0, most;

	(void)state;
	budget_init(&b, 100 * MIB, 8 * MIB);
	for (now = 5000000; now < 105000000; now += 97) {
		if (budget_take(&b, LEDGER_PAGE_SIZE, now))
			refused++;
		else
			taken += LEDGER_PAGE_SIZE;
		most = 8 * MIB + (now - 5000000) * 100 * MIB / 1000000;
		assert_true(taken <= most);
	}
	assert_true(taken >= 100 * 100 * MIB - LEDGER_PAGE_SIZE);
	assert_int_equal(b.refused, refused);
}

static void a_burst_of_one_page_lets_a_page_through(void **state)
{
	static const uint64_t rates[] = { 1, 3, 1000, 1000003, 3 * MIB, 7777777777ULL, UINT64_MAX };
	struct budget b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		budget_init(&b, rates[i], LEDGER_PAGE_SIZE);
		assert_int_equal(budget_take(&b, LEDGER_PAGE_SIZE, 0), 0);
		if (rates[i] < 1000 * MIB)
			assert_int_equal(budget_take(&b, LEDGER_PAGE_SIZE, 0), BUDGET_E_DRY);
	}
	budget_init(&b, 2 * MIB, 2 * MIB);
	assert_int_equal(budget_take(&b, 2 * MIB, 10), 0);
	assert_int_equal(budget_take(&b, 2 * MIB, 1000009), BUDGET_E_DRY);
	assert_int_equal(budget_take(&b, 2 * MIB, 1000010), 0);
}

static void unlimited_and_absurd(void **state)
{
	struct budget b;
	int i;

	(void)state;
	budget_init(&b, 0, 0);
	assert_int_equal(budget_take(&b, UINT64_MAX, 0), 0);
	budget_init(&b, 1ULL << 40, 1ULL << 30);
	for (i = 0; i < 2000 && !budget_take(&b, 1, 0); i++)
		;
	assert_in_range(i, 900, 1100);	/* even a byte costs a microsecond: rounding gives nothing away */
	budget_init(&b, 5, UINT64_MAX);
	assert_int_equal(budget_take(&b, UINT64_MAX, 0), BUDGET_E_DRY);
	assert_int_equal(budget_take(&b, 5, UINT64_MAX - 10),
			 BUDGET_E_DRY); /* would be paid for after the end of time */
	assert_int_equal(budget_take(&b, 5, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_gives_more_than_rate_and_burst),
		cmocka_unit_test(a_burst_of_one_page_lets_a_page_through),
		cmocka_unit_test(unlimited_and_absurd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
