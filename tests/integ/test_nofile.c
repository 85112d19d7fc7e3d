// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Descriptors run out, the program's or the daemon's: what asks for one more is refused in words, and all else goes
 * on as before. One that ended the connection over it would not find a descriptor for the next one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/house.h"
#include "tests/support/move.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"
#include "tests/support/words.h"

enum { TABLE = 128, PAGES = 4, SEED = 77 };
#define SIZE (PAGES * HUGE_PAGE)

/* Every place of this program's table up to TABLE, but for so many. */
static size_t fill_table(int *fds, size_t but)
{
	struct rlimit l;
	size_t n = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = TABLE;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
	while (n < TABLE && (fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	assert_int_equal(errno, EMFILE);
	while (but-- && n)
		close(fds[--n]);
	return n;
}

static void empty_table(int *fds, size_t n)
{
	struct rlimit l;

	while (n)
		close(fds[--n]);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = l.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
}

/* The range that it has is served all the while, so the connection cannot have been another one. */
static void the_program_has_none(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "nofile", 0);
	struct hmm_range *mine = NULL, *more = NULL;
	int fds[TABLE];
	size_t n;

	(void)state;
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &mine), 0);	/* for the userfaultfd */
	assert_int_equal(hmm_range_free(mine), 0);
	n = fill_table(fds, 0);
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &more), -EMFILE);
	assert_true(hmm_client_last_error(c)[0] != 0);
	assert_soon(ask_status(c, "ranges") == 0);	/* nothing is left behind there */
	empty_table(fds, n);
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &mine), 0);
	words_fill(hmm_range_addr(mine), SIZE, SEED);
	assert_int_equal(words_bad(hmm_range_addr(mine), SIZE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* Three places are what a client takes before it is greeted. */
static void the_program_has_none_for_the_greeting(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;
	char text[200] = "";
	int fds[TABLE], r;
	size_t n = fill_table(fds, 3);

	(void)state;
	o.socket_path = h->socket;
	o.error_text = text;
	o.error_size = sizeof(text);
	r = hmm_client_new(&c, &o);
	empty_table(fds, n);
	assert_int_equal(r, -EMFILE);
	assert_true(text[0] != 0);
	house_close(h);
}

static void limit_daemon(const struct house *h, rlim_t most)
{
	struct rlimit l;

	assert_int_equal(prlimit(h->pid, RLIMIT_NOFILE, NULL, &l), 0);
	l.rlim_cur = most < l.rlim_max ? most : l.rlim_max;
	assert_int_equal(prlimit(h->pid, RLIMIT_NOFILE, &l, NULL), 0);
}

static void the_daemon_has_none(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "nofile", 0);
	struct hmm_range *r = NULL;

	(void)state;
	limit_daemon(h, 3);
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), -EMFILE);
	assert_true(hmm_client_last_error(c)[0] != 0);
	assert_int_not_equal(ask_status(c, "clients"), ASK_EMPTY);	/* the connection is the same, none could be had */
	limit_daemon(h, RLIM_INFINITY);
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), SIZE, SEED);
	move_all(r, 0, 0, "far");
	limit_daemon(h, 3);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	limit_daemon(h, RLIM_INFINITY);
	hmm_client_unref(c);
	house_close(h);
}

/* The lowest number that it has not in use: one of the places below is that which it keeps for such a case. */
static rlim_t first_free(pid_t pid)
{
	char path[64];

	for (unsigned int fd = 0;; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%u", (int)pid, fd);
		if (access(path, F_OK) < 0)
			return fd;
	}
}

static void the_daemon_has_none_for_a_connection(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;
	char text[200] = "";

	(void)state;
	count_descriptors_at_rest(h->pid);
	limit_daemon(h, first_free(h->pid));
	o.socket_path = h->socket;
	o.error_text = text;
	o.error_size = sizeof(text);
	assert_int_equal(hmm_client_new(&c, &o), -EMFILE);
	assert_true(text[0] != 0);
	limit_daemon(h, RLIM_INFINITY);
	assert_int_equal(hmm_client_new(&c, &o), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* Whatever it lacks: a client is refused, or has its ledger. Returns whether it was taken. */
static bool says_hello(const struct house *h)
{
	struct rawpeer *p = rawpeer_open(h->socket);
	Hmmd__Hello body = HMMD__HELLO__INIT;
	RAW_MESSAGE(m, HELLO, hello, &body);
	Hmmd__Message *answer;
	bool taken;

	body.version_min = body.version_max = HMM_LIMIT_VERSION_MAX;
	answer = rawpeer_call(p, &m, NULL, 0);
	taken = answer && answer->kind_case == HMMD__MESSAGE__KIND_HELLO_REPLY;
	if (taken)
		assert_true(answer->hello_reply->features & HMMD__FEATURE__FEATURE_LEDGER);
	rawpeer_close(p);
	return taken;
}

static void the_daemon_has_none_for_a_greeting(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	rlim_t most;

	(void)state;
	count_descriptors_at_rest(h->pid);
	most = first_free(h->pid);
	for (limit_daemon(h, most); !says_hello(h); limit_daemon(h, ++most))
		count_descriptors_at_rest(h->pid);
	limit_daemon(h, RLIM_INFINITY);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_program_has_none),
		cmocka_unit_test(the_program_has_none_for_the_greeting),
		cmocka_unit_test(the_daemon_has_none),
		cmocka_unit_test(the_daemon_has_none_for_a_connection),
		cmocka_unit_test(the_daemon_has_none_for_a_greeting),
	};

	return cmocka_run_group_tests_name("no descriptor left", tests, NULL, NULL);
}
