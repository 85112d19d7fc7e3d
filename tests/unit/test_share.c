// SPDX-License-Identifier: GPL-2.0-or-later
/* Shares of the loop: nobody has more than its time, nobody is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/core/share.h"

enum { PEERS = 40, TURNS = 400 };

/* All ask in every turn, always in the same order, and each takes so long. */
static void everybody_is_heard_as_often(void **state)
{
	struct share s = { 0 };
	struct share_peer peers[PEERS] = { { 0 } };
	unsigned int heard[PEERS] = { 0 }, least = UINT32_MAX, most = 0;
	uint64_t spent;

	(void)state;
	for (uint64_t turn = 1; turn <= TURNS; turn++) {
		spent = 0;
		for (size_t i = 0; i < PEERS; i++) {
			if (!share_may_run(&s, &peers[i], turn))
				continue;
			heard[i]++;
			spent += SHARE_NS / 3;
			share_spend(&s, SHARE_NS / 3);
		}
		assert_true(spent > 0 && spent <= SHARE_NS + SHARE_NS / 3);
	}
	for (size_t i = 0; i < PEERS; i++) {
		least = heard[i] < least ? heard[i] : least;
		most = heard[i] > most ? heard[i] : most;
	}
	assert_true(most - least <= 1);
}

static void one_that_leaves_keeps_nobody_waiting(void **state)
{
	struct share s = { 0 };
	struct share_peer a = { 0 }, b = { 0 };

	(void)state;
	assert_true(share_may_run(&s, &a, 1));
	share_spend(&s, SHARE_NS);
	assert_false(share_may_run(&s, &b, 1));
	assert_false(share_may_run(&s, &a, 2));	/* b comes first */
	share_leave(&s, &b);
	share_leave(&s, &b);
	assert_true(share_may_run(&s, &a, 3));
	assert_int_equal(s.late, 0);
}

static void whoever_is_alone_is_always_heard(void **state)
{
	struct share s = { 0 };
	struct share_peer a = { 0 };

	(void)state;
	for (uint64_t turn = 1; turn <= TURNS; turn++) {
		assert_true(share_may_run(&s, &a, turn));
		share_spend(&s, 5 * SHARE_NS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_is_heard_as_often),
		cmocka_unit_test(one_that_leaves_keeps_nobody_waiting),
		cmocka_unit_test(whoever_is_alone_is_always_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
