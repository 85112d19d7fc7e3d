/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rig over a real backing, set up and taken down around each test; the test's state is the backing's name. */
#ifndef TESTS_UNIT_BACKED_H
#define TESTS_UNIT_BACKED_H

#include "tests/support/test.h"
#include "tests/unit/rig.h"

enum { BACKED_PAGES = 12, BACKED_FAST = 6 };

extern struct rig backed;
extern const char *backed_missing;	/* why there is none, or NULL */

int backed_open(void **state);
int backed_close(void **state);

#define NEED_BACKING() do {								\
	if (backed_missing)								\
		skip_because("backing %s: %s", (const char *)*state, backed_missing);	\
} while (0)
#define FOR(kind, name) { #name "_" #kind, name, backed_open, backed_close, (void *)(uintptr_t)#kind }
#define FOR_ALL(name) FOR(hugetlb, name), FOR(thp, name), FOR(small, name)

#endif
