// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages of listings: cells in order, the two limits of a page, and a row that does not fit is
 * withdrawn whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/io/query_table.h"
#include "proto/frame.h"
#include "proto/validate.h"

static const struct column columns[] = {
	{ "name", UNIT_TEXT }, { "bytes", UNIT_BYTES }, { "place", UNIT_TEXT },
};
enum { COLUMNS = 3, WIDE = 1000 /* bytes of a wide cell */ };

struct fixture {
	struct table table;
	uint8_t buffer[TABLE_BUFFER], frame[HMM_LIMIT_FRAME];
};

static int set_up(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	table_begin(&f->table, f->buffer, columns, COLUMNS);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static bool add(struct table *t, const char *name, uint64_t bytes)
{
	if (!table_row(t))
		return false;
	table_text(t, name);
	table_number(t, bytes);
	table_empty(t);
	return table_row_end(t);
}

/* What the page is on the wire: valid, and not above a frame. */
static size_t frame_size(struct fixture *f)
{
	Hmmd__QueryReply reply = HMMD__QUERY_REPLY__INIT;
	Hmmd__Message m = HMMD__MESSAGE__INIT;
	struct invalid why;
	size_t size;

	assert_true(table_reply(&f->table, &reply));
	reply.next_cursor = UINT64_MAX;
	m.kind_case = HMMD__MESSAGE__KIND_QUERY_REPLY;
	m.query_reply = &reply;
	assert_int_equal(message_validate(&m, FROM_DAEMON, 0, &why), 0);
	assert_int_equal(frame_pack(1, &m, f->frame, sizeof(f->frame), &size), 0);
	return size;
}

static void cells_keep_their_kind_and_order(void **state)
{
	struct fixture *f = *state;
	const Hmmd__Row *row;

	assert_true(add(&f->table, "dram", 42));
	row = f->table.rows[0];
	assert_int_equal(row->n_cell, COLUMNS);
	assert_int_equal(row->cell[0]->value_case, HMMD__CELL__VALUE_TEXT);
	assert_string_equal(row->cell[0]->text, "dram");
	assert_int_equal(row->cell[1]->value_case, HMMD__CELL__VALUE_NUMBER);
	assert_int_equal(row->cell[1]->number, 42);
	assert_int_equal(row->cell[2]->value_case, HMMD__CELL__VALUE__NOT_SET);
	frame_size(f);
}

static void null_text_is_an_empty_cell(void **state)
{
	struct fixture *f = *state;

	assert_true(add(&f->table, NULL, 0));
	assert_int_equal(f->table.rows[0]->cell[0]->value_case, HMMD__CELL__VALUE__NOT_SET);
}

static void a_page_ends_at_its_rows(void **state)
{
	struct fixture *f = *state;
	unsigned int n = 0;

	while (add(&f->table, "x", n))
		n++;
	assert_int_equal(n, HMM_LIMIT_ROWS);
	assert_int_equal(f->table.n_rows, HMM_LIMIT_ROWS);
	frame_size(f);
}

static void a_page_ends_at_its_frame(void **state)
{
	struct fixture *f = *state;
	char wide[WIDE + 1];
	unsigned int n = 0;
	size_t size;

	memset(wide, 'w', WIDE);
	wide[WIDE] = '\0';
	while (add(&f->table, wide, n))
		n++;
	assert_true(n > 0 && n < HMM_LIMIT_ROWS);
	assert_int_equal(f->table.n_rows, n);
	size = frame_size(f);
	assert_true(size <= HMM_LIMIT_FRAME);
	assert_true(size > HMM_LIMIT_FRAME - 2 * WIDE - 4096);
	assert_false(table_row(&f->table));
}

static void formatted_text_is_copied(void **state)
{
	struct fixture *f = *state;

	assert_true(table_row(&f->table));
	table_textf(&f->table, "%d-%s", 7, "b");
	table_number_if(&f->table, false, 9);
	table_number_if(&f->table, true, 9);
	assert_true(table_row_end(&f->table));
	assert_string_equal(f->table.rows[0]->cell[0]->text, "7-b");
	assert_int_equal(f->table.rows[0]->cell[1]->value_case, HMMD__CELL__VALUE__NOT_SET);
	assert_int_equal(f->table.rows[0]->cell[2]->number, 9);
}

static void long_text_is_cut_to_the_limit(void **state)
{
	struct fixture *f = *state;
	char text[2 * HMM_LIMIT_TEXT];

	memset(text, 'l', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_true(add(&f->table, text, 0));
	assert_int_equal(strlen(f->table.rows[0]->cell[0]->text), HMM_LIMIT_TEXT);
	frame_size(f);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(cells_keep_their_kind_and_order), CASE(null_text_is_an_empty_cell),
		CASE(a_page_ends_at_its_rows),	       CASE(a_page_ends_at_its_frame),
		CASE(formatted_text_is_copied),	       CASE(long_text_is_cut_to_the_limit),
	};

	return cmocka_run_group_tests_name("query_table", tests, NULL, NULL);
}
