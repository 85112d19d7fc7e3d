/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text that others chose: the name of a program, the path of a unit, a line of a configuration. It is shown on
 * terminals and sent as protobuf's string, which is UTF-8 or nothing.
 */
#ifndef HMMD_PROTO_TEXT_H
#define HMMD_PROTO_TEXT_H

#include <stddef.h>

/*
 * The bytes of the character that text begins with; 0: it is not UTF-8, or a terminal would obey it instead of
 * showing it (controls, those that turn the direction of writing, ends of lines), or text is at its end.
 */
size_t text_character(const char *text);
/*
 * Copies what can be shown as it is, and the bytes of all else as \xNN, as far as whole ones have room; ret ends with
 * 0. keep: other characters to be left as they are, "" for none. What it gives it would not change again.
 */
void text_escape(char *ret, size_t size, const char *text, const char *keep);

#endif
