// SPDX-License-Identifier: GPL-2.0-or-later
/* The event log: numbers, order, and what falls out at its end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

#include "daemon/core/event.h"
#include "tests/unit/alloc_fail.h"

static void keeps_the_newest_in_order(void **state)
{
	const struct event *event;
	struct events *e;
	uint64_t i, at;
	char text[32];

	(void)state;
	assert_int_equal(events_new(&e), 0);
	assert_int_equal(events_last(e), 0);
	assert_null(events_after(e, 0));
	for (i = 1; i <= 3 * EVENTS_KEPT + 5; i++) {
		snprintf(text, sizeof(text), "event %u", (unsigned int)i);
		assert_int_equal(events_add(e, i * 10, i % 2 ? EVENT_INFO : EVENT_ERROR, text), i);
		for (at = 0; (event = events_after(e, at)) && i < 10; at = event->sequence)
			assert_int_equal(event->sequence, at + 1);
	}
	assert_int_equal(events_last(e), i - 1);
	event = events_after(e, 0);
	assert_int_equal(event->sequence, i - EVENTS_KEPT);
	for (at = 0; (event = events_after(e, at)); at = event->sequence) {
		snprintf(text, sizeof(text), "event %u", (unsigned int)event->sequence);
		assert_string_equal(event->text, text);
		assert_int_equal(event->at_us, event->sequence * 10);
		assert_int_equal(event->severity, event->sequence % 2 ? EVENT_INFO : EVENT_ERROR);
		assert_int_equal(event->client, 0);
	}
	assert_int_equal(at, i - 1);
	assert_null(events_after(e, i - 1));
	assert_null(events_after(e, UINT64_MAX));
	events_free(e);
	assert_null(events_free(NULL));
}

static void long_texts_are_cut(void **state)
{
	char text[2 * EVENT_TEXT];
	struct events *e;

	(void)state;
	alloc_fail_after(0);
	assert_int_equal(events_new(&e), -ENOMEM);
	assert_true(alloc_failed());
	assert_int_equal(events_new(&e), 0);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	events_add_client(e, 1, EVENT_WARNING, 77, 5, text);
	assert_int_equal(strlen(events_after(e, 0)->text), EVENT_TEXT - 1);
	assert_int_equal(events_after(e, 0)->client, 77);
	events_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_newest_in_order),
		cmocka_unit_test(long_texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
