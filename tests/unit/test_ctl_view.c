// SPDX-License-Identifier: GPL-2.0-or-later
/* A listing on the screen and as JSON. The listing itself is made here, without a daemon. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libclient/ctl/bytemap.h"
#include "libclient/ctl/text.h"
#include "libclient/ctl/view.h"

struct cell {
	const char *text;
	uint64_t number;
	int empty;
};
struct hmm_table {
	size_t rows, columns;
	const char *const *names;
	const enum hmm_unit *units;
	const struct cell *cells;
};

size_t hmm_table_rows(const struct hmm_table *t)
{
	return t->rows;
}

size_t hmm_table_columns(const struct hmm_table *t)
{
	return t->columns;
}

const char *hmm_table_column_name(const struct hmm_table *t, size_t c)
{
	return t->names[c];
}

enum hmm_unit hmm_table_column_unit(const struct hmm_table *t, size_t c)
{
	return t->units[c];
}

const char *hmm_table_text(const struct hmm_table *t, size_t r, size_t c)
{
	return t->cells[r * t->columns + c].text;
}

uint64_t hmm_table_number(const struct hmm_table *t, size_t r, size_t c)
{
	return t->cells[r * t->columns + c].number;
}

int hmm_table_has(const struct hmm_table *t, size_t r, size_t c)
{
	return !t->cells[r * t->columns + c].empty;
}

static const char *const names[] = { "name", "used", "holders", "addr", "dry_run" };
static const enum hmm_unit units[] = { HMM_UNIT_TEXT, HMM_UNIT_BYTES, HMM_UNIT_TEXT, HMM_UNIT_ADDRESS,
				       HMM_UNIT_BOOL };
static const struct cell cells[] = {
	{ .text = "dram" }, { .number = 4 << 20 }, { .text = "12=3145728 13=1048576" },
	{ .number = 0x7f0000200000 }, { .number = 1 },
	{ .text = "a\033[2Jb" }, { .number = 0 }, { .empty = 1 }, { .empty = 1 }, { .number = 0 },
};
static const struct hmm_table table = { 2, 5, names, units, cells };
static const struct view_column columns[] = {
	{ "name", "TIER", SHOW_UNIT }, { "used", "USED", SHOW_UNIT }, { "newer", "NEWER", SHOW_UNIT },
	{ "holders", "HELD BY", SHOW_SHARE }, { "addr", "ADDRESS", SHOW_UNIT }, { 0 }
};
static const struct view view = { columns, "nothing here", NULL };

static char *text_of(void (*print)(FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	print(out);
	fclose(out);
	return text;
}

static void print_view(FILE *out)
{
	view_print(&view, &table, out);
}

static void print_json(FILE *out)
{
	struct json_object *o = view_json(&table);

	fputs(json_object_to_json_string_ext(o, 0), out);
	json_object_put(o);
}

static void print_line(FILE *out)
{
	view_line("{name} has {used}, {holders}; {newer}.", &table, 0, out);
}

static void columns_are_aligned_and_harmless(void **state)
{
	char *text = text_of(print_view);

	(void)state;
	assert_string_equal(text, "TIER     USED  HELD BY                ADDRESS\n"
				  "dram    4 MiB  12 75%, 13 25%  0x7f0000200000\n"
				  "a?[2Jb    0 B  -                            -\n");
	free(text);
}

static void an_empty_listing_says_so(void **state)
{
	struct hmm_table none = table;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	none.rows = 0;
	view_print(&view, &none, out);
	fclose(out);
	assert_string_equal(text, "nothing here\n");
	free(text);
}

static void json_has_every_column(void **state)
{
	char *text = text_of(print_json);

	(void)state;
	assert_string_equal(text, "[{\"name\":\"dram\",\"used\":4194304,"
				  "\"holders\":{\"12\":3145728,\"13\":1048576},"
				  "\"addr\":\"0x7f0000200000\",\"dry_run\":true},"
				  "{\"name\":\"a\\u001b[2Jb\",\"used\":0,\"holders\":{},"
				  "\"addr\":null,\"dry_run\":false}]");
	free(text);
}

static void lines_are_filled_in(void **state)
{
	char *text = text_of(print_line);

	(void)state;
	assert_string_equal(text, "dram has 4 MiB, 12 3 MiB, 13 1 MiB; -.");
	free(text);
}

static void byte_maps(void **state)
{
	static const char *const wrong[] = { "a", "a=", "=1", "a=1x", "a=-1", "a=99999999999999999999" };
	struct bytemap_entry e;
	const char *text = "dram=1 far=18446744073709551615";

	(void)state;
	assert_int_equal(bytemap_next(&text, &e), 0);
	assert_int_equal(e.key_length, 4);
	assert_memory_equal(e.key, "dram", 4);
	assert_int_equal(e.bytes, 1);
	assert_int_equal(bytemap_next(&text, &e), 0);
	assert_true(e.bytes == UINT64_MAX);
	assert_int_equal(bytemap_next(&text, &e), BYTEMAP_END);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		text = wrong[i];
		assert_int_equal(bytemap_next(&text, &e), -EINVAL);
	}
}

static void letters_of_all_languages_stay(void **state)
{
	char *text = printable("M\xc3\xbcnchen \xe2\x82\xac \xc2\x9b[2J \x9b[2J\x7f");

	(void)state;
	assert_string_equal(text, "M\xc3\xbcnchen \xe2\x82\xac ??[2J ?[2J?");
	free(text);
	text = valid_text("\xe2\x82 \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xff \xf0\x9f\x98\x80 \xe2");
	assert_string_equal(text, "?? ?? ??? ???? ? \xf0\x9f\x98\x80 ?");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned_and_harmless),
		cmocka_unit_test(an_empty_listing_says_so),
		cmocka_unit_test(json_has_every_column),
		cmocka_unit_test(lines_are_filled_in),
		cmocka_unit_test(byte_maps),
		cmocka_unit_test(letters_of_all_languages_stay),
	};

	return cmocka_run_group_tests_name("ctl_view", tests, NULL, NULL);
}
