// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules for single fields. A text always names the field and says what would be right, because it
 * is what the program at fault gets to see.
 */
#include <errno.h>
#include <string.h>

#include "proto/ledger.h"
#include "proto/text.h"
#include "proto/validate_field.h"

int invalid_set(struct invalid *why, int code, const char *text)
{
	*why = (struct invalid){ .code = code, .text = text };
	return VALIDATE_E_FIELD;
}

int check_that(bool ok, const char *text, struct invalid *why)
{
	return ok ? 0 : invalid_set(why, EINVAL, text);
}

int check_or(bool ok, int code, const char *text, struct invalid *why)
{
	return ok ? 0 : invalid_set(why, code, text);
}

int check_name(const char *s, size_t max, const char *text, struct invalid *why)
{
	if (strnlen(s, max + 1) > max)
		return invalid_set(why, EINVAL, text);
	for (size_t n; *s; s += n) {
		n = text_character(s);
		if (!n)
			return invalid_set(why, EINVAL, text);
	}
	return 0;
}

int check_named(const char *s, size_t max, const char *text, struct invalid *why)
{
	return check_that(s[0] != '\0', text, why) || check_name(s, max, text, why);
}

int check_text(const char *s, struct invalid *why)
{
	size_t n = strnlen(s, HMM_LIMIT_TEXT + 1);

	if (n > HMM_LIMIT_TEXT)
		return invalid_set(why, EINVAL, "text is longer than 1024 bytes");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if ((c < ' ' && c != '\t' && c != '\n') || c == 0x7f)
			return invalid_set(why, EINVAL, "text has control characters");
	}
	return 0;
}

int check_size(uint64_t size, uint64_t align, struct invalid *why)
{
	if (size == 0)
		return invalid_set(why, EINVAL, "size is 0");
	if (size % align)
		return invalid_set(why, EINVAL, align == LEDGER_PAGE_SIZE ?
				   "size is not a multiple of the huge page size, 2M" :
				   "size is not a multiple of the base page size, 4K");
	if (size > HMM_LIMIT_RANGE_SIZE)
		return invalid_set(why, ERANGE, "size is larger than the largest range");
	return 0;
}

int check_area(uint64_t addr, uint64_t size, uint64_t align, struct invalid *why)
{
	uint64_t end;
	int r = check_size(size, align, why);

	if (r)
		return r;
	if (addr == 0 || addr % align)
		return invalid_set(why, EINVAL, align == LEDGER_PAGE_SIZE ?
				   "addr is not a multiple of the huge page size, 2M, or is 0" :
				   "addr is not a multiple of the base page size, 4K, or is 0");
	if (__builtin_add_overflow(addr, size, &end) || end > HMM_LIMIT_ADDRESS)
		return invalid_set(why, ERANGE, "addr and size reach beyond the user addresses");
	return 0;
}

int check_span(uint64_t range, uint64_t offset, uint64_t length, uint64_t align,
	       struct invalid *why)
{
	uint64_t end;

	if (range == 0)
		return invalid_set(why, EINVAL, "range is 0");
	if (offset % align || length % align)
		return invalid_set(why, EINVAL, align == LEDGER_PAGE_SIZE ?
				   "offset or length is not a multiple of the huge page size, 2M" :
				   "offset or length is not a multiple of the base page size, 4K");
	if (__builtin_add_overflow(offset, length, &end) || end > HMM_LIMIT_RANGE_SIZE)
		return invalid_set(why, ERANGE, "offset and length reach beyond the largest range");
	return 0;
}

int check_options(const Hmmd__RangeOptions *o, struct invalid *why)
{
	if (!o)
		return 0;
	return check_name(o->name, HMM_LIMIT_NAME,
			  "options.name is not at most 63 bytes of printable UTF-8", why) ||
	       check_name(o->policy, HMM_LIMIT_NAME,
			  "options.policy is not at most 63 bytes of printable UTF-8", why) ||
	       check_name(o->prefer, HMM_LIMIT_TIER_NAME,
			  "options.prefer is not at most 31 bytes of printable UTF-8", why) ||
	       check_that(!(o->flags & ~(uint32_t)VALIDATE_RANGE_FLAGS),
			  "options.flags has unknown bits", why);
}
