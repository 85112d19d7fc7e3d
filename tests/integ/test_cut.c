// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A connection that ends while its client lives: the client's memory is not given up, its threads are served
 * meanwhile, and it is taken over again when the client is back. A program that is really gone keeps nothing.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/churn.h"
#include "tests/support/cut.h"
#include "tests/support/move.h"
#include "tests/support/seen.h"
#include "tests/support/words.h"

enum { PAGES = 12, CUTS = 5, SEED = 91 };
#define SIZE (PAGES * HUGE_PAGE)

static void nothing_is_lost(void **state)
{
	struct house *h = house_on(state, NULL);
	struct hmm_client *c = house_client(h, "cut", 0);
	static struct churn churn;
	struct hmm_range *r = NULL;
	struct seen seen = { 0 };
	uint64_t writes = 0, bad;

	assert_int_equal(hmm_client_set_event_handler(c, seen_note, &seen), 0);
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	churn_begin(&churn, r);
	for (unsigned int i = 0; i < CUTS; i++) {
		hmm_range_migrate(r, 0, 0, "far", 0, NULL);
		assert_int_equal(cut(h), 1);
		assert_soon(atomic_load(&seen.reconnected) == i + 1);
	}
	bad = churn_end(&churn, &writes);
	assert_true(writes > 0);
	assert_int_equal(bad, 0);
	assert_int_equal(atomic_load(&seen.lost), 0);
	assert_int_equal(ask_status(c, "ranges"), 1);
	assert_soon(ask_sum(c, "tiers", "used") == SIZE);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(ask_sum(c, "tiers", "used"), 0);
	hmm_client_unref(c);
	assert_soon(count_files(h->state, ".ledger") == 0);
	house_close(h);
}

static void served_while_away(void **state)
{
	struct house *h = house_on(state, NULL);
	/* Nobody calls hmm_client_process(), so it stays away. */
	struct hmm_client *c = house_client(h, "away", HMM_CLIENT_NO_HELPER), *observer;
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), SIZE, SEED);
	move_all(r, 0, 0, "far");
	assert_int_equal(cut(h), 1);
	observer = house_client(h, "observer", 0);
	assert_soon(ask_sum(observer, "clients", "ranges") == 1);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	assert_int_equal(ask_status(observer, "lost_pages"), 0);
	/* Back, so that the daemon hears of its end. */
	assert_soon(hmm_client_process(c) == 0);
	hmm_client_unref(c);
	hmm_client_unref(observer);
	house_close(h);
}

/* Cut off first, so that only the end of the process is left to tell. */
static void a_process_that_ends_keeps_nothing(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *observer;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
		struct hmm_client *c = NULL;
		struct hmm_range *r = NULL;

		o.socket_path = h->socket;
		o.flags = HMM_CLIENT_NO_HELPER;
		if (hmm_client_new(&c, &o) < 0 || hmm_alloc(c, SIZE, NULL, &r) < 0)
			_exit(1);
		memset(hmm_range_addr(r), 1, SIZE);
		cut(h);
		pause();
		_exit(0);
	}
	observer = house_client(h, "observer", 0);
	assert_soon(ask_used(observer, "dram") == SIZE);
	assert_soon(count_files(h->state, ".ledger") == 2);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_soon(ask_sum(observer, "tiers", "used") == 0);
	assert_soon(count_files(h->state, ".ledger") == 1);
	hmm_client_unref(observer);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(nothing_is_lost),
		PER_BACKING(served_while_away),
		PER_BACKING(a_process_that_ends_keeps_nothing),
	};

	return cmocka_run_group_tests_name("cut", tests, NULL, NULL);
}
