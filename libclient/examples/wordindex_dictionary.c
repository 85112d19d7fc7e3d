// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Words by their text: a table of slots with open addressing, and the words in an array of their own,
 * so that ranking them by frequency puts the ones that are looked up most on the same few pages.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/examples/wordindex.h"

enum { TEXT_PER_WORD = 16 };	/* bytes; the words of manuals and headers take 11 on average */

int dictionary_open(struct dictionary *d, struct memory *m, uint32_t max_words)
{
	memset(d, 0, sizeof(*d));
	d->memory = m;
	d->max_words = max_words;
	d->n_slots = 1;
	while (d->n_slots < 2 * max_words)
		d->n_slots *= 2;
	d->texts_size = max_words * TEXT_PER_WORD;
	d->slots = memory_take(m, d->n_slots * sizeof(*d->slots));
	d->words = memory_take(m, max_words * sizeof(*d->words));
	d->texts = memory_take(m, d->texts_size);
	return d->slots && d->words && d->texts ? 0 : -ENOSPC;
}

static bool is_word(struct dictionary *d, const struct word *w, const char *text, size_t length, uint32_t hash)
{
	const char *own;

	memory_visit(d->memory, &d->word_place, w);
	if (w->hash != hash)
		return false;
	own = d->texts + w->text;
	memory_visit(d->memory, &d->text_place, own);
	return (unsigned char)own[0] == length && memcmp(own + 1, text, length) == 0;
}

static struct word *add_word(struct dictionary *d, uint32_t *slot, const char *text, size_t length,
			     uint32_t hash)
{
	struct word *w = d->words + d->n_words;

	if (d->n_words == d->max_words || d->texts_size - d->texts_used < length + 1)
		return NULL;
	*w = (struct word){ .hash = hash, .text = d->texts_used };
	d->texts[d->texts_used] = (char)length;
	memcpy(d->texts + d->texts_used + 1, text, length);
	d->texts_used += (uint32_t)length + 1;
	*slot = ++d->n_words;
	return w;
}

struct word *dictionary_find(struct dictionary *d, const char *text, size_t length, uint32_t hash, bool add)
{
	for (uint32_t i = hash;; i++) {
		uint32_t *slot = d->slots + (i & (d->n_slots - 1));

		memory_visit(d->memory, &d->slot_place, slot);
		if (!*slot)
			return add ? add_word(d, slot, text, length, hash) : NULL;
		if (is_word(d, d->words + *slot - 1, text, length, hash))
			return d->words + *slot - 1;
	}
}

static int by_count(const void *a, const void *b, void *texts)
{
	const struct word *x = a, *y = b;
	const char *s = (char *)texts + x->text, *t = (char *)texts + y->text;
	int r;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	r = memcmp(s + 1, t + 1, (size_t)(*s < *t ? *s : *t));
	return r ? r : *s - *t;
}

void dictionary_rank(struct dictionary *d)
{
	qsort_r(d->words, d->n_words, sizeof(*d->words), by_count, d->texts);
	memset(d->slots, 0, d->n_slots * sizeof(*d->slots));
	for (uint32_t w = 0; w < d->n_words; w++) {
		uint32_t i = d->words[w].hash;

		while (d->slots[i & (d->n_slots - 1)])
			i++;
		d->slots[i & (d->n_slots - 1)] = w + 1;
	}
}
