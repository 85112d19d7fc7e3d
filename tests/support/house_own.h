/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What house.c and house_end.c share. */
#ifndef HMMD_TESTS_SUPPORT_HOUSE_OWN_H
#define HMMD_TESTS_SUPPORT_HOUSE_OWN_H

#include "tests/support/house.h"

/* The machine's setting that a daemon raises and puts back. */
#define HOUSE_OVERCOMMIT "/proc/sys/vm/nr_overcommit_hugepages"

uint64_t house_overcommit(void);
/* Until house_remove() it is taken down at the end of the program. */
void house_remember(struct house *h);

#endif
