/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How values are written in configuration files and commands: sizes 64G, times 10s, yes and no. */
#ifndef HMMD_CORE_VALUE_H
#define HMMD_CORE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* All: 0 or -EINVAL (not such a value, or too large); *ret untouched then. */
int value_size(const char *text,
	       uint64_t *ret); /* bytes: digits with K, M, G, T (of 1024) or nothing */
int value_time(const char *text, uint64_t *ret_us); /* us, ms, s, min, h; seconds without a unit */
int value_bool(const char *text, bool *ret);		/* yes no true false on off 1 0 */

#endif
