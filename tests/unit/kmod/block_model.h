/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block allocator beside a naive model of it that keeps one byte per page. A step does one
 * operation on both and compares results, counts and every page in use. Unit test and fuzzer share
 * it; they differ in where operations come from.
 */
#ifndef TESTS_UNIT_KMOD_BLOCK_MODEL_H
#define TESTS_UNIT_KMOD_BLOCK_MODEL_H

#include "drivers/kmod/block.h"

enum {
	BLOCK_MODEL_BLOCKS = 5,
	BLOCK_MODEL_PAGES = BLOCK_MODEL_BLOCKS * 512
};

enum block_model_op {
	BLOCK_TAKE_PAGES,	/* 1 + arg % 100 of them */
	BLOCK_TAKE_WHOLE,
	BLOCK_GIVE_PAGES,	/* 1 + arg % 100 single pages, from the first at or after arg on */
	BLOCK_GIVE_HEAD,	/* the first head at or after arg */
	BLOCK_GIVE_ANY,		/* page arg, right or wrong */
	BLOCK_SPLIT,
	BLOCK_RETIRE,		/* arg % 4: retire, else revive */
	BLOCK_WALK,		/* oldest to youngest, at time arg */
	BLOCK_OPS
};

struct block_model {
	struct hmmdev_blocks *real;
	u8 page[BLOCK_MODEL_PAGES];
	unsigned int used[BLOCK_MODEL_BLOCKS];	/* pages of each block */
	u64 until[BLOCK_MODEL_BLOCKS];
	u64 age[BLOCK_MODEL_BLOCKS];	/* larger: younger */
	u64 clock;
	bool retired;
};

/* All of these: NULL, or what was not so. */
const char *block_model_start(struct block_model *m);
const char *block_model_step(struct block_model *m, enum block_model_op op, u32 arg);
void block_model_end(struct block_model *m);

#endif
