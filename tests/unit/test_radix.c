// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The radix table: against a map, with readers running, and over an arena that somebody has
 * damaged.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/alloc_fail.h"
#include "tests/unit/radix_arena.h"
#include "tests/unit/random.h"

enum { SPANS = 40, ROUNDS = 3000 };

static void covers_and_uncovers(void **state)
{
	struct fixture f;

	(void)state;
	open_with(&f, MAX_TABLES);
	assert_null(radix_find(&f.r, 5));
	assert_int_equal(radix_cover(&f.r, 5, 5), 0);
	assert_int_equal(f.r.used, 4);		/* header, root, one directory, one leaf */
	assert_int_equal(radix_cover(&f.r, 6, 511), 0);
	assert_int_equal(f.r.used, 4);
	put(&f, 5, 55);
	put(&f, 6, 66);
	radix_uncover(&f.r, 5, 5);
	assert_int_equal(get(&f, 5), 0);
	assert_int_equal(get(&f, 6), 66);
	radix_uncover(&f.r, 6, 511);
	assert_null(radix_find(&f.r, 6));
	assert_int_equal(radix_cover(&f.r, LEDGER_VPN_LAST, LEDGER_VPN_LAST), 0);
	assert_int_equal(f.r.used, 6);		/* the removed ones are in limbo, not used again */
	assert_non_null(radix_find(&f.r, LEDGER_VPN_LAST));
	assert_null(radix_find(&f.r, LEDGER_VPN_LAST + 1));
	radix_reclaim(&f.r);
	assert_int_equal(radix_cover(&f.r, 0, 0), 0);
	assert_int_equal(f.r.used, 6);
	shut(&f);
}

/*
 * Three leaves in two directories need five tables: with four nothing happens, with five all does.
 */
static void a_full_arena_changes_nothing(void **state)
{
	uint64_t first = (1ULL << 18) - 600, last = (1ULL << 18) + 3;
	struct fixture f;
	uint32_t tables;

	(void)state;
	for (tables = 2; tables < 7; tables++) {
		open_with(&f, tables);
		assert_int_equal(radix_cover(&f.r, first, last), RADIX_E_FULL);
		assert_int_equal(f.r.used, 2);
		assert_null(radix_find(&f.r, last));
		radix_set_tables(&f.r, 1);		/* never shrinks */
		assert_int_equal(f.r.tables, tables);
		radix_set_tables(&f.r, MAX_TABLES + 5);
		assert_int_equal(f.r.tables, MAX_TABLES);
		assert_int_equal(radix_cover(&f.r, first, last), 0);
		assert_int_equal(f.r.used, 7);
		shut(&f);
	}
}

struct span {
	uint64_t first, last;	/* first > last: not covered */
};

static void random_step(struct fixture *f, struct span *spans, uint64_t *seed)
{
	/* Span i has a stripe of its own over several leaves; stripes meet inside leaves. */
	unsigned int i = (unsigned int)random_below(seed, SPANS);
	uint64_t base = i * 700ULL, vpn;
	int rc;

	if (spans[i].first > spans[i].last) {
		uint64_t first = base + random_below(seed, 700),
			 last = first + random_below(seed, base + 700 - first);

		rc = radix_cover(&f->r, first, last);
		if (rc) {
			assert_int_equal(rc, RADIX_E_FULL);
			radix_reclaim(&f->r);
			return;
		}
		spans[i] = (struct span){ first, last };
		for (vpn = first; vpn <= last; vpn++) {
			assert_int_equal(get(f, vpn), 0);
			put(f, vpn, vpn + 1);
		}
	} else {
		radix_uncover(&f->r, spans[i].first, spans[i].last);
		spans[i] = (struct span){ 1, 0 };
	}
}

static void agrees_with_a_map(void **state)
{
	static struct span spans[SPANS];
	struct fixture f;
	uint64_t seed = 11, vpn;
	int step, i;

	(void)state;
	for (i = 0; i < SPANS; i++)
		spans[i] = (struct span){ 1, 0 };
	open_with(&f, MAX_TABLES - 14);
	for (step = 0; step < ROUNDS; step++) {
		random_step(&f, spans, &seed);
		i = (int)random_below(&seed, SPANS);
		vpn = i * 700ULL + random_below(&seed, 700);
		assert_int_equal(get(&f, vpn),
				 vpn >= spans[i].first && vpn <= spans[i].last ? vpn + 1 : 0);
	}
	for (i = 0; i < SPANS; i++)
		if (spans[i].first <= spans[i].last)
			radix_uncover(&f.r, spans[i].first, spans[i].last);
	radix_reclaim(&f.r);
	assert_int_equal(f.r.free_tables, f.r.used - 2);
	shut(&f);
}

struct race {
	struct fixture f;
	atomic_bool stop;
	atomic_int wrong;
};

/* A reader sees 0 or the page's own number, never another page's and never a table's index. */
static void *read_all(void *arg)
{
	struct race *race = arg;
	uint64_t seed = (uintptr_t)&race, vpn, value;
	radix_word *word;

	while (!atomic_load(&race->stop)) {
		vpn = random_below(&seed, SPANS * 700);
		word = radix_find(&race->f.r, vpn);
		value = word ? atomic_load(word) : 0;
		if (value && value != vpn + 1)
			atomic_fetch_add(&race->wrong, 1);
	}
	return NULL;
}

static void readers_run_during_changes(void **state)
{
	static struct span spans[SPANS];
	static struct race race;
	pthread_t readers[2];
	uint64_t seed = 17;
	int i;

	(void)state;
	for (i = 0; i < SPANS; i++)
		spans[i] = (struct span){ 1, 0 };
	race.f.arena = calloc(4096, LEDGER_TABLE_SIZE);
	assert_int_equal(radix_init(&race.f.r, race.f.arena, 4096, 64, false), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_all, &race), 0);
	for (i = 0; i < 1000; i++) {
		/*
		 * Not reclaimed: readers are never known to be gone here, so the arena grows
		 * instead.
		 */
		unsigned int k = (unsigned int)random_below(&seed, SPANS);
		uint64_t vpn;

		if (race.f.r.tables - race.f.r.used < 8)
			radix_set_tables(&race.f.r, race.f.r.tables + 8);
		if (spans[k].first > spans[k].last) {
			spans[k] = (struct span){ k * 700ULL, k * 700ULL + 600 };
			assert_int_equal(radix_cover(&race.f.r, spans[k].first, spans[k].last), 0);
			for (vpn = spans[k].first; vpn <= spans[k].last; vpn++)
				atomic_store(radix_find(&race.f.r, vpn), vpn + 1);
		} else {
			radix_uncover(&race.f.r, spans[k].first, spans[k].last);
			spans[k] = (struct span){ 1, 0 };
		}
	}
	atomic_store(&race.stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(atomic_load(&race.wrong), 0);
	shut(&race.f);
}

static void adopts_what_a_dead_daemon_left(void **state)
{
	struct fixture f, again;
	uint32_t used;

	(void)state;
	open_with(&f, MAX_TABLES);
	assert_int_equal(radix_cover(&f.r, 100, 1500), 0);
	assert_int_equal(radix_cover(&f.r, 1ULL << 20, 1ULL << 20), 0);
	put(&f, 100, 1);
	put(&f, 1500, 2);
	put(&f, 1ULL << 20, 3);
	used = f.r.used;
	again.arena = f.arena;
	assert_int_equal(radix_init(&again.r, f.arena, MAX_TABLES, used, true), 0);
	assert_int_equal(radix_cover(&again.r, 100, 1500), 0);	/* needs no table: all are there */
	assert_int_equal(get(&again, 100), 1);
	assert_int_equal(get(&again, 1500), 2);
	assert_int_equal(radix_cover(&again.r, 2000, 2000), RADIX_E_FULL);
	radix_set_tables(&again.r, used + 1);
	assert_int_equal(radix_cover(&again.r, 2000, 2000), 0);
	radix_sweep(&again.r);
	assert_null(radix_find(&again.r, 1ULL << 20));	/* its range did not survive */
	assert_int_equal(again.r.free_tables, 2);
	assert_int_equal(radix_cover(&again.r, 1ULL << 20, 1ULL << 20), 0);
	assert_int_equal(get(&again, 1ULL << 20), 0);
	radix_sweep(&again.r);				/* a second time does nothing */
	assert_int_equal(get(&again, 1500), 2);
	radix_done(&f.r);
	shut(&again);
}

/*
 * Every word of the directories is data of somebody else's choice: no index may lead out of the
 * arena.
 */
static void a_damaged_arena_is_never_left(void **state)
{
	struct fixture f;
	uint64_t seed = 23, vpn;
	uint32_t i, k;
	int round;

	(void)state;
	for (round = 0; round < 200; round++) {
		open_with(&f, MAX_TABLES);
		radix_done(&f.r);
		for (i = LEDGER_FANOUT; i < MAX_TABLES / 2 * LEDGER_FANOUT; i++)
			f.arena[i] = random_below(&seed, 4) ? random_below(&seed, MAX_TABLES + 8)
							    : random_next(&seed);
		assert_int_equal(radix_init(&f.r, f.arena, MAX_TABLES, MAX_TABLES / 2, true), 0);
		radix_set_tables(&f.r, MAX_TABLES);
		for (k = 0; k < 6; k++) {
			vpn = random_below(&seed, 6) << 18 | random_below(&seed, 1 << 11);
			if (radix_cover(&f.r, vpn, vpn + 3))
				continue;
			for (i = 0; i < 4; i++)
				put(&f, vpn + i, 1);
		}
		for (k = 0; k < 2000; k++) {
			radix_word *word =
				radix_find(&f.r, random_below(&seed, LEDGER_VPN_LAST + 2));

			assert_true(!word || inside(&f, word));
		}
		radix_sweep(&f.r);
		for (k = 0; k < 2000; k++) {
			radix_word *word =
				radix_find(&f.r, random_below(&seed, LEDGER_VPN_LAST + 2));

			assert_true(!word || inside(&f, word));
		}
		assert_true(f.r.free_tables + 2 <= f.r.used);
		shut(&f);
	}
}

/* Two links to one table, and a table that links to itself: the first claim counts. */
static void shared_tables_are_taken_apart(void **state)
{
	struct fixture f;

	(void)state;
	open_with(&f, MAX_TABLES);
	radix_done(&f.r);
	f.arena[LEDGER_FANOUT] = 2;		/* root word 0 and 1: the same directory */
	f.arena[LEDGER_FANOUT + 1] = 2;
	f.arena[2 * LEDGER_FANOUT] =
		3; /* its leaves 0 and 1: the same leaf, and leaf 2 is the directory itself */
	f.arena[2 * LEDGER_FANOUT + 1] = 3;
	f.arena[2 * LEDGER_FANOUT + 2] = 2;
	assert_int_equal(radix_init(&f.r, f.arena, MAX_TABLES, 4, true), 0);
	radix_set_tables(&f.r, MAX_TABLES);
	assert_int_equal(radix_cover(&f.r, 0, 3 * 512 - 1), 0);
	assert_int_equal(radix_cover(&f.r, 1ULL << 18, 1ULL << 18), 0);
	put(&f, 0, 10);
	put(&f, 512, 20);
	put(&f, 1024, 30);
	put(&f, 1ULL << 18, 40);
	assert_int_equal(get(&f, 0), 10);
	assert_int_equal(get(&f, 512), 20);
	assert_int_equal(get(&f, 1024), 30);
	radix_sweep(&f.r);
	assert_int_equal(get(&f, 1ULL << 18), 40);
	radix_uncover(&f.r, 0, 3 * 512 - 1);
	assert_int_equal(get(&f, 1ULL << 18), 40);
	shut(&f);
}

static void refuses_what_it_cannot_be(void **state)
{
	static radix_word arena[2 * LEDGER_FANOUT];
	struct radix r;

	(void)state;
	assert_int_equal(radix_init(&r, arena, 2, 1, false), -EINVAL);
	assert_int_equal(radix_init(&r, arena, 2, 3, false), -EINVAL);
	assert_int_equal(radix_init(&r, arena, 1U << 30, 2, false), -EINVAL);
	alloc_fail_after(0);
	assert_int_equal(radix_init(&r, arena, 2, 2, false), -ENOMEM);
	assert_true(alloc_failed());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(covers_and_uncovers),
		cmocka_unit_test(a_full_arena_changes_nothing),
		cmocka_unit_test(agrees_with_a_map),
		cmocka_unit_test(readers_run_during_changes),
		cmocka_unit_test(adopts_what_a_dead_daemon_left),
		cmocka_unit_test(a_damaged_arena_is_never_left),
		cmocka_unit_test(shared_tables_are_taken_apart),
		cmocka_unit_test(refuses_what_it_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
