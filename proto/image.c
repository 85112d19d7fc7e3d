// SPDX-License-Identifier: LGPL-2.1-or-later
/* The mark of an address space (image.h): fields of /proc/PID/stat as they are counted in proc_pid_stat(5). */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proto/image.h"

enum { FIELD_STATE = 3, START_CODE = 26, END_CODE = 27, START_STACK = 28, START_DATA = 45, START_BRK = 47 };
#define FNV_START 0xcbf29ce484222325ULL		/* FNV-1a of 64 bits */
#define FNV_STEP 0x100000001b3ULL

static bool is_fixed(int field)
{
	return (field >= START_CODE && field <= START_STACK) || (field >= START_DATA && field <= START_BRK);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	for (unsigned int shift = 0; shift < 64; shift += 8)
		hash = (hash ^ (value >> shift & 0xff)) * FNV_STEP;
	return hash;
}

/* The name in field 2 may hold anything, so counting starts behind its last bracket. */
int image_mark(const char *stat, uint64_t *ret)
{
	const char *at = strrchr(stat, ')');
	uint64_t hash = FNV_START, value;
	bool seen = false;

	for (int field = FIELD_STATE; field <= START_BRK; field++) {
		at = at ? strchr(at, ' ') : NULL;
		if (!at++)
			return -EINVAL;
		if (!is_fixed(field))
			continue;
		value = strtoull(at, NULL, 10);
		hash = mix(hash, value);
		seen = seen || (field == START_STACK && value);
	}
	if (!seen)
		return IMAGE_E_HIDDEN;
	*ret = hash ? hash : 1;
	return 0;
}
