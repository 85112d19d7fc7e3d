// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Addresses are hexadecimal with or without 0x, so that a line of /proc/PID/maps or of `hmmctl ranges`
 * can be pasted as it is. Digits are read by hand: strtoull() takes signs, spaces and overflow.
 */
#include "libclient/ctl/span.h"

#include <errno.h>
#include <stddef.h>

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* Reads digits of the base up to the first other character, *text moves there. */
static int read_number(const char **text, unsigned int base, uint64_t *ret)
{
	const char *start = *text;
	uint64_t value = 0;

	while ((unsigned int)digit_of(**text) < base) {
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit_of(**text), &value))
			return -ERANGE;
		(*text)++;
	}
	if (*text == start)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int read_address(const char **text, uint64_t *ret)
{
	if ((*text)[0] == '0' && ((*text)[1] == 'x' || (*text)[1] == 'X'))
		*text += 2;
	return read_number(text, 16, ret);
}

static int read_pid(const char **text, int32_t *ret)
{
	uint64_t pid;

	if (read_number(text, 10, &pid) < 0 || !pid || pid > INT32_MAX)
		return -EINVAL;
	*ret = (int32_t)pid;
	return 0;
}

int span_parse_pid(const char *text, int32_t *ret)
{
	int32_t pid;

	if (read_pid(&text, &pid) < 0 || *text)
		return -EINVAL;
	*ret = pid;
	return 0;
}

static int fail(const char *why, const char **ret_why)
{
	*ret_why = why;
	return -EINVAL;
}

int span_parse(const char *text, struct span *ret, const char **ret_why)
{
	struct span span = { 0 };

	if (read_pid(&text, &span.pid) < 0)
		return fail("it starts with a process id, a number above 0", ret_why);
	if (*text == ':') {
		text++;
		if (read_address(&text, &span.addr) < 0 || *text++ != '-' ||
		    read_address(&text, &span.end) < 0)
			return fail("the span is ADDR-END in hexadecimal", ret_why);
		if (span.end <= span.addr)
			return fail("the end of the span is not above its start", ret_why);
	}
	if (*text)
		return fail("it is PID or PID:ADDR-END", ret_why);
	*ret = span;
	return 0;
}
