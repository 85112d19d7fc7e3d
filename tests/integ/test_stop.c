// SPDX-License-Identifier: GPL-2.0-or-later
/* SIGTERM under a running client: exit status 0, and every page is where the client can reach it. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/churn.h"
#include "tests/support/move.h"
#include "tests/support/words.h"

enum { PAGES = 24, SEED = 71 };	/* more than the fast tier's 16 */
#define SIZE (PAGES * HUGE_PAGE)

struct seen {
	_Atomic unsigned int disconnected, lost;
};

static void note(struct hmm_client *c, const struct hmm_event *e, void *userdata)
{
	struct seen *s = userdata;

	(void)c;
	atomic_fetch_add(&s->disconnected, e->type == HMM_EVENT_DISCONNECTED);
	atomic_fetch_add(&s->lost, e->type == HMM_EVENT_LOST);
}

static void every_page_comes_back(void **state)
{
	struct house *h = house_on(state, HOUSE_TIERS);
	struct hmm_client *c = house_client(h, "stop", 0);
	struct hmm_range *r = NULL, *none = NULL;
	struct hmm_op *op = NULL;
	struct seen seen = { 0 };
	int status;

	assert_int_equal(hmm_client_set_event_handler(c, note, &seen), 0);
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), SIZE, SEED);
	move_all(r, 0, SIZE / 2, "far");
	status = house_stop(h);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		house_show_log(h);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	words_fill(hmm_range_addr(r), SIZE, SEED + 1);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED + 1), 0);
	assert_soon(atomic_load(&seen.disconnected) > 0);
	assert_int_equal(atomic_load(&seen.lost), 0);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &none), -ENOTCONN);
	assert_int_equal(hmm_range_migrate(r, 0, 0, "far", 0, &op), -ENOTCONN);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
	house_remove(h);
}

/* Memory that its program has unmapped without a word: nobody can reach those pages, and nobody can bring them back. */
static void pages_unmapped_behind_our_back_are_not_waited_for(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *c = house_client(h, "stop", 0);
	struct hmm_range *r = NULL;
	uint8_t *addr;
	int status;

	assert_int_equal(hmm_alloc(c, 8 * HUGE_PAGE, NULL, &r), 0);
	addr = hmm_range_addr(r);
	words_fill(addr, 8 * HUGE_PAGE, SEED);
	move_all(r, 0, 8 * HUGE_PAGE, "far");
	/* Something else lies there now, so that no other thread's memory can come to do so. */
	assert_ptr_equal(mmap(addr, 4 * HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), addr);
	status = house_stop(h);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(house_logged(h, "8 MiB"));
	for (size_t word = 4 * HUGE_PAGE / 8; word < 8 * HUGE_PAGE / 8; word++)
		if (((uint64_t *)addr)[word] != words_at(SEED, word))
			fail_msg("word %zu is not what was written", word);
	hmm_client_unref(c);
	house_remove(h);
}

/* A writer is at work: not all is zero any more. */
static bool written(const struct churn *c)
{
	size_t i = 0;

	while (i < c->n && !atomic_load_explicit(&c->words[i], memory_order_relaxed))
		i++;
	return i < c->n;
}

static void writers_do_not_notice(void **state)
{
	struct house *h = house_on(state, HOUSE_TIERS);
	struct hmm_client *c = house_client(h, "stop", 0);
	static struct churn churn;
	struct hmm_range *r = NULL;
	uint64_t writes = 0, bad;
	int status;

	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	/* A page never touched has nobody to bring it once the daemon is gone: that wait is not what is looked at. */
	memset(hmm_range_addr(r), 0, SIZE);
	churn_begin(&churn, r);
	assert_soon(written(&churn));
	for (int i = 0; i < 20; i++) {
		struct hmm_move_result result;

		move_some(r, (size_t)i % PAGES * HUGE_PAGE, HUGE_PAGE, "far", &result);
	}
	status = house_stop(h);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		house_show_log(h);
	bad = churn_end(&churn, &writes);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(bad, 0);
	assert_true(writes > 0);
	hmm_client_unref(c);
	house_remove(h);
}

/* Whoever can connect to it can end it, however young it is. */
static void one_that_has_just_begun_ends_too(void **state)
{
	enum { TIMES = 40 };
	struct house *h = house_prepare(&(struct house_options){ .config = HOUSE_QUIET });
	int status;

	(void)state;
	for (int i = 0; i < TIMES; i++) {
		house_start(h);
		status = house_stop(h);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	house_remove(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(every_page_comes_back),
		PER_BACKING(pages_unmapped_behind_our_back_are_not_waited_for),
		PER_BACKING(writers_do_not_notice),
		cmocka_unit_test(one_that_has_just_begun_ends_too),
	};

	return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
