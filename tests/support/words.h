/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory full of words that only this seed and this place can have, so that a lost or misplaced byte shows. */
#ifndef HMMD_TESTS_SUPPORT_WORDS_H
#define HMMD_TESTS_SUPPORT_WORDS_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t words_at(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15ULL;	/* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline void words_fill(void *memory, size_t bytes, uint64_t seed)
{
	uint64_t *w = (uint64_t *)memory;

	for (size_t i = 0; i < bytes / sizeof(*w); i++)
		w[i] = words_at(seed, i);
}

/* How many words are not what words_fill() wrote. */
static inline size_t words_bad(const void *memory, size_t bytes, uint64_t seed)
{
	const uint64_t *w = (const uint64_t *)memory;
	size_t bad = 0;

	for (size_t i = 0; i < bytes / sizeof(*w); i++)
		bad += w[i] != words_at(seed, i);
	return bad;
}

#endif
