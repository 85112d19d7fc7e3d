/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mirror table beside a naive model of it: one word per page for a few islands of the address
 * space, and a list of the tables that must exist. Islands lie at both ends of the space and across
 * a border of the higher levels. Unit test and fuzzer share it.
 */
#ifndef TESTS_UNIT_KMOD_MIRROR_MODEL_H
#define TESTS_UNIT_KMOD_MIRROR_MODEL_H

#include "drivers/kmod/mirror.h"

enum {
	MIRROR_MODEL_ISLANDS = 3,
	MIRROR_MODEL_ISLAND_PAGES = 2 * 512,
	MIRROR_MODEL_PAGES = MIRROR_MODEL_ISLANDS * MIRROR_MODEL_ISLAND_PAGES,
	MIRROR_MODEL_TABLES = 64
};

enum mirror_model_op {
	MIRROR_SET,	/* one page */
	MIRROR_SET_RUN,	/* pages from `page` on, `length` of them */
	MIRROR_SET_HUGE,
	MIRROR_SET_WRONG, /* what it must refuse */
	MIRROR_LINK,	/* until all is linked, with clears in between */
	MIRROR_LINK_SOME, /* once, with a stash of `value` % 4 tables */
	MIRROR_CLEAR,
	MIRROR_DROP,
	MIRROR_DROP_ALL, /* beyond the address space, too */
	MIRROR_COUNT,
	MIRROR_OPS
};

struct mirror_model_args {
	u32 page;	/* of the islands; any number */
	u32 length;	/* pages */
	u32 value;	/* pfn, flags, level */
};

struct mirror_model_table {
	unsigned int level;
	u64 index;	/* vpn >> 9 * (level + 1) */
};

struct mirror_model {
	struct hmmdev_mirror *real;
	unsigned int top;	/* level of the root */
	u64 vpn[MIRROR_MODEL_PAGES];
	u64 raw[MIRROR_MODEL_PAGES];	/* as get() must say */
	struct mirror_model_table table[MIRROR_MODEL_TABLES];	/* without the root */
	unsigned int tables;
};

/* All of these: NULL, or what was not so. bits: 48 or 57. */
const char *mirror_model_start(struct mirror_model *m, unsigned int bits);
const char *mirror_model_step(struct mirror_model *m, enum mirror_model_op op,
			      struct mirror_model_args a);
/* Compares every page; a step compares those that it may have changed. */
const char *mirror_model_compare(const struct mirror_model *m);
void mirror_model_end(struct mirror_model *m);

#endif
