// SPDX-License-Identifier: LGPL-2.1-or-later
/* What of a text can be shown (text.h). */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proto/text.h"

enum { ESCAPE = 4 };	/* \xNN */

/* Bytes that follow the first, and the bits of it that count; 0: no character begins so. */
static size_t follow(unsigned char first, uint32_t *bits)
{
	size_t n = first < 0x80 ? 0 : first < 0xc2 ? 4 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 4;

	*bits = n ? first & (0x3fU >> n) : first;
	return n;
}

/* Its length; 0: none. */
static size_t decode(const char *text, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t c;
	size_t n = follow((unsigned char)*text, &c);

	if (n > 3)
		return 0;
	for (size_t i = 1; i <= n; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n + 1;
}

static bool is_obeyed(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} obeyed[] = {
		{ 0, 0x1f }, { 0x7f, 0x9f },		/* C0, DEL, C1 */
		{ 0x61c, 0x61c }, { 0x200b, 0x200f },	/* direction, and what has no width */
		{ 0x2028, 0x202e }, { 0x2060, 0x206f },	/* lines, direction */
		{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
	};

	for (size_t i = 0; i < sizeof(obeyed) / sizeof(obeyed[0]); i++)
		if (c >= obeyed[i].first && c <= obeyed[i].last)
			return true;
	return false;
}

size_t text_character(const char *text)
{
	uint32_t c;
	size_t n = decode(text, &c);

	return n && !is_obeyed(c) ? n : 0;
}

void text_escape(char *ret, size_t size, const char *text, const char *keep)
{
	size_t at = 0, n;

	for (; *text; text += n ? n : 1) {
		n = strchr(keep, *text) ? 1 : text_character(text);
		if (at + (n ? n : ESCAPE) >= size)
			break;
		if (n)
			memcpy(ret + at, text, n);
		else
			snprintf(ret + at, ESCAPE + 1, "\\x%02x", (unsigned char)*text);
		at += n ? n : ESCAPE;
	}
	ret[at] = '\0';
}
