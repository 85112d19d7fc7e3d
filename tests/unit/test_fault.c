// SPDX-License-Identifier: GPL-2.0-or-later
/* Answers to faults, for every state; read-ahead for sequential, random and mixed readers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/core/fault.h"
#include "libclient/include/hmmclient.h"
#include "proto/ledger.h"

static void answers_every_state(void **state)
{
	static const enum fault_answer want[16][2] = {
		/* missing, write-protected */
		[PAGE_ABSENT] = { FAULT_ZERO, FAULT_ZERO },
		[PAGE_ZEROING] = { FAULT_DROP, FAULT_DROP },
		[PAGE_RESIDENT] = { FAULT_CHECK, FAULT_ABORT },
		[PAGE_EVICTING] = { FAULT_DROP, FAULT_ABORT },
		[PAGE_ABORTING] = { FAULT_DROP, FAULT_DROP },
		[PAGE_COMMITTING] = { FAULT_DROP, FAULT_DROP },
		[PAGE_DEVICE] = { FAULT_FILL, FAULT_FILL },
		[PAGE_FILLING] = { FAULT_DROP, FAULT_DROP },
		[PAGE_DISCARDING] = { FAULT_DROP, FAULT_DROP },
		[PAGE_POISONED] = { FAULT_POISON, FAULT_POISON },
		[PAGE_ADOPTED] = { FAULT_DROP, FAULT_DROP },
		[11] = { FAULT_POISON, FAULT_POISON },
		[12] = { FAULT_POISON, FAULT_POISON },
		[13] = { FAULT_POISON, FAULT_POISON },
		[14] = { FAULT_POISON, FAULT_POISON },
		[15] = { FAULT_POISON, FAULT_POISON },
	};
	uint64_t s;

	(void)state;
	for (s = 0; s < 16; s++) {
		assert_int_equal(fault_answer(s | 3 << 4 | PAGE_COLD | 9ULL << 32, false),
				 want[s][0]);
		assert_int_equal(fault_answer(s | 3 << 4 | PAGE_COLD | 9ULL << 32, true),
				 want[s][1]);
	}
}

static void a_sequential_reader_faults_ever_more_seldom(void **state)
{
	struct stream s = { 0 };
	uint64_t vpn = 1000, last = 1999;
	unsigned int faults = 0;
	uint32_t got, before = 0;

	(void)state;
	while (vpn <= last) {
		got = stream_fault(&s, vpn, last, HMM_ADVICE_NORMAL);
		assert_true(got <= STREAM_WINDOW_MAX && vpn + got <= last);
		assert_true(got >= before || vpn + got == last);
		before = got;
		vpn += got + 1;
		faults++;
	}
	assert_in_range(faults, 1000 / (STREAM_WINDOW_MAX + 1), 1000 / (STREAM_WINDOW_MAX + 1) + 6);
	assert_int_equal(stream_fault(&s, last, last, HMM_ADVICE_SEQUENTIAL), 0);
	assert_int_equal(stream_fault(&s, last + 5, last, HMM_ADVICE_NORMAL), 0);
}

static void a_random_reader_gets_nothing_more(void **state)
{
	struct stream s = { 0 };
	uint64_t vpn;
	unsigned int i, brought = 0;

	(void)state;
	for (vpn = 1; vpn < 40; vpn++)
		stream_fault(&s, s.next_vpn ? s.next_vpn : 1, 100000, HMM_ADVICE_NORMAL);
	assert_int_equal(s.window, STREAM_WINDOW_MAX);
	for (i = 0; i < 5; i++)
		stream_fault(&s, 50000 - i * 777, 100000, HMM_ADVICE_NORMAL);
	for (i = 0; i < 100; i++)
		brought += stream_fault(&s, 90000 - i * 777, 100000, HMM_ADVICE_NORMAL);
	assert_int_equal(brought, 0);
}

static void advice_rules(void **state)
{
	struct stream s = { 0 };

	(void)state;
	assert_int_equal((int)STREAM_ADVICE_SEQUENTIAL, (int)HMM_ADVICE_SEQUENTIAL);
	assert_int_equal((int)STREAM_ADVICE_RANDOM, (int)HMM_ADVICE_RANDOM);
	assert_int_equal(stream_fault(&s, 10, 1000, HMM_ADVICE_SEQUENTIAL), STREAM_WINDOW_MAX / 2);
	assert_int_equal(stream_fault(&s, 500, 1000, HMM_ADVICE_SEQUENTIAL), STREAM_WINDOW_MAX / 2);
	assert_int_equal(stream_fault(&s, s.next_vpn, 1000, HMM_ADVICE_SEQUENTIAL),
			 STREAM_WINDOW_MAX);
	assert_int_equal(stream_fault(&s, s.next_vpn, 1000, HMM_ADVICE_RANDOM), 0);
	assert_int_equal(stream_fault(&s, 995, 1000, HMM_ADVICE_SEQUENTIAL), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_every_state),
		cmocka_unit_test(a_sequential_reader_faults_ever_more_seldom),
		cmocka_unit_test(a_random_reader_gets_nothing_more),
		cmocka_unit_test(advice_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
