// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Queries as a search engine gets them: few words are asked for all the time, most hardly ever. Each
 * looks for two words from some document on, in one of three ways, and folds what it finds into a
 * checksum. Postings are sorted, so seeking is galloping: steps that double, then a binary search.
 */
#include <math.h>

#include "libclient/examples/wordindex.h"

enum {
	ANSWERS = 32,		/* documents an answer has at most */
	STEPS = 256,		/* postings of each word that a query looks at, at most */
	PROGRESS_EVERY = 20000	/* queries */
};

struct cursor {
	struct index *index;
	const struct posting *p;
	uint32_t n, at;
	struct place place;
};
struct chance {
	uint64_t state;
	uint32_t words;		/* with postings */
	double skew, range;
};

/* SplitMix64: small, and the same everywhere. */
static uint64_t chance_next(struct chance *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Inverse of the distribution 1/x^skew over 1 .. words + 1. */
static uint32_t chance_rank(struct chance *c)
{
	double u = (double)(chance_next(c) >> 11) * 0x1p-53;
	double x = fabs(c->skew - 1) < 1e-9 ? pow(c->words + 1.0, u)
					   : pow(1 + u * c->range, 1 / (1 - c->skew));
	uint32_t rank = (uint32_t)x - 1;

	return rank < c->words ? rank : c->words - 1;
}

static const struct posting *look(struct cursor *c, uint32_t i)
{
	memory_visit(&c->index->memory, &c->place, c->p + i);
	return c->p + i;
}

/* To the first posting of this document or a later one. */
static void seek(struct cursor *c, uint32_t document)
{
	uint32_t low = c->at, step = 1, high;

	while (low + step < c->n && look(c, low + step)->document < document) {
		low += step;
		step *= 2;
	}
	high = low + step < c->n ? low + step : c->n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (look(c, middle)->document < document)
			low = middle + 1;
		else
			high = middle;
	}
	c->at = low;
}

static struct cursor open_word(struct index *x, uint32_t rank, uint32_t document)
{
	const struct word *w = x->dictionary.words + rank;
	struct cursor c = { .index = x, .p = x->postings + w->first, .n = w->filled };

	memory_visit(&x->memory, &x->dictionary.word_place, w);
	seek(&c, document);
	return c;
}

/* Documents with both words. */
static uint64_t both(struct cursor *a, struct cursor *b)
{
	uint64_t sum = 0;

	for (unsigned int steps = 0, found = 0; steps < STEPS && found < ANSWERS; steps++) {
		uint32_t x, y;

		if (a->at >= a->n || b->at >= b->n)
			break;
		x = look(a, a->at)->document;
		y = look(b, b->at)->document;
		if (x == y) {
			sum = sum_fold(sum, x);
			found++;
		}
		if (x <= y)
			seek(a, x == y ? x + 1 : y);
		if (y <= x)
			seek(b, x == y ? y + 1 : x);
	}
	return sum;
}

/* How often the second word stands right behind the first. */
static uint64_t phrase(struct cursor *a, struct cursor *b)
{
	uint64_t sum = 0;

	for (unsigned int steps = 0; steps < STEPS && a->at < a->n && b->at < b->n; steps++) {
		const struct posting *p = look(a, a->at), *q = look(b, b->at);
		uint64_t x = (uint64_t)p->document << 32 | (p->position + 1);
		uint64_t y = (uint64_t)q->document << 32 | q->position;

		if (x == y)
			sum = sum_fold(sum, y);
		a->at += x <= y;
		b->at += y <= x;
	}
	return sum;
}

/* The document that has a word most often, among the next ones. */
static uint64_t top(struct cursor *c)
{
	uint32_t best = 0, best_count = 0, document = 0, count = 0;

	for (unsigned int steps = 0; steps < STEPS && c->at < c->n; steps++, c->at++) {
		const struct posting *p = look(c, c->at);

		count = p->document == document ? count + 1 : 1;
		document = p->document;
		if (count > best_count) {
			best = document;
			best_count = count;
		}
	}
	return (uint64_t)best << 32 | best_count;
}

static uint64_t query(struct index *x, struct chance *c)
{
	uint64_t kind = chance_next(c) % 3;
	uint32_t from = (uint32_t)(chance_next(c) % x->documents);
	struct cursor a = open_word(x, chance_rank(c), from), b = open_word(x, chance_rank(c), from);

	if (kind == 0)
		return both(&a, &b);
	if (kind == 1)
		return phrase(&a, &b);
	return sum_fold(top(&a), top(&b));
}

uint64_t queries_run(struct index *x, const struct queries *q, index_progress *progress)
{
	struct chance c = { .state = q->seed, .skew = q->skew };
	uint64_t sum = 0;

	while (c.words < x->dictionary.n_words && x->dictionary.words[c.words].filled)
		c.words++;
	c.range = pow(c.words + 1.0, 1 - q->skew) - 1;
	for (uint64_t i = 0; i < q->n; i++) {
		if (i % PROGRESS_EVERY == 0)
			progress("queries", i, q->n);
		sum = sum_fold(sum, query(x, &c));
	}
	return sum;
}
