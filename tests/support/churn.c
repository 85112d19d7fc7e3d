// SPDX-License-Identifier: GPL-2.0-or-later
/* Writers stay on a page for a burst of writes: one word per visit would only measure faults. */
#include <stdlib.h>

#include "tests/support/churn.h"
#include "tests/support/test.h"

enum { BURST = 256 };	/* writes per visit of a page: some microseconds, shorter than one eviction */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;		/* xorshift64 */
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void visit(struct churn_writer *w, uint64_t *random)
{
	struct churn *c = w->churn;
	size_t page_words = HUGE_PAGE / sizeof(uint64_t);
	size_t page = next_random(random) % (c->n / page_words) * page_words;

	for (size_t n = 0; n < BURST; n++) {
		size_t i = page + next_random(random) % page_words;

		i -= i % CHURN_WRITERS;
		i += w->index;
		if (i >= c->n)
			continue;
		w->bad += atomic_load_explicit(&c->words[i], memory_order_relaxed) != c->shadow[i];
		c->shadow[i] = *random;
		atomic_store_explicit(&c->words[i], *random, memory_order_relaxed);
		w->writes++;
	}
}

static void *run(void *arg)
{
	struct churn_writer *w = arg;
	uint64_t random = 0x9e3779b97f4a7c15ULL * (w->index + 1);

	die_by_own_signal();
	while (!atomic_load(&w->churn->stop))
		visit(w, &random);
	return NULL;
}

void churn_begin(struct churn *c, struct hmm_range *r)
{
	c->words = hmm_range_addr(r);
	c->n = hmm_range_size(r) / sizeof(uint64_t);
	c->shadow = calloc(c->n, sizeof(uint64_t));
	assert_non_null(c->shadow);
	atomic_store(&c->stop, false);
	for (unsigned int i = 0; i < CHURN_WRITERS; i++) {
		c->writers[i] = (struct churn_writer){ .churn = c, .index = i };
		assert_int_equal(pthread_create(&c->writers[i].thread, NULL, run, &c->writers[i]), 0);
	}
}

static uint64_t churn_bad(const struct churn *c)
{
	uint64_t bad = 0;

	for (unsigned int i = 0; i < CHURN_WRITERS; i++)
		bad += c->writers[i].bad;
	return bad;
}

uint64_t churn_end(struct churn *c, uint64_t *ret_writes)
{
	uint64_t bad, writes = 0;

	atomic_store(&c->stop, true);
	for (unsigned int i = 0; i < CHURN_WRITERS; i++) {
		pthread_join(c->writers[i].thread, NULL);
		writes += c->writers[i].writes;
	}
	bad = churn_bad(c);
	for (size_t i = 0; i < c->n; i++)
		bad += atomic_load_explicit(&c->words[i], memory_order_relaxed) != c->shadow[i];
	free(c->shadow);
	*ret_writes = writes;
	return bad;
}
