/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Usage of one tier by one uid (or, without a parent, by everybody), with its limit. Any thread takes
 * and gives; a full pool is an expected outcome. Beside the count hangs the queue of victims: pages
 * that the loop thread ranked coldest, which whoever needs room evicts first.
 */
#ifndef HMMD_CORE_POOL_H
#define HMMD_CORE_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "daemon/base/ring.h"

struct range;

struct victim {
	struct range *range;	/* holds a reference (range_hold) that the taker gives back */
	uint64_t vpn;
	uint64_t word;		/* as ranked; a changed word means: do not evict */
};
enum { POOL_VICTIMS = 256 };	/* ring size; power of two */

struct pool {
	_Atomic uint64_t used;	/* bytes */
	_Atomic uint64_t limit;	/* bytes; may sink below used on reload: then takes fail until it fits */
	_Atomic uint64_t moved_in, moved_out;	/* bytes, ever */
	_Atomic uint64_t given;	/* bytes given back, ever; counted before they leave `used` */
	_Atomic bool draining;	/* takes fail */
	struct pool *parent;	/* the tier's own pool, or NULL */
	struct ring *victims;	/* of struct victim */
};

int pool_init(struct pool *p, struct pool *parent, uint64_t limit);	/* -ENOMEM */
void pool_done(struct pool *p);		/* asserts used == 0 and an empty ring */
/* Takes from the pool and its parents, all or none. NULL: done; else the pool that is full. */
struct pool *pool_take(struct pool *p, uint64_t bytes);
void pool_give(struct pool *p, uint64_t bytes);
/* A page came in or went out for good: the counts of the pool and its parents. */
void pool_count(struct pool *p, uint64_t bytes_in, uint64_t bytes_out);
/* Takes beyond the limit: only for recovery and for bringing pages back at the end. */
void pool_force(struct pool *p, uint64_t bytes);
/*
 * Beyond the limit, and not of the parents: memory that hmmd has not placed, which only this pool's pages make room for.
 */
void pool_force_alone(struct pool *p, uint64_t bytes);
void pool_give_alone(struct pool *p, uint64_t bytes);
/* What a take could have now: the least room of the pool and its parents, 0 while one of them drains. */
uint64_t pool_free_bytes(const struct pool *p);

#endif
