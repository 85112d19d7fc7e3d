/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fixture of tests of adopted memory in the core: a small world with a tier of the kernel
 * driver, and one adopted range that nobody watches yet.
 */
#ifndef TESTS_UNIT_ADOPTED_WORLD_H
#define TESTS_UNIT_ADOPTED_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/core/adopted.h"
#include "tests/unit/core_world.h"

enum { HBM = 4, PAGES = 64, BASE = 4096, FULL = 512 };

static struct config config;
static struct world *w;
static struct space *s;
static struct range *r;
static struct plan plan;

static __attribute__((unused)) const struct adopted_seen
	in_memory = { .memory = FULL, .node = DRAM, .dev = ADOPTED_NO_TIER },
	on_device = { .device = FULL, .node = ADOPTED_NO_TIER, .dev = HBM },
	nowhere = { .node = ADOPTED_NO_TIER, .dev = ADOPTED_NO_TIER };

static inline void add_hbm(void)
{
	struct tier_config *t = &config.tiers[config.n_tiers++];

	config_tier_defaults(t);
	strcpy(t->name, "hbm");
	strcpy(t->path, "/dev/hmm");
	t->kind = TIER_KERNEL;
	t->capacity = 128 * PAGE;
	strcpy(config.policies[0].tiers[config.policies[0].n_tiers++], "hbm");
}

/* As the threads and the loop do it together. */
static inline void book_seen(struct range *at, uint64_t vpn, const struct adopted_seen *seen,
			     struct adopted_room *room)
{
	adopted_book(at, vpn, seen, room);
	assert_int_equal(adopted_words(at, vpn, 1), 0);
}

static inline struct range *adopt(uint64_t addr, uint64_t size)
{
	struct range_request q = { .name = "adopted" };
	uint64_t id;

	assert_int_equal(space_register(s, &q, &addr, &size, 1, &id), 0);
	return space_find_id(s, id);
}

static inline int set_up(void **state)
{
	(void)state;
	test_config(&config);
	add_hbm();
	assert_int_equal(world_new(&w, &config, 1), 0);
	s = test_space(w, 1000);
	r = adopt(TEST_ADDR, PAGES * PAGE);
	plan.n = 0;
	return 0;
}

static inline int tear_down(void **state)
{
	unsigned int i;

	(void)state;
	test_space_free(s);
	for (i = 0; i < w->n_tiers; i++)
		assert_int_equal(tier_used(&w->tiers[i]), 0);
	world_free(w);
	return 0;
}

static inline uint64_t vpn_of(uint64_t page)
{
	return (TEST_ADDR >> LEDGER_PAGE_SHIFT) + page;
}

static inline void book_all(const struct adopted_seen *seen)
{
	uint64_t i;

	for (i = 0; i < PAGES; i++)
		book_seen(r, vpn_of(i), seen, NULL);
}

#endif
