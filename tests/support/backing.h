/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same test over every kind of backing file: the initial state of each is the backing's name. */
#ifndef HMMD_TESTS_SUPPORT_BACKING_H
#define HMMD_TESTS_SUPPORT_BACKING_H

#include "tests/support/house.h"
#include "tests/support/test.h"

#define PER_BACKING(test)							\
	{ #test " on hugetlb", test, NULL, NULL, (void *)"hugetlb" },		\
	{ #test " on thp", test, NULL, NULL, (void *)"thp" },			\
	{ #test " on small", test, NULL, NULL, (void *)"small" }

/* The daemon for such a test, or the test is left out here. */
static inline struct house *house_on(void **state, const char *config)
{
	struct house_options o = { .backing = *state, .config = config };
	const char *missing = house_backing_missing(o.backing);

	if (missing)
		skip_because("%s", missing);
	return house_open(&o);
}

#endif
