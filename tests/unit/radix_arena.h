/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fixture of tests of the radix table: one in an arena of memory, whose words are looked at by page number. */
#ifndef TESTS_UNIT_RADIX_ARENA_H
#define TESTS_UNIT_RADIX_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/base/radix.h"

enum { MAX_TABLES = 64 };

struct fixture {
	struct radix r;
	radix_word *arena;
};

static inline void open_with(struct fixture *f, uint32_t tables)
{
	f->arena = calloc(MAX_TABLES, LEDGER_TABLE_SIZE);
	assert_non_null(f->arena);
	assert_int_equal(radix_init(&f->r, f->arena, MAX_TABLES, tables, false), 0);
}

static inline void shut(struct fixture *f)
{
	radix_done(&f->r);
	free(f->arena);
}

static inline bool inside(const struct fixture *f, const radix_word *word)
{
	return word >= f->arena + LEDGER_FANOUT && word < f->arena + MAX_TABLES * LEDGER_FANOUT;
}

static inline void put(struct fixture *f, uint64_t vpn, uint64_t value)
{
	radix_word *word = radix_find(&f->r, vpn);

	assert_non_null(word);
	assert_true(inside(f, word));
	atomic_store(word, value);
}

static inline uint64_t get(struct fixture *f, uint64_t vpn)
{
	radix_word *word = radix_find(&f->r, vpn);

	return word ? atomic_load(word) : 0;
}

#endif
