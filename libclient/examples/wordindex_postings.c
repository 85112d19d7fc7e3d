// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Two-pass inversion, as in the book "Managing Gigabytes": a first pass counts, so that the second
 * knows where each word's postings go. They lie word by word, frequent words first: what queries ask
 * for most is together on few huge pages. The second pass collects a run in memory and then writes it
 * out in the order of the index, so that building sweeps over the block instead of jumping about.
 * The corpus is gone through several times, each time as new documents, until the index is large.
 */
#include <errno.h>
#include <string.h>

#include "libclient/examples/wordindex.h"

enum {
	BYTES_PER_WORD = 1024,	/* of the index, for one place in the dictionary */
	RUN_SHARE = 8,		/* a run is this part of the index */
	PASS_SHARE = 4,		/* one pass makes at most this part of the index */
	STOP_SHARE = 1024,	/* a word that makes more than this part of the text is not indexed */
	SLICE_MIN = 2,		/* postings in the first slice of a word; each next one doubles */
	SLICE_MAX = 64		/* ... up to this: 512 bytes that are read in one go */
};

/*
 * The postings of a word in a run stand in slices (as in Lucene): a place with the number of the
 * next slice, then the postings. Number 0 is not used.
 */
struct run {
	struct index *index;
	struct posting *places;
	uint32_t n, room;
	uint32_t document, position;
	struct place place, word_place, posting_place;
};

static void count_word(void *userdata, const char *text, size_t length, uint32_t hash)
{
	struct index *x = userdata;
	struct word *w = dictionary_find(&x->dictionary, text, length, hash, true);

	if (w) {
		w->count++;
		x->n_postings++;
	}
}

static int count(struct index *x, const struct corpus *c, index_progress *progress)
{
	uint64_t most = x->target / PASS_SHARE / sizeof(struct posting);

	for (x->files = 0; x->files < c->n && x->n_postings < most; x->files++) {
		if (x->files % 256 == 0)
			progress("counting files", x->files, c->n);
		corpus_read(c->files[x->files].path, count_word, x);
	}
	return x->n_postings ? 0 : -ENODATA;
}

/* Numbers the words and gives each its place; n_postings is from now on that of the index. */
static int lay_out(struct index *x)
{
	struct dictionary *d = &x->dictionary;
	uint64_t most = x->n_postings / STOP_SHARE + 1, pass = 0, next = 0;

	for (uint32_t i = 0; i < d->n_words; i++) {
		struct word *w = d->words + i;

		if (w->count > most)
			w->count = 0;
		pass += w->count;
	}
	if (!pass)
		return -ENODATA;
	dictionary_rank(d);
	x->passes = (uint32_t)((x->target + pass * sizeof(struct posting) - 1) / (pass * sizeof(struct posting)));
	x->n_postings = pass * x->passes;
	for (uint32_t i = 0; i < d->n_words; i++) {
		d->words[i].first = next;
		next += (uint64_t)d->words[i].count * x->passes;
	}
	x->postings = memory_take(&x->memory, x->n_postings * sizeof(struct posting));
	return x->postings ? 0 : -ENOSPC;
}

static uint16_t next_slice(uint16_t size)
{
	return !size ? SLICE_MIN : size < SLICE_MAX ? size * 2 : SLICE_MAX;
}

static void write_word(struct run *r, struct word *w)
{
	struct memory *m = &r->index->memory;
	uint32_t slice = w->head, left = w->posted - w->filled;

	for (uint16_t size = next_slice(0); left; size = next_slice(size)) {
		struct posting *out = r->index->postings + w->first + w->filled;
		uint32_t n = left < size ? left : size;

		memory_visit(m, &r->place, r->places + slice);
		memory_visit(m, &r->posting_place, out);
		memcpy(out, r->places + slice + 1, n * sizeof(*out));
		slice = r->places[slice].document;
		w->filled += n;
		left -= n;
	}
	w->head = w->at = 0;
	w->slice = w->left = 0;
}

static void write_run(struct run *r)
{
	struct dictionary *d = &r->index->dictionary;

	for (uint32_t i = 0; i < d->n_words; i++) {
		memory_visit(&r->index->memory, &r->word_place, d->words + i);
		if (d->words[i].head)
			write_word(r, d->words + i);
	}
	r->n = 1;
}

static bool start_slice(struct run *r, struct word *w)
{
	uint16_t size = next_slice(w->slice);

	if (size >= r->room - r->n)
		return false;
	memory_visit(&r->index->memory, &r->place, r->places + r->n);
	if (w->head)
		r->places[w->at - w->slice - 1].document = r->n;
	else
		w->head = r->n;
	w->at = r->n + 1;
	w->slice = w->left = size;
	r->n += 1u + size;
	return true;
}

static void post_word(void *userdata, const char *text, size_t length, uint32_t hash)
{
	struct run *r = userdata;
	struct word *w = dictionary_find(&r->index->dictionary, text, length, hash, false);
	uint32_t position = r->position++;

	/* Words that are not indexed have no place, nor has what a file grew by since it was counted. */
	if (!w || w->posted >= (uint64_t)w->count * r->index->passes)
		return;
	if (!w->left && !start_slice(r, w)) {
		write_run(r);
		start_slice(r, w);
	}
	memory_visit(&r->index->memory, &r->place, r->places + w->at);
	r->places[w->at++] = (struct posting){ r->document, position };
	w->left--;
	w->posted++;
}

static int post(struct index *x, const struct corpus *c, index_progress *progress)
{
	struct run r = { .index = x, .n = 1 };
	size_t size = x->target / RUN_SHARE;

	r.places = memory_take(&x->memory, size);
	r.room = (uint32_t)(size / sizeof(*r.places));
	if (!r.places)
		return -ENOSPC;
	for (uint32_t pass = 0; pass < x->passes; pass++)
		for (uint32_t f = 0; f < x->files; f++) {
			if (f % 1024 == 0)
				progress("indexing documents", r.document, (uint64_t)x->passes * x->files);
			r.position = 0;
			corpus_read(c->files[f].path, post_word, &r);
			r.document++;
		}
	write_run(&r);
	x->documents = r.document;
	return 0;
}

int index_build(struct index *x, const struct corpus *c, index_progress *progress)
{
	int r = dictionary_open(&x->dictionary, &x->memory, (uint32_t)(x->target / BYTES_PER_WORD));

	if (r == 0)
		r = count(x, c, progress);
	if (r == 0)
		r = lay_out(x);
	if (r == 0)
		r = post(x, c, progress);
	return r;
}

uint64_t index_bytes(const struct index *x)
{
	const struct dictionary *d = &x->dictionary;

	return x->n_postings * sizeof(struct posting) + d->n_words * sizeof(struct word) + d->texts_used +
	       d->n_slots * sizeof(*d->slots);
}

uint64_t index_sum(struct index *x)
{
	struct place place = { 0 };
	uint64_t sum = 0;

	for (uint64_t i = 0; i < x->n_postings; i++) {
		memory_visit(&x->memory, &place, x->postings + i);
		sum = sum_fold(sum, (uint64_t)x->postings[i].document << 32 | x->postings[i].position);
	}
	return sum;
}
