/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * wordindex: an inverted index over text files, and many queries on it. Its parts are a corpus (what
 * is read), a memory block (one arena, from hmmd or from mmap), a dictionary, the postings, and the
 * queries. Everything that the index consists of lies in the block.
 */
#ifndef WORDINDEX_H
#define WORDINDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- memory.c: one block, given out from the front ------------------------------------------- */

enum memory_kind {
	MEMORY_MANAGED,			/* hmmd's own: hmm_alloc() */
	MEMORY_ADOPTED,			/* the program's, which hmmd may move: hmm_register() */
	MEMORY_PLAIN			/* the program's alone */
};
struct memory {
	enum memory_kind kind;
	char *base;
	size_t size, used;		/* bytes */
	uint64_t visits;		/* runs of accesses to one huge page, see memory_visit() */
	struct hmm_client *client;	/* NULL: from mmap */
};
int memory_open(struct memory *m, size_t size, enum memory_kind kind);
void memory_close(struct memory *m);
/* The next `size` bytes, zeroed, or NULL when the block is full. */
void *memory_take(struct memory *m, size_t size);
/* Faults that hmmd has served for this program so far; 0 without hmmd. */
uint64_t memory_faults(const struct memory *m);

/*
 * One reader's or writer's place. Going on within a huge page is one visit, entering another page is
 * the next: what a fault could have happened on, counted for a shift and a comparison.
 */
struct place {
	uint64_t page;
};
static inline void memory_visit(struct memory *m, struct place *p, const void *address)
{
	uint64_t page = ((uint64_t)(uintptr_t)address >> 21) + 1;	/* 2 MiB; 0 is nowhere */

	m->visits += page != p->page;
	p->page = page;
}

/* ---- corpus.c: the files, and the words in them ----------------------------------------------- */

struct document {
	char *path;
	uint64_t bytes;			/* of text; a guess for compressed files */
};
struct corpus {
	struct document *files;		/* sorted by path */
	size_t n, room;
};
int corpus_find(struct corpus *c, const char *const *directories, size_t n);
/* Keeps an even sample of the files, so that they hold about `bytes`. */
void corpus_sample(struct corpus *c, uint64_t bytes);
void corpus_free(struct corpus *c);

enum { WORD_MIN = 2, WORD_MAX = 24 };	/* characters; longer ones are cut */
typedef void corpus_word(void *userdata, const char *word, size_t length, uint32_t hash);
/* Calls f for every word of a file, in order. Files that are no text have none. */
void corpus_read(const char *path, corpus_word *f, void *userdata);

/* ---- dictionary.c: words and where their postings are ------------------------------------------ */

struct word {
	uint32_t hash;
	uint32_t text;			/* offset; a byte of length, then the characters */
	uint32_t count;			/* in one pass over the corpus; 0: not indexed */
	uint32_t head, at;		/* first slice in the present run (0: none), next free place */
	uint16_t slice, left;		/* places of the present slice, and how many are free */
	uint32_t posted;		/* postings, those of the present run included */
	uint32_t filled;		/* postings written */
	uint64_t first;			/* index of its first posting */
};
struct dictionary {
	struct memory *memory;
	uint32_t *slots;		/* number of a word + 1, open addressing */
	uint32_t n_slots;		/* power of two */
	struct word *words;
	uint32_t n_words, max_words;
	char *texts;
	uint32_t texts_used, texts_size;
	struct place slot_place, word_place, text_place;
};
int dictionary_open(struct dictionary *d, struct memory *m, uint32_t max_words);
/* The word, added if `add` and there is room; NULL if it is not there. */
struct word *dictionary_find(struct dictionary *d, const char *text, size_t length, uint32_t hash, bool add);
/* Numbers the words by how often they occur, most frequent first. */
void dictionary_rank(struct dictionary *d);

/* ---- postings.c: two-pass inversion ------------------------------------------------------------- */

struct posting {
	uint32_t document, position;
};
struct index {
	struct memory memory;
	struct dictionary dictionary;
	struct posting *postings;
	uint64_t n_postings;
	uint32_t passes, files, documents;
	uint64_t target;		/* bytes the index should take */
};
typedef void index_progress(const char *what, uint64_t done, uint64_t of);
int index_build(struct index *x, const struct corpus *c, index_progress *progress);
uint64_t index_bytes(const struct index *x);	/* in use, without what was for building only */
/* A checksum over all postings. */
uint64_t index_sum(struct index *x);

/* ---- queries.c ------------------------------------------------------------------------------------ */

struct queries {
	uint64_t n;
	uint64_t seed;
	double skew;			/* of the choice of words: P(rank) ~ 1 / rank^skew */
};
/* The checksum over all answers. */
uint64_t queries_run(struct index *x, const struct queries *q, index_progress *progress);

/* Folds a value into a checksum. */
static inline uint64_t sum_fold(uint64_t sum, uint64_t value)
{
	sum = (sum ^ value) * 0x9e3779b97f4a7c15u;
	return sum ^ sum >> 29;
}

#endif
