// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The text files below some directories, in an order that does not depend on the file system, and
 * the words in them. zlib reads plain and compressed files through one call.
 */
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "libclient/examples/wordindex.h"

enum {
	BUFFER = 64 * 1024,		/* bytes of text at a time */
	COMPRESSION = 4,		/* of documentation by gzip, about */
	DEPTH = 32			/* directories open at once */
};
#define FNV_START 2166136261u
#define FNV_PRIME 16777619u

/* nftw() has no userdata. */
static struct corpus *found;

static bool compressed(const char *path)
{
	size_t n = strlen(path);

	return n > 3 && strcmp(path + n - 3, ".gz") == 0;
}

static int add_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct corpus *c = found;

	(void)ftw;
	if (type != FTW_F || !S_ISREG(st->st_mode) || !st->st_size)
		return 0;
	if (c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 1024;
		struct document *files = realloc(c->files, room * sizeof(*files));

		if (!files)
			return -1;
		c->files = files;
		c->room = room;
	}
	c->files[c->n].path = strdup(path);
	c->files[c->n].bytes = (uint64_t)st->st_size * (compressed(path) ? COMPRESSION : 1);
	return c->files[c->n].path ? (int)(c->n++, 0) : -1;
}

static int by_path(const void *a, const void *b)
{
	const struct document *x = a, *y = b;

	return strcmp(x->path, y->path);
}

int corpus_find(struct corpus *c, const char *const *directories, size_t n)
{
	memset(c, 0, sizeof(*c));
	found = c;
	for (size_t i = 0; i < n; i++)
		if (nftw(directories[i], add_file, DEPTH, FTW_PHYS) < 0 && errno == ENOMEM)
			return -ENOMEM;
	if (!c->n)
		return -ENOENT;
	qsort(c->files, c->n, sizeof(*c->files), by_path);
	return 0;
}

void corpus_sample(struct corpus *c, uint64_t bytes)
{
	uint64_t all = 0, keep;
	size_t kept = 0;

	for (size_t i = 0; i < c->n; i++)
		all += c->files[i].bytes;
	if (all <= bytes)
		return;
	keep = bytes / (all / c->n + 1) + 1;	/* files of average size */
	for (size_t i = 0; i < c->n; i++)
		if (i * keep / c->n != (i + 1) * keep / c->n)
			c->files[kept++] = c->files[i];
		else
			free(c->files[i].path);
	c->n = kept;
}

void corpus_free(struct corpus *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->files[i].path);
	free(c->files);
	memset(c, 0, sizeof(*c));
}

/* Lower case for letters, the character itself for digits and '_', 0 for what separates words. */
static const unsigned char *folding(void)
{
	static unsigned char table[256];

	for (int c = 'a'; !table['_'] && c <= 'z'; c++)
		table[c] = table[c - 'a' + 'A'] = (unsigned char)c;
	for (int c = '0'; c <= '9'; c++)
		table[c] = (unsigned char)c;
	table['_'] = '_';
	return table;
}

struct token {
	char text[WORD_MAX];
	size_t length;
	uint32_t hash;
};

static void end_token(struct token *t, corpus_word *f, void *userdata)
{
	/* What starts with a digit is a number, not a word. */
	if (t->length >= WORD_MIN && t->text[0] > '9')
		f(userdata, t->text, t->length, t->hash);
	t->length = 0;
	t->hash = FNV_START;
}

static void split(struct token *t, const unsigned char *text, size_t n, corpus_word *f, void *userdata)
{
	const unsigned char *fold = folding();

	for (size_t i = 0; i < n; i++) {
		unsigned char c = fold[text[i]];

		if (!c) {
			if (t->length)
				end_token(t, f, userdata);
		} else if (t->length < WORD_MAX) {
			t->text[t->length++] = (char)c;
			t->hash = (t->hash ^ c) * FNV_PRIME;
		}
	}
}

void corpus_read(const char *path, corpus_word *f, void *userdata)
{
	static unsigned char buffer[BUFFER];
	struct token t = { .hash = FNV_START };
	gzFile file = gzopen(path, "rb");
	int n;

	if (!file)
		return;
	/* A zero byte in the beginning: no text. */
	n = gzread(file, buffer, BUFFER);
	if (n > 0 && memchr(buffer, 0, (size_t)n))
		n = 0;
	for (; n > 0; n = gzread(file, buffer, BUFFER))
		split(&t, buffer, (size_t)n, f, userdata);
	end_token(&t, f, userdata);
	gzclose(file);
}
