// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names of clients and programs are chosen by whoever runs them, and root reads them on a terminal or
 * feeds them to a parser of JSON: escape sequences and broken UTF-8 end here.
 */
#include "libclient/ctl/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must(void *allocated)
{
	if (!allocated) {
		fputs("hmmctl: out of memory\n", stderr);
		exit(1);
	}
	return allocated;
}

/* The second byte decides about overlong forms, surrogates and what lies beyond U+10FFFF. */
static bool second_fits(unsigned char lead, unsigned char second)
{
	unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

	return second >= low && second <= high;
}

/* Bytes of the character at c, 0 if there is none. */
static size_t character(const unsigned char *c)
{
	size_t n = *c < 0x80 ? 1 : *c < 0xc2 ? 0 : *c < 0xe0 ? 2 : *c < 0xf0 ? 3 : *c < 0xf5 ? 4 : 0;

	if (n > 1 && !second_fits(c[0], c[1]))
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

char *valid_text(const char *text)
{
	char *copy = must(strdup(text));

	for (unsigned char *c = (unsigned char *)copy; *c;) {
		size_t n = character(c);

		if (!n)
			*c = '?';
		c += n ? n : 1;
	}
	return copy;
}

/* C0, DEL, and C1 as UTF-8 writes it (0xc2 0x80 .. 0xc2 0x9f). */
char *printable(const char *text)
{
	char *copy = valid_text(text);

	for (unsigned char *c = (unsigned char *)copy; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
		else if (*c == 0xc2 && c[1] < 0xa0)
			*c = c[1] = '?';
	}
	return copy;
}
