/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small world for tests of the core, and somebody who moves pages in it: the same steps of states
 * and pools that the movers make, without a byte behind them.
 */
#ifndef TESTS_UNIT_CORE_WORLD_H
#define TESTS_UNIT_CORE_WORLD_H

#include "daemon/core/world.h"

#define PAGE LEDGER_PAGE_SIZE
#define SECOND 1000000ULL
enum { DRAM, CXL, FAR, DISK, TEST_TABLES = 128 };
#define TEST_ADDR (1ULL << 32)

/*
 * dram 64 pages, cxl 64 pages, far (memory) 256 pages, disk (file) 256 pages; policy default over
 * dram and far.
 */
void test_config(struct config *c);
struct policy_config *test_policy(struct config *c, const char *name,
				  enum engine engine); /* over dram, far */

struct space *test_space(struct world *w, uint32_t uid);
void test_space_free(struct space *s);		/* with all its ranges */
/* A managed range of so many pages at an address, under a policy (NULL: default). */
struct range *test_range(struct space *s, uint64_t addr, uint64_t pages, const char *policy);
void test_range_free(struct range *r);

uint64_t test_word(struct range *r, uint64_t page);	/* page: index in the range */
enum page_state test_state(struct range *r, uint64_t page);
/* 0, or 1: no room. A page that is already there is left alone. */
int test_fill(struct range *r, uint64_t page, uint64_t now_us);
int test_evict(struct range *r, uint64_t page, unsigned int tier, uint64_t now_us);
int test_node(struct range *r, uint64_t page, unsigned int tier);
/*
 * Carries out a plan, reports to its operations, lets go of its ranges; returns how many moves were
 * done.
 */
unsigned int test_carry_out(struct world *w, struct plan *plan, uint64_t now_us);
/*
 * A fault: makes room by the queue of victims, ranking when it is empty; asserts that it always
 * succeeds.
 */
void test_fault(struct world *w, struct range *r, uint64_t page, uint64_t now_us);
/* Empties all queues of victims and asserts that pools and tier_bytes agree with the words. */
void test_books(struct world *w);

#endif
