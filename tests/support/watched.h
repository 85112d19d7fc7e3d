/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fixture of tests of bad behaviour: one quiet daemon for the whole group, watched by a witness. */
#ifndef HMMD_TESTS_SUPPORT_WATCHED_H
#define HMMD_TESTS_SUPPORT_WATCHED_H

#include "tests/support/witness.h"

static struct house *house;
static struct witness witness;

static int set_up(void **state)
{
	(void)state;
	house = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	witness_begin(&witness, house);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	witness_end(&witness);
	house_close(house);
	return 0;
}

#endif
