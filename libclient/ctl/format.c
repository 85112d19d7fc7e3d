// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sizes in binary units with at most one decimal, so that a column stays narrow and a multiple of
 * the huge page reads as the round number it is. Integer arithmetic: no rounding surprises.
 */
#include "libclient/ctl/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static char *with_tenth(char *buf, uint64_t tenths, const char *unit)
{
	if (tenths % 10)
		snprintf(buf, FORMAT_MAX, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, unit);
	else
		snprintf(buf, FORMAT_MAX, "%" PRIu64 " %s", tenths / 10, unit);
	return buf;
}

static uint64_t in_tenths(uint64_t value, uint64_t unit)
{
	return value / unit * 10 + (value % unit * 10 + unit / 2) / unit;
}

char *format_size(char buf[static FORMAT_MAX], uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int i = 0, last = sizeof(units) / sizeof(units[0]) - 1;

	while (i < last && in_tenths(bytes, 1ULL << (10 * i)) >= 10240)
		i++;
	return with_tenth(buf, in_tenths(bytes, 1ULL << (10 * i)), units[i]);
}

static char *two_parts(char *buf, uint64_t whole, const char *big, uint64_t rest, const char *small)
{
	snprintf(buf, FORMAT_MAX, "%" PRIu64 " %s %" PRIu64 " %s", whole, big, rest, small);
	return buf;
}

char *format_duration(char buf[static FORMAT_MAX], uint64_t us)
{
	uint64_t s = us / 1000000 + (us % 1000000 >= 500000);	/* rounded */

	if (us < 1000)
		return with_tenth(buf, us * 10, "us");
	if (in_tenths(us, 1000) < 10000)
		return with_tenth(buf, in_tenths(us, 1000), "ms");
	if (in_tenths(us, 1000000) < 600)
		return with_tenth(buf, in_tenths(us, 1000000), "s");
	if (s < 3600)
		return two_parts(buf, s / 60, "min", s % 60, "s");
	if (s < 86400)
		return two_parts(buf, s / 3600, "h", s / 60 % 60, "min");
	return two_parts(buf, s / 86400, "d", s / 3600 % 24, "h");
}

char *format_nanoseconds(char buf[static FORMAT_MAX], uint64_t ns)
{
	if (ns < 10000)
		return with_tenth(buf, ns * 10, "ns");
	return format_duration(buf, ns / 1000);
}

char *format_clock(char buf[static FORMAT_MAX], uint64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;
	size_t n = 0;

	if (localtime_r(&seconds, &tm))
		n = strftime(buf, FORMAT_MAX, "%Y-%m-%d %H:%M:%S", &tm);
	if (!n)
		n = (size_t)snprintf(buf, FORMAT_MAX, "%" PRIu64, us / 1000000);
	snprintf(buf + n, FORMAT_MAX - n, ".%03u", (unsigned int)(us / 1000 % 1000));
	return buf;
}

uint64_t format_percent(uint64_t part, uint64_t whole)
{
	if (!whole)
		return 0;
	if (part > UINT64_MAX / 101)
		return part / (whole / 100 ? whole / 100 : 1);
	return (part * 100 + whole / 2) / whole;
}
