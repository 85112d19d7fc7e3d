// SPDX-License-Identifier: GPL-2.0-or-later
/* Text that others chose: what a terminal would obey, and what is no UTF-8, is shown and not sent. */
#include <string.h>

#include "proto/text.h"
#include "tests/support/test.h"

static void becomes(const char *text, const char *want)
{
	char shown[256], again[256];

	text_escape(shown, sizeof(shown), text, "");
	assert_string_equal(shown, want);
	text_escape(again, sizeof(again), shown, "");
	assert_string_equal(again, want);
}

static void what_can_be_shown_stays(void **state)
{
	(void)state;
	becomes("", "");
	becomes("a program's name \\x ~", "a program's name \\x ~");
	becomes("Gr\xc3\xb6\xc3\x9f" "e", "Gr\xc3\xb6\xc3\x9f" "e");
	becomes("\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80");
}

static void what_a_terminal_obeys_is_escaped(void **state)
{
	(void)state;
	becomes("\033[2J\a\b\x7f", "\\x1b[2J\\x07\\x08\\x7f");
	becomes("a\nb\tc\r", "a\\x0ab\\x09c\\x0d");
	becomes("\xc2\x9b" "31m", "\\xc2\\x9b31m");
	becomes("\xe2\x80\xae" "evil\xe2\x80\xac", "\\xe2\\x80\\xaeevil\\xe2\\x80\\xac");
	becomes("\xe2\x81\xa6\xe2\x80\xa8\xef\xbb\xbf\xd8\x9c",
		"\\xe2\\x81\\xa6\\xe2\\x80\\xa8\\xef\\xbb\\xbf\\xd8\\x9c");
}

static void what_is_no_utf8_is_escaped(void **state)
{
	(void)state;
	becomes("\xff\xfe", "\\xff\\xfe");
	becomes("\x80" "a", "\\x80a");
	becomes("\xc3", "\\xc3");
	becomes("\xe2\x82", "\\xe2\\x82");
	becomes("\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf\\xf0\\x80\\x80\\xaf");
	becomes("\xed\xa0\x80", "\\xed\\xa0\\x80");
	becomes("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	becomes("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80");
}

/* Neither a character nor an escape is cut in two. */
static void what_has_no_room_is_left_out(void **state)
{
	char shown[8];

	(void)state;
	text_escape(shown, 8, "1234\xe2\x82\xac", "");
	assert_string_equal(shown, "1234\xe2\x82\xac");
	text_escape(shown, 7, "1234\xe2\x82\xac", "");
	assert_string_equal(shown, "1234");
	text_escape(shown, 8, "123\033", "");
	assert_string_equal(shown, "123\\x1b");
	text_escape(shown, 7, "123\033", "");
	assert_string_equal(shown, "123");
	text_escape(shown, 1, "1", "");
	assert_string_equal(shown, "");
	text_escape(shown, 8, "1\n2\r", "\n");
	assert_string_equal(shown, "1\n2\\x0d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_can_be_shown_stays),
		cmocka_unit_test(what_a_terminal_obeys_is_escaped),
		cmocka_unit_test(what_is_no_utf8_is_escaped),
		cmocka_unit_test(what_has_no_room_is_left_out),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
