/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fixture of tests of the core that need no more: a small world, one user's space, and one range if it is asked for. */
#ifndef TESTS_UNIT_ONE_SPACE_H
#define TESTS_UNIT_ONE_SPACE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/core_world.h"

enum { UID = 1000 };

static struct config config;
static struct world *w;
static struct space *s;
static struct range *r;		/* NULL: none was asked for */

/* Of the configuration as it is by then. */
static inline void open_space(uint64_t pages)
{
	assert_int_equal(world_new(&w, &config, 1), 0);
	s = test_space(w, UID);
	r = pages ? test_range(s, TEST_ADDR, pages, NULL) : NULL;
}

static inline int close_space(void **state)
{
	(void)state;
	test_space_free(s);
	world_free(w);
	return 0;
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, close_space)

#endif
