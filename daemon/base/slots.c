// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Device slots (slots.h). A taker first reserves one in the count, so that a full set is known at
 * once and a scan always ends; the hint follows what was given last, so that takes and gives in
 * turn cost one word each.
 */
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "daemon/base/slots.h"

enum { WORD_BITS = 64 };

struct slots {
	uint32_t count, words;
	_Atomic uint32_t used;		/* never below the number of bits set */
	_Atomic uint32_t hint;		/* word where a free slot is likely */
	_Atomic uint64_t bits[];	/* 1: taken; those beyond count are taken for ever */
};

int slots_new(struct slots **ret, uint32_t count)
{
	uint32_t words = count / WORD_BITS + !!(count % WORD_BITS);
	struct slots *s;

	if (!count)
		return -EINVAL;
	s = calloc(1, sizeof(*s) + words * sizeof(uint64_t));
	if (!s)
		return -ENOMEM;
	s->count = count;
	s->words = words;
	if (count % WORD_BITS)
		atomic_init(&s->bits[words - 1], UINT64_MAX << (count % WORD_BITS));
	*ret = s;
	return 0;
}

struct slots *slots_free(struct slots *s)
{
	free(s);
	return NULL;
}

static bool reserve(struct slots *s)
{
	uint32_t used = atomic_load_explicit(&s->used, memory_order_relaxed);

	do {
		if (used == s->count)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&s->used, &used, used + 1, memory_order_acquire, memory_order_relaxed));
	return true;
}

static bool take_in_word(struct slots *s, uint32_t word, uint32_t *ret_slot)
{
	uint64_t bits = atomic_load_explicit(&s->bits[word], memory_order_relaxed);
	unsigned int bit;

	while (bits != UINT64_MAX) {
		bit = (unsigned int)__builtin_ctzll(~bits);
		if (!atomic_compare_exchange_weak_explicit(&s->bits[word], &bits,
							   bits | 1ULL << bit, memory_order_acquire,
							   memory_order_relaxed))
			continue;
		*ret_slot = word * WORD_BITS + bit;
		return true;
	}
	return false;
}

int slots_take(struct slots *s, uint32_t *ret_slot)
{
	uint32_t hint = atomic_load_explicit(&s->hint, memory_order_relaxed), word = hint;

	if (!reserve(s))
		return SLOTS_E_FULL;
	while (!take_in_word(s, word, ret_slot))
		word = word + 1 == s->words ? 0 : word + 1;
	if (word != hint)
		atomic_store_explicit(&s->hint, word, memory_order_relaxed);
	return 0;
}

int slots_take_at(struct slots *s, uint32_t slot)
{
	uint64_t bit = 1ULL << (slot % WORD_BITS);

	if (slot >= s->count)
		return -ERANGE;
	if (!reserve(s))
		return SLOTS_E_FULL;
	if (!(atomic_fetch_or_explicit(&s->bits[slot / WORD_BITS], bit, memory_order_acquire) &
	      bit))
		return 0;
	atomic_fetch_sub_explicit(&s->used, 1, memory_order_release);
	return SLOTS_E_FULL;
}

void slots_give(struct slots *s, uint32_t slot)
{
	uint64_t bit = 1ULL << (slot % WORD_BITS), old;

	assert(slot < s->count);
	old = atomic_fetch_and_explicit(&s->bits[slot / WORD_BITS], ~bit, memory_order_release);
	assert(old & bit);
	(void)old;
	atomic_fetch_sub_explicit(&s->used, 1, memory_order_release);
	atomic_store_explicit(&s->hint, slot / WORD_BITS, memory_order_relaxed);
}

uint32_t slots_used(const struct slots *s)
{
	return atomic_load_explicit(&s->used, memory_order_relaxed);
}

uint32_t slots_count(const struct slots *s)
{
	return s->count;
}
