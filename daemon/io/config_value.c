// SPDX-License-Identifier: GPL-2.0-or-later
/* Values of the configuration file. No function here knows what a value is for. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "daemon/core/value.h"
#include "daemon/io/config_value.h"

static int digits(const char **text, uint64_t *ret)
{
	const char *p = *text;
	uint64_t value = 0;

	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -EINVAL;
	*text = p;
	*ret = value;
	return 0;
}

int value_limit(const char *text, uint64_t *ret_bytes)
{
	if (strcmp(text, "none") != 0)
		return value_size(text, ret_bytes);
	*ret_bytes = UINT64_MAX;
	return 0;
}

int value_rate(const char *text, uint64_t *ret_bytes_per_sec)
{
	uint64_t rate = 0;

	if (strcmp(text, "none") != 0 && (value_size(text, &rate) || !rate))
		return -EINVAL;
	*ret_bytes_per_sec = rate;
	return 0;
}

int value_share(const char *text, uint32_t *ret_per_cent)
{
	uint64_t value;

	if (digits(&text, &value) || strcmp(text, "%") != 0 || value > 100)
		return -EINVAL;
	*ret_per_cent = (uint32_t)value;
	return 0;
}

int value_number(const char *text, uint64_t min, uint64_t max, uint32_t *ret)
{
	uint64_t value;

	if (digits(&text, &value) || *text || value < min || value > max)
		return -EINVAL;
	*ret = (uint32_t)value;
	return 0;
}

static int node_span(const char *word, uint64_t *mask)
{
	uint64_t first, last;

	if (digits(&word, &first))
		return -EINVAL;
	last = first;
	if (*word == '-') {
		word++;
		if (digits(&word, &last))
			return -EINVAL;
	}
	if (*word || first > last || last > 63)
		return -EINVAL;
	for (uint64_t node = first; node <= last; node++)
		*mask |= 1ULL << node;
	return 0;
}

int value_nodes(const char *text, uint64_t *ret_mask)
{
	bool too_long = false;
	uint64_t mask = 0;
	char word[16];

	while (value_word(&text, word, sizeof(word), &too_long))
		if (node_span(word, &mask))
			return -EINVAL;
	if (too_long || !mask)
		return -EINVAL;
	*ret_mask = mask;
	return 0;
}

bool value_word(const char **text, char *buf, size_t size, bool *ret_long)
{
	const char *p = *text + strspn(*text, ", \t");
	size_t n = strcspn(p, ", \t");

	*ret_long = n >= size;
	if (n == 0 || n >= size)
		return false;
	memcpy(buf, p, n);
	buf[n] = '\0';
	*text = p + n;
	return true;
}

/* Edits (insert, drop, replace) that turn a into b; above NEAR_LENGTH bytes nothing is near. */
static unsigned int distance(const char *a, const char *b)
{
	enum { NEAR_LENGTH = 64 };
	size_t na = strlen(a), nb = strlen(b);
	unsigned int row[NEAR_LENGTH + 1], diagonal, above, best;

	if (na > NEAR_LENGTH || nb > NEAR_LENGTH)
		return NEAR_LENGTH;
	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= na; i++) {
		diagonal = row[0];
		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= nb; j++) {
			above = row[j];
			best = diagonal + (a[i - 1] != b[j - 1]);
			best = above + 1 < best ? above + 1 : best;
			row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			diagonal = above;
		}
	}
	return row[nb];
}

const char *value_nearest(const char *word, const char *const *names, size_t n)
{
	unsigned int best = (unsigned int)strlen(word) / 2 + 1, d;
	const char *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		d = distance(word, names[i]);
		if (d < best) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}
