// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page states: every pair against a list written from the data plane, and words under many threads.
 */
#include <pthread.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/core/page.h"
#include "tests/unit/random.h"

/* Every allowed step, in words; what is not here is forbidden. */
static const struct {
	const char *from, *to;
} steps[] = {
	{ "absent", "zeroing" },	{ "zeroing", "resident" },	{ "zeroing", "absent" },
	{ "absent", "adopted" },	{ "adopted", "adopted" },	{ "absent", "discarding" },
	{ "resident", "evicting" },	{ "evicting", "committing" },	{ "committing", "device" },
	{ "evicting", "aborting" },	{ "aborting", "resident" },	{ "resident", "aborting" },
	{ "device", "filling" },	{ "filling", "resident" },	{ "filling", "device" },
	{ "filling", "poisoned" },	{ "resident", "discarding" },	{ "device", "discarding" },
	{ "poisoned", "discarding" },	{ "discarding", "absent" },	{ "resident", "zeroing" },
	{ "resident", "resident" },	{ "adopted", "absent" },
};

static bool listed(unsigned int from, unsigned int to)
{
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (!strcmp(steps[i].from, page_state_name(from)) &&
		    !strcmp(steps[i].to, page_state_name(to)))
			return true;
	return false;
}

static void allows_exactly_the_listed_steps(void **state)
{
	unsigned int from, to, n = 0;

	(void)state;
	for (from = 0; from < 16; from++)
		for (to = 0; to < 16; to++) {
			assert_int_equal(page_allowed(from, to), from < PAGE_STATES &&
									 to < PAGE_STATES &&
									 listed(from, to));
			n += page_allowed(from, to);
		}
	assert_int_equal(n, sizeof(steps) / sizeof(*steps));
	assert_string_equal(page_state_name(PAGE_STATES), "damaged");
}

/* Nothing is a dead end: every state but the two that live by themselves leads back to rest. */
static void every_state_leads_to_rest(void **state)
{
	bool rests[PAGE_STATES] = {
		[PAGE_ABSENT] = true, [PAGE_RESIDENT] = true, [PAGE_DEVICE] = true
	};
	unsigned int from, to, round;

	(void)state;
	for (round = 0; round < PAGE_STATES; round++)
		for (from = 0; from < PAGE_STATES; from++)
			for (to = 0; to < PAGE_STATES; to++)
				rests[from] |= page_allowed(from, to) && rests[to];
	for (from = 0; from < PAGE_ADOPTED; from++)
		assert_true(rests[from]);
}

static void a_step_changes_what_it_names(void **state)
{
	radix_word word = 0;
	uint64_t seen = 0, stale;

	(void)state;
	page_flag(&word, PAGE_PINNED | PAGE_COLD, 0);
	seen = word;
	assert_true(page_step(&word, &seen, PAGE_ZEROING, 31, 0xfffffffe));
	assert_int_equal(seen, word);
	assert_int_equal(page_word_state(word), PAGE_ZEROING);
	assert_int_equal(page_word_tier(word), 31);
	assert_int_equal(page_word_slot(word), 0xfffffffe);
	assert_int_equal(word & PAGE_FLAGS, PAGE_PINNED | PAGE_COLD);
	assert_int_equal(word >> 16 & 0xffff, 1);
	stale = seen;
	page_flag(&word, 0, PAGE_PINNED);
	assert_false(page_step(&word, &stale, PAGE_RESIDENT, 0, 0));
	assert_int_equal(stale, word);
	assert_int_equal(page_word_state(word), PAGE_ZEROING);
	assert_true(page_step(&word, &stale, PAGE_RESIDENT, 0, 0));
	assert_int_equal(word & PAGE_FLAGS, PAGE_COLD);
}

static void the_generation_goes_round_alone(void **state)
{
	radix_word word = PAGE_RESIDENT | 7ULL << 32;
	uint64_t seen = word;
	unsigned int i;

	(void)state;
	for (i = 0; i < 0x10000; i++) {
		assert_int_equal(word >> 16 & 0xffff, i);
		assert_true(page_step(&word, &seen, PAGE_RESIDENT, 3, 7));
	}
	assert_int_equal(word, (PAGE_RESIDENT | 3ULL << 4 | 7ULL << 32));
}

static void only_free_resident_pages_may_go(void **state)
{
	unsigned int s;

	(void)state;
	for (s = 0; s < 16; s++) {
		assert_int_equal(page_evictable(s), s == PAGE_RESIDENT);
		assert_int_equal(page_evictable(s | PAGE_COLD), s == PAGE_RESIDENT);
		assert_false(page_evictable(s | PAGE_PINNED));
		assert_false(page_evictable(s | PAGE_STAY));
		assert_int_equal(page_word_sane(s, 1), s < PAGE_STATES);
	}
	assert_true(page_word_sane(PAGE_DEVICE | 3 << 4, 4));
	assert_false(page_word_sane(PAGE_DEVICE | 4 << 4, 4));
}

/* The table of the data plane, section 3. */
static void recovery_follows_the_table(void **state)
{
	static const enum page_recovery want[16][2] = {	/* hole, page in the file */
		[PAGE_ABSENT] = { PAGE_RECOVER_NOTHING, PAGE_RECOVER_NOTHING },
		[PAGE_ZEROING] = { PAGE_RECOVER_ZERO, PAGE_RECOVER_ZERO },
		[PAGE_RESIDENT] = { PAGE_RECOVER_THAW, PAGE_RECOVER_THAW },
		[PAGE_EVICTING] = { PAGE_RECOVER_THAW, PAGE_RECOVER_THAW },
		[PAGE_ABORTING] = { PAGE_RECOVER_THAW, PAGE_RECOVER_THAW },
		[PAGE_COMMITTING] = { PAGE_RECOVER_PUNCH, PAGE_RECOVER_PUNCH },
		[PAGE_DEVICE] = { PAGE_RECOVER_WAKE, PAGE_RECOVER_PUNCH },
		[PAGE_FILLING] = { PAGE_RECOVER_FILL, PAGE_RECOVER_FILL },
		[PAGE_DISCARDING] = { PAGE_RECOVER_ZERO, PAGE_RECOVER_ZERO },
		[PAGE_POISONED] = { PAGE_RECOVER_NOTHING, PAGE_RECOVER_NOTHING },
		[PAGE_ADOPTED] = { PAGE_RECOVER_NOTHING, PAGE_RECOVER_NOTHING },
	};
	unsigned int s;

	(void)state;
	for (s = 0; s < 16; s++) {
		assert_int_equal(page_recovery(s | 5ULL << 32, false), want[s][0]);
		assert_int_equal(page_recovery(s | 5ULL << 32, true), want[s][1]);
	}
}

static void repair_asks_nobody(void **state)
{
	radix_word word = 15 | 31 << 4 | PAGE_PINNED | 7ULL << 16 | 9ULL << 32;

	(void)state;
	page_repair(&word, PAGE_ABSENT, 2);
	assert_int_equal(word, (2 << 4 | 8ULL << 16));
}

enum { THREADS = 4, ROUNDS = 20000 };

struct race {
	radix_word word;
	atomic_int inside, overlaps, owned;
};

/* Whoever wins RESIDENT -> EVICTING owns the page alone until it is RESIDENT again. */
static void *evict_and_abort(void *arg)
{
	struct race *race = arg;
	uint64_t seen;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		seen = atomic_load(&race->word);
		page_flag(&race->word, i % 2 ? PAGE_COLD : 0, i % 2 ? 0 : PAGE_COLD);
		if (page_word_state(seen) != PAGE_RESIDENT ||
		    !page_step(&race->word, &seen, PAGE_EVICTING, 1, 1))
			continue;
		if (atomic_fetch_add(&race->inside, 1))
			atomic_fetch_add(&race->overlaps, 1);
		atomic_fetch_add(&race->owned, 1);
		atomic_fetch_sub(&race->inside, 1);
		while (!page_step(&race->word, &seen, PAGE_ABORTING, 1, 1))
			;
		while (!page_step(&race->word, &seen, PAGE_RESIDENT, 0, 0))
			;
	}
	return NULL;
}

static void one_thread_owns_a_page(void **state)
{
	static struct race race = { .word = PAGE_RESIDENT };
	pthread_t threads[THREADS];
	int i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, evict_and_abort, &race), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(race.overlaps, 0);
	assert_true(race.owned > 0);
	assert_int_equal(page_word_state(race.word), PAGE_RESIDENT);
	assert_int_equal(race.word >> 16 & 0xffff, race.owned * 3 & 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allows_exactly_the_listed_steps),
		cmocka_unit_test(every_state_leads_to_rest),
		cmocka_unit_test(a_step_changes_what_it_names),
		cmocka_unit_test(the_generation_goes_round_alone),
		cmocka_unit_test(only_free_resident_pages_may_go),
		cmocka_unit_test(recovery_follows_the_table),
		cmocka_unit_test(repair_asks_nobody),
		cmocka_unit_test(one_thread_owns_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
