// SPDX-License-Identifier: GPL-2.0-or-later
/* When a client may give its memory up: not while a daemon lives that has it, and then for good. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/seen.h"
#include "tests/support/words.h"

enum { PAGES = 12, SEED = 151, NOBODY = 65534 };
#define SIZE (PAGES * HUGE_PAGE)
#define IMPATIENCE_US 300000ULL

static struct hmm_client *impatient(const struct house *h, struct seen *seen)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;

	o.socket_path = h->socket;
	o.reconnect_timeout_us = IMPATIENCE_US;
	assert_int_equal(hmm_client_new(&c, &o), 0);
	assert_int_equal(hmm_client_set_event_handler(c, seen_note, seen), 0);
	return c;
}

static struct hmm_range *filled(struct hmm_client *c)
{
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), SIZE, SEED);
	return r;
}

/* Ends our connection without the daemon, which is stopped, hearing of it. Does nothing to what is no socket. */
static void cut_ourselves_off(void)
{
	for (int fd = 3; fd < 256; fd++)
		shutdown(fd, SHUT_RDWR);
}

/* Stopped in the middle of moves, for longer than the client looks for a daemon; then it goes on with them. */
static void one_that_hangs_has_it_still(void **state)
{
	char aside[HOUSE_PATH + 8];
	struct house *h = house_on(state, HOUSE_QUIET);
	struct seen seen = { 0 };
	struct hmm_client *c = impatient(h, &seen);
	struct hmm_range *r = filled(c);

	assert_int_equal(hmm_range_migrate(r, 0, 0, "far", 0, NULL), 0);
	assert_int_equal(kill(h->pid, SIGSTOP), 0);
	snprintf(aside, sizeof(aside), "%s.aside", h->socket);
	assert_int_equal(rename(h->socket, aside), 0);	/* or it would be waited for in connect(2) */
	cut_ourselves_off();
	pause_us(5 * IMPATIENCE_US);	/* in which it could have given up */
	assert_int_equal(atomic_load(&seen.lost), 0);
	assert_int_equal(rename(aside, h->socket), 0);
	assert_int_equal(kill(h->pid, SIGCONT), 0);
	assert_soon(atomic_load(&seen.reconnected) == 1);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	words_fill(hmm_range_addr(r), SIZE, SEED + 1);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED + 1), 0);
	assert_int_equal(atomic_load(&seen.lost), 0);
	hmm_client_unref(c);
	assert_soon(count_files(h->state, ".ledger") == 0);
	house_close(h);
}

/* What is plain memory of the program now is no concern of the next daemon. */
static void what_was_given_up_is_not_taken_over(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct seen seen = { 0 };
	struct hmm_client *c = impatient(h, &seen);
	struct hmm_range *r = filled(c), *fresh = NULL;

	move_all(r, 0, SIZE / 2, "far");
	house_kill(h);
	assert_soon(atomic_load(&seen.lost) == 1);
	house_start(h);
	assert_soon(atomic_load(&seen.reconnected) == 1);
	assert_int_equal(count_files(h->state, ".ledger"), 1);
	assert_int_equal(count_files(h->state, ".ranges"), 0);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &fresh), 0);
	words_fill(hmm_range_addr(fresh), HUGE_PAGE, SEED);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
	assert_soon(count_files(h->state, ".ledger") == 0);
	house_close(h);
}

/* Exit status 0: the daemon that came back did not take this user for the one before, and the process was told. */
static void be_another_user(const struct house *h, int ready)
{
	struct seen seen = { 0 };
	struct hmm_client *c = impatient(h, &seen);
	bool told;

	filled(c);
	if (seteuid(NOBODY) || write(ready, "", 1) != 1)
		_exit(2);
	told = WAIT_UNTIL(atomic_load(&seen.reconnected) == 1);
	_exit(!(told && atomic_load(&seen.lost) == 1));
}

static void another_user_gives_it_up(void **state)
{
	struct house *h;
	int ready[2], status = -1;
	char byte;
	pid_t pid;

	if (geteuid())
		skip_because("becoming another user needs root");
	h = house_on(state, HOUSE_QUIET);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid)
		be_another_user(h, ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	house_kill(h);
	house_start(h);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ready[0]);
	close(ready[1]);
	assert_soon(count_files(h->state, ".ledger") == 0);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(one_that_hangs_has_it_still),
		PER_BACKING(what_was_given_up_is_not_taken_over),
		PER_BACKING(another_user_gives_it_up),
	};

	return cmocka_run_group_tests_name("give up", tests, NULL, NULL);
}
