/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moves that a test asks for and waits for. */
#ifndef HMMD_TESTS_SUPPORT_MOVE_H
#define HMMD_TESTS_SUPPORT_MOVE_H

#include <stddef.h>
#include <stdint.h>

#include <hmmclient.h>

/* Migrates, waits, and checks that the result adds up and covers the span. */
void move_some(struct hmm_range *r, size_t off, size_t len, const char *tier, struct hmm_move_result *ret);
/* The same, again and again until every page is there: background moves may be in the way of one attempt. */
void move_all(struct hmm_range *r, size_t off, size_t len, const char *tier);
/*
 * words_fill() over the whole range of a house with a tier "dram", until every page is at rest there. Nothing
 * is read ahead meanwhile, so nothing is under way afterwards: the move that follows meets all pages.
 */
void fill_to_rest(struct hmm_client *c, struct hmm_range *r, uint64_t seed);
/* How many huge pages of the whole range are on that tier, by the ledger. */
size_t move_count(const struct hmm_range *r, uint8_t tier);

#endif
