// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading values (value.h). Digits are read here because strtoull() takes signs and spaces. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "daemon/core/value.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit sizes[] = { { "", 1 },		  { "K", 1ULL << 10 }, { "M", 1ULL << 20 },
				     { "G", 1ULL << 30 }, { "T", 1ULL << 40 }, { NULL, 0 } };
static const struct unit times[] = {
	{ "", 1000000 }, { "us", 1 }, { "ms", 1000 }, { "s", 1000000 }, { "min", 60000000ULL },
	{ "h", 3600000000ULL }, { NULL, 0 }
};

static int number(const char *text, const struct unit *units, uint64_t *ret)
{
	const char *at = text;
	uint64_t n = 0;

	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*at - '0'), &n))
			return -EINVAL;
	if (at == text)
		return -EINVAL;
	for (; units->name && strcmp(units->name, at); units++)
		;
	if (!units->name || __builtin_mul_overflow(n, units->factor, &n))
		return -EINVAL;
	*ret = n;
	return 0;
}

int value_size(const char *text, uint64_t *ret)
{
	return number(text, sizes, ret);
}

int value_time(const char *text, uint64_t *ret_us)
{
	return number(text, times, ret_us);
}

int value_bool(const char *text, bool *ret)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(text, words[i])) {
			*ret = i & 1;
			return 0;
		}
	return -EINVAL;
}
