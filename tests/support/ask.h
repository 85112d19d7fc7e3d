/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single values out of the daemon's listings, by the names that hmmctl --json shows. */
#ifndef HMMD_TESTS_SUPPORT_ASK_H
#define HMMD_TESTS_SUPPORT_ASK_H

#include <stddef.h>
#include <stdint.h>

#include <hmmclient.h>

#define ASK_EMPTY UINT64_MAX	/* the cell is empty, or the row is not there */

/* Of the row whose text column `key` is `want`; key NULL: the first row. */
uint64_t ask_number(struct hmm_client *c, const char *topic, const char *key, const char *want, const char *column);
/* Copies at most size bytes; "" for an empty cell. */
void ask_text(struct hmm_client *c, const char *topic, const char *key, const char *want, const char *column,
	      char *ret, size_t size);
/* Over all rows. */
uint64_t ask_sum(struct hmm_client *c, const char *topic, const char *column);
size_t ask_rows(struct hmm_client *c, const char *topic, const char *arg);
/* The index of a tier, as in hmm_tiers() and hmm_range_residency(). */
unsigned int ask_tier(struct hmm_client *c, const char *name);
uint64_t ask_status(struct hmm_client *c, const char *column);
uint64_t ask_used(struct hmm_client *c, const char *tier);

#endif
