// SPDX-License-Identifier: GPL-2.0-or-later
/* Moves by hand that did not last, and how much of the log they take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/io/daemon.h"
#include "daemon/io/schedule_own.h"
#include "tests/unit/core_world.h"

enum { CLIENTS = 40, USERS = 2 };

/* Every client of every user, for every reason at once: a line for each user, and one for all the rest of it. */
static void no_user_fills_the_log(void **state)
{
	struct space *spaces[USERS * CLIENTS];
	struct config config;
	struct daemon d = { 0 };
	unsigned int named[USERS] = { 0 };
	uint64_t first;

	(void)state;
	test_config(&config);
	assert_int_equal(config_check(&config, (char[256]){ 0 }, 256), 0);
	assert_int_equal(world_new(&d.world, &config, 1), 0);
	for (unsigned int i = 0; i < USERS * CLIENTS; i++)
		spaces[i] = test_space(d.world, 1000 + i % USERS);
	for (unsigned int round = 1; round <= 3; round++) {
		first = events_last(d.world->events);
		for (unsigned int i = 0; i < USERS * CLIENTS; i++)
			for (unsigned int why = 0; why < UNDONE_REASONS; why++)
				spaces[i]->undone[why] = PAGE;
		schedule_tell_undone(&d);
		assert_int_equal(events_last(d.world->events), first + 2 * USERS);
		for (const struct event *e = events_after(d.world->events, first); e; e = events_after(d.world->events, e->sequence))
			if (e->client)
				named[e->uid - 1000]++;
			else
				assert_non_null(strstr(e->text, "325632 KiB more"));	/* 40 clients, 4 reasons, less one */
		for (unsigned int user = 0; user < USERS; user++)
			assert_int_equal(named[user], round);
	}
	first = events_last(d.world->events);
	schedule_tell_undone(&d);
	assert_int_equal(events_last(d.world->events), first);
	for (unsigned int i = 0; i < USERS * CLIENTS; i++)
		test_space_free(spaces[i]);
	world_free(d.world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_user_fills_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
