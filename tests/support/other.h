/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another program beside the test, which has memory on the tier "far" and looks at its words when it is asked to. */
#ifndef HMMD_TESTS_SUPPORT_OTHER_H
#define HMMD_TESTS_SUPPORT_OTHER_H

#include "tests/support/house.h"

struct other {
	pid_t pid;
	int ask, answer;
};

/* A range of this size with words of this seed, all of it on "far". */
struct hmm_range *range_away(struct hmm_client *c, size_t size, uint64_t seed);
/* It connects and takes its memory when it is asked for the first time. uid 0: the test's own user. */
void other_begin(struct other *o, const struct house *h, size_t size, uint64_t seed, uid_t uid);
/* How many of its words are bad. */
uint64_t other_looks(const struct other *o);
void other_end(struct other *o);

#endif
