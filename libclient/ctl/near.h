/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which known word somebody probably meant. */
#ifndef HMMCTL_NEAR_H
#define HMMCTL_NEAR_H

#include <stdbool.h>
#include <stddef.h>

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b. */
size_t near_distance(const char *a, const char *b);
/* True when `typed` is the beginning of `word` or a typing mistake away from it. */
bool near_match(const char *typed, const char *word);

#endif
