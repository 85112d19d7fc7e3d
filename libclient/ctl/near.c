// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Edit distance with swaps (optimal string alignment), because "stauts" is one mistake to a person.
 * Words are short: three rows on the stack, longer words are never near.
 */
#include "libclient/ctl/near.h"

#include <string.h>

enum { NEAR_WORD = 32 };	/* characters; the longest verb has 8 */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void next_row(const size_t *before, const size_t *above, size_t *row, const char *a, size_t i,
		     const char *b)
{
	row[0] = i;
	for (size_t j = 1; b[j - 1]; j++) {
		size_t replace = above[j - 1] + (a[i - 1] != b[j - 1]);

		row[j] = least(replace, least(above[j], row[j - 1]) + 1);
		if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
			row[j] = least(row[j], before[j - 2] + 1);
	}
}

size_t near_distance(const char *a, const char *b)
{
	size_t rows[3][NEAR_WORD + 1], n = strlen(a), m = strlen(b);

	if (n > NEAR_WORD || m > NEAR_WORD)
		return n > m ? n : m;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++)
		next_row(rows[(i + 1) % 3], rows[(i - 1) % 3], rows[i % 3], a, i, b);
	return rows[n % 3][m];
}

bool near_match(const char *typed, const char *word)
{
	size_t n = strlen(typed);

	if (n >= 2 && strncmp(typed, word, n) == 0)
		return true;
	return near_distance(typed, word) <= (n > 4 ? 2 : 1);
}
