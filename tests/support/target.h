/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that is looked at from outside: a child with a range of which half is away and more was never touched. */
#ifndef HMMD_TESTS_TARGET_H
#define HMMD_TESTS_TARGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/house.h"
#include "tests/support/test.h"

enum { TARGET_PAGES = 8 /* touched */, TARGET_AWAY = 4 /* of these */, TARGET_UNTOUCHED = 32, TARGET_SEED = 431 };
#define TARGET_SIZE (TARGET_PAGES * HUGE_PAGE)

struct target {
	pid_t pid;
	_Atomic uint64_t addr;		/* of its range, once half of what it touched is away */
	_Atomic uint64_t beats;
	_Atomic bool stop;
};

/* This process is of another user from here, and can still be looked at. 0: it is. */
int target_become(uid_t uid);
struct target *target_new(const struct house *h, uid_t uid);
bool target_stands_still(const struct target *t);
void target_goes_on(struct target *t);
unsigned int target_threads(const struct target *t);
void target_end(struct target *t);	/* with all its words right */

#endif
