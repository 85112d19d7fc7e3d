/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writers that know what every word of a range must be. Word i of the range belongs to writer i modulo
 * their number; its owner keeps the true value in ordinary memory, compares before every write and
 * after all of them. So a lost write, a stale page or bytes of another page show at once.
 */
#ifndef HMMD_TESTS_SUPPORT_CHURN_H
#define HMMD_TESTS_SUPPORT_CHURN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <hmmclient.h>

enum { CHURN_WRITERS = 3 };

struct churn;
struct churn_writer {
	struct churn *churn;
	unsigned int index;
	uint64_t writes, bad;
	pthread_t thread;
};
struct churn {
	_Atomic uint64_t *words;	/* the managed memory */
	uint64_t *shadow;
	size_t n;			/* words */
	_Atomic bool stop;
	struct churn_writer writers[CHURN_WRITERS];
};

void churn_begin(struct churn *c, struct hmm_range *r);
/* Stops, checks every word, frees the shadow. How many words were wrong at any time; how many writes were made. */
uint64_t churn_end(struct churn *c, uint64_t *ret_writes);

#endif
