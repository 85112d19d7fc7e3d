// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which tiers there are is known to the daemon only, so bytes per tier come in one cell instead of
 * in columns with changing names. Scripts get an object out of it, people "dram 128 MiB, ...".
 */
#include "libclient/ctl/bytemap.h"

#include <errno.h>
#include <string.h>

static int read_bytes(const char **text, uint64_t *ret)
{
	const char *start = *text;
	uint64_t value = 0;

	for (; **text >= '0' && **text <= '9'; (*text)++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(**text - '0'), &value))
			return -EINVAL;
	if (*text == start || (**text && **text != ' '))
		return -EINVAL;
	*ret = value;
	return 0;
}

int bytemap_next(const char **cursor, struct bytemap_entry *ret)
{
	const char *text = *cursor + strspn(*cursor, " ");
	struct bytemap_entry entry = { text, strcspn(text, "= "), 0 };

	if (!*text)
		return BYTEMAP_END;
	text += entry.key_length;
	if (!entry.key_length || *text++ != '=' || read_bytes(&text, &entry.bytes) < 0)
		return -EINVAL;
	*cursor = text;
	*ret = entry;
	return 0;
}

bool bytemap_column(const char *name)
{
	return strcmp(name, "tiers") == 0 || strcmp(name, "holders") == 0;
}
