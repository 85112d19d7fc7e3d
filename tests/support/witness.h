/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every test of bad behaviour wants to know afterwards: the daemon lives, holds as many descriptors
 * and bytes as before, and somebody well-behaved who was there all the time did not notice anything.
 */
#ifndef HMMD_TESTS_SUPPORT_WITNESS_H
#define HMMD_TESTS_SUPPORT_WITNESS_H

#include <pthread.h>
#include <stdint.h>

#include "tests/support/house.h"

struct witness {
	const struct house *house;
	struct hmm_client *client;	/* holds the range */
	struct hmm_client *observer;	/* asks; holds nothing */
	struct hmm_range *range;	/* half of it on the far tier */
	/* the daemon as it was */
	int descriptors;
	uint64_t used, ranges, clients, managed;
};

/* Tier names as in HOUSE_TIERS. */
void witness_begin(struct witness *w, const struct house *h);
/* Waits until the daemon is as it was, and checks the data. */
void witness_undisturbed(struct witness *w);
void witness_end(struct witness *w);

#endif
