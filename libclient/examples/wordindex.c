// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * wordindex [--unmanaged | --adopted] [--size SIZE] [--queries N] [--skew S] [DIRECTORY ...]
 *
 * Builds an inverted index over text files in one block of memory and asks it many questions. With
 * hmmd the block is a managed range, or with --adopted memory that is only registered, so that it may be
 * larger than the fast memory there is; the answers, and with them the checksum, are the same. Progress goes to stderr, `key value` lines to
 * stdout. Exit status: 0, 1 when something failed, 2 for wrong usage.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libclient/examples/wordindex.h"

enum {
	SIZE_MIN = 16 << 20,	/* bytes; below this the parts of the index do not fit */
	TEXT_SHARE = 8		/* the corpus is this part of the index, so that there are several passes */
};
#define SIZE_MAX_BYTES (16ULL << 30)	/* postings of a word are counted in 32 bits */

struct options {
	enum memory_kind kind;
	uint64_t size;
	struct queries queries;
	const char *const *directories;
	size_t n_directories;
};

static const char *const usage =
	"usage: wordindex [--unmanaged | --adopted] [--size SIZE] [--queries N] [--skew S] [DIRECTORY ...]\n";
static const char *const everywhere[] = { "/usr/include", "/usr/share/doc", "/usr/share/man" };

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* On a terminal one line that changes, elsewhere a line a second at most. */
static void show_progress(const char *what, uint64_t done, uint64_t of)
{
	static uint64_t next_us;
	static const char *last;
	uint64_t now = now_us();

	if (now < next_us && last == what)
		return;
	next_us = now + (isatty(STDERR_FILENO) ? 100000 : 1000000);
	last = what;
	fprintf(stderr, isatty(STDERR_FILENO) ? "\r%s %" PRIu64 " of %" PRIu64 "\033[K"
					      : "%s %" PRIu64 " of %" PRIu64 "\n", what, done, of);
}

static int parse_number(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno || end == text || *text == '-' || *end ? -EINVAL : 0;
}

static int parse_size(const char *text, uint64_t *ret)
{
	size_t n = strlen(text);
	unsigned int shift = !n ? 0 : text[n - 1] == 'M' ? 20 : text[n - 1] == 'G' ? 30 : 0;
	char digits[16];
	int r;

	if (n >= sizeof(digits))
		return -EINVAL;
	strcpy(digits, text);
	if (shift)
		digits[n - 1] = 0;
	r = parse_number(digits, ret);
	if (r == 0 && (*ret > SIZE_MAX_BYTES >> shift || *ret << shift < SIZE_MIN))
		r = -ERANGE;
	*ret <<= shift;
	return r;
}

static int parse_options(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{ "unmanaged", no_argument, NULL, 'u' }, { "adopted", no_argument, NULL, 'a' }, { "size", required_argument, NULL, 's' },
		{ "queries", required_argument, NULL, 'q' }, { "skew", required_argument, NULL, 'k' },
		{ 0 }
	};
	int c, r = 0;

	while (r == 0 && (c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		if (c == 'u')
			o->kind = MEMORY_PLAIN;
		else if (c == 'a')
			o->kind = MEMORY_ADOPTED;
		else if (c == 's')
			r = parse_size(optarg, &o->size);
		else if (c == 'q')
			r = parse_number(optarg, &o->queries.n);
		else if (c == 'k')
			r = sscanf(optarg, "%lf", &o->queries.skew) == 1 && o->queries.skew >= 0 ? 0 : -EINVAL;
		else
			r = -EINVAL;
	}
	if (r == 0 && optind < argc) {
		o->directories = (const char *const *)argv + optind;
		o->n_directories = (size_t)(argc - optind);
	}
	return r;
}

static void print(const char *key, uint64_t value)
{
	printf("%s %" PRIu64 "\n", key, value);
	fflush(stdout);
}

static void ask(struct index *x, const struct queries *q)
{
	uint64_t visits = x->memory.visits, faults = memory_faults(&x->memory), start = now_us(), after, sum;

	sum = queries_run(x, q, show_progress);
	show_progress("queries", q->n, q->n);
	print("query_us", now_us() - start);
	print("query_visits", x->memory.visits - visits);
	after = memory_faults(&x->memory);
	/* A daemon that was restarted meanwhile counts from 0. */
	print("query_faults", after < faults ? after : after - faults);
	show_progress("summing postings", 0, x->n_postings);
	printf("checksum %016" PRIx64 "\n", sum_fold(index_sum(x), sum));
}

static int work(struct index *x, const struct corpus *c, const struct options *o)
{
	uint64_t start = now_us();
	int r = index_build(x, c, show_progress);

	if (r < 0)
		return r;
	print("build_us", now_us() - start);
	print("build_visits", x->memory.visits);
	print("build_faults", memory_faults(&x->memory));
	print("files", x->files);
	print("documents", x->documents);
	print("words", x->dictionary.n_words);
	print("postings", x->n_postings);
	print("bytes_used", index_bytes(x));
	ask(x, &o->queries);
	return 0;
}

static int run(const struct options *o)
{
	struct index x = { .target = o->size };
	struct corpus c;
	uint64_t start = now_us();
	int r = corpus_find(&c, o->directories, o->n_directories);

	if (r == 0) {
		corpus_sample(&c, o->size / TEXT_SHARE);
		/* The last pass may go beyond the target, and building needs a place of its own. */
		r = memory_open(&x.memory, o->size + o->size / 2, o->kind);
	}
	if (r == 0)
		r = work(&x, &c, o);
	if (r == 0)
		print("total_us", now_us() - start);
	memory_close(&x.memory);
	corpus_free(&c);
	return r;
}

int main(int argc, char **argv)
{
	struct options o = {
		.size = 512 << 20,
		.queries = { .n = 1000000, .seed = 1, .skew = 2.2 },
		.directories = everywhere,
		.n_directories = sizeof(everywhere) / sizeof(everywhere[0]),
	};
	int r = parse_options(&o, argc, argv);

	if (r < 0) {
		fputs(usage, stderr);
		return 2;
	}
	r = run(&o);
	if (isatty(STDERR_FILENO))
		fputc('\n', stderr);
	if (r < 0)
		fprintf(stderr, "wordindex: %s\n", strerror(-r));
	return r < 0;
}
