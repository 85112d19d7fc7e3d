/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of the configuration file beyond sizes, times and booleans (daemon/core/value.h): shares `20%`,
 * rates `512M` (bytes per second), limits, node lists, words. 0 or -EINVAL; nothing is rounded.
 */
#ifndef HMMD_IO_CONFIG_VALUE_H
#define HMMD_IO_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int value_limit(const char *text, uint64_t *ret_bytes);		/* a size, or `none`: UINT64_MAX */
int value_rate(const char *text, uint64_t *ret_bytes_per_sec);	/* `none`: 0, which is none by itself */
int value_share(const char *text, uint32_t *ret_per_cent);
int value_number(const char *text, uint64_t min, uint64_t max, uint32_t *ret);
int value_nodes(const char *text, uint64_t *ret_mask);		/* `0,2-3` */
/* The next word of a list split by commas or blanks into buf; true: one was there (cut ones are refused with false and *ret_long). */
bool value_word(const char **text, char *buf, size_t size, bool *ret_long);
/* The name among n that `word` was probably meant to be, or NULL when none is close. */
const char *value_nearest(const char *word, const char *const *names, size_t n);

#endif
