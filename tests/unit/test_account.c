// SPDX-License-Identifier: GPL-2.0-or-later
/* Accounts and charges: what is refused changes nothing, what is given back is all of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/core/account.h"
#include "tests/unit/alloc_fail.h"

static struct quota_config quota(void)
{
	struct quota_config q;

	memset(&q, 0xff, sizeof(q));
	q.managed = 100;
	q.ranges = 2;
	q.weight = 7;
	q.bytes[1] = 50;
	return q;
}

static void charges_and_gives_back(void **state)
{
	struct quota_config q = quota();
	struct pool tiers[2], *pools[2] = { &tiers[0], &tiers[1] };
	struct charge a = { 0 }, b = { 0 };
	struct account *account;
	int i;

	(void)state;
	for (i = 0; i < 2; i++)
		assert_int_equal(pool_init(&tiers[i], NULL, 1000), 0);
	assert_int_equal(account_new(&account, 5, &q, pools, 2), 0);
	assert_int_equal(account->weight, 7);
	assert_int_equal(account->pools[1].limit, 50);
	assert_ptr_equal(account->pools[1].parent, &tiers[1]);
	assert_int_equal(charge_take(&a, account, ACCOUNT_MANAGED, 60), 0);
	assert_int_equal(charge_take(&b, account, ACCOUNT_MANAGED, 41), ACCOUNT_E_FULL);
	assert_null(b.account);
	assert_int_equal(charge_take(&a, account, ACCOUNT_MANAGED, 40), 0);
	assert_int_equal(a.amount, 100);
	q.managed = 10;
	account_set_quota(account, &q); /* below what is used: nothing more, until it fits */
	assert_int_equal(charge_take(&b, account, ACCOUNT_MANAGED, 0), ACCOUNT_E_FULL);
	charge_shrink(&a, 95);
	assert_int_equal(charge_take(&b, account, ACCOUNT_MANAGED, 5), 0);
	assert_int_equal(account->used[ACCOUNT_MANAGED], 10);
	charge_give(&a);
	charge_give(&a);
	charge_shrink(&b, 5);
	assert_null(b.account);
	assert_int_equal(account->used[ACCOUNT_MANAGED], 0);
	assert_int_equal(charge_take(&a, account, ACCOUNT_PINNED, UINT64_MAX), 0);
	charge_give(&a);
	assert_null(account_free(account));
	assert_null(account_free(NULL));
	for (i = 0; i < 2; i++)
		pool_done(&tiers[i]);
}

static void survives_want_of_memory(void **state)
{
	struct quota_config q = quota();
	struct pool tiers[3], *pools[3] = { &tiers[0], &tiers[1], &tiers[2] };
	struct account *account = NULL;
	int i, n;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(pool_init(&tiers[i], NULL, 1000), 0);
	for (n = 0;; n++) {
		int rc;

		alloc_fail_after(n);
		rc = account_new(&account, 5, &q, pools, 3);
		if (!alloc_failed())
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_null(account);
	}
	assert_int_equal(n, 7);
	account_free(account);
	for (i = 0; i < 3; i++)
		pool_done(&tiers[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(charges_and_gives_back),
		cmocka_unit_test(survives_want_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
