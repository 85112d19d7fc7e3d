// SPDX-License-Identifier: GPL-2.0-or-later
/* Events reach the client through the helper thread, or through hmm_client_process() where there is none. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/words.h"

enum { PAGES = 4, SEED = 101 };
#define SIZE (PAGES * HUGE_PAGE)

struct seen {
	_Atomic unsigned int notices, disconnected, reconnected;
	_Atomic int thread_differs;
	pthread_t main;
};

static void note(struct hmm_client *c, const struct hmm_event *e, void *userdata)
{
	struct seen *s = userdata;

	(void)c;
	if (e->type == HMM_EVENT_NOTICE && e->text && e->text[0])
		atomic_fetch_add(&s->notices, 1);
	atomic_fetch_add(&s->disconnected, e->type == HMM_EVENT_DISCONNECTED);
	atomic_fetch_add(&s->reconnected, e->type == HMM_EVENT_RECONNECTED);
	if (!pthread_equal(pthread_self(), s->main))
		atomic_store(&s->thread_differs, 1);
}

/* Something that the daemon's event log records. */
static void cause_an_event(struct hmm_client *c)
{
	struct hmm_control k = HMM_CONTROL_INIT;

	k.verb = HMM_CONTROL_RELOAD;
	assert_int_equal(hmm_control(c, &k, NULL), 0);
}

static void subscribers_hear_of_events(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "events", 0), *other = house_client(h, "boss", 0);
	struct seen seen = { .main = pthread_self() };
	uint64_t first;

	(void)state;
	assert_int_equal(hmm_client_set_event_handler(c, note, &seen), 0);
	assert_int_equal(hmm_subscribe(c), 0);
	first = ask_status(other, "events");
	cause_an_event(other);
	assert_soon(atomic_load(&seen.notices) > 0);
	assert_true(ask_status(other, "events") > first);
	hmm_client_unref(c);
	hmm_client_unref(other);
	house_close(h);
}

static void the_log_is_numbered(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "events", 0);
	size_t all;
	uint64_t last;
	char after[24];

	(void)state;
	for (int i = 0; i < 5; i++)
		cause_an_event(c);
	last = ask_status(c, "events");
	all = ask_rows(c, "events", NULL);
	assert_true(all >= 5);
	snprintf(after, sizeof(after), "%llu", (unsigned long long)last - 2);
	assert_int_equal(ask_rows(c, "events", after), 2);
	hmm_client_unref(c);
	house_close(h);
}

static void process_until(struct hmm_client *c, const _Atomic unsigned int *counter)
{
	uint64_t end = clock_us() + PATIENCE_US, wait_us;

	while (!atomic_load(counter) && clock_us() < end) {
		struct pollfd p = { hmm_client_get_fd(c), (short)hmm_client_get_events(c), 0 };
		int forever = hmm_client_get_timeout(c, &wait_us);

		poll(&p, 1, forever || wait_us > 1000000 ? 1000 : (int)(wait_us / 1000));
		hmm_client_process(c);
	}
	assert_true(atomic_load(counter) > 0);
}

/* A program with a loop of its own: the library starts no thread, faults are served all the same. */
static void without_a_helper_thread(void **state)
{
	struct house *h = house_on(state, HOUSE_TIERS);
	struct hmm_client *c = house_client(h, "loop", HMM_CLIENT_NO_HELPER), *boss = house_client(h, "boss", 0);
	struct seen seen = { .main = pthread_self() };
	struct hmm_range *r = NULL;
	int fd = hmm_client_get_fd(c);

	assert_int_equal(hmm_client_set_event_handler(c, note, &seen), 0);
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), SIZE, SEED);
	move_all(r, 0, 0, "far");
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	assert_int_equal(hmm_subscribe(c), 0);
	cause_an_event(boss);
	process_until(c, &seen.notices);
	house_kill(h);
	process_until(c, &seen.disconnected);
	assert_int_equal(hmm_client_process(c), -ENOTCONN);
	assert_int_equal(hmm_client_get_fd(c), fd);
	assert_int_equal(atomic_load(&seen.thread_differs), 0);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	hmm_client_unref(c);
	hmm_client_unref(boss);
	house_remove(h);
}

/*
 * The first test, because a thread that was joined is listed until the kernel is done with it. That a helper
 * shows is all that can be said of it: a sanitizer may start a thread of its own along with the first one.
 */
static void no_thread_is_started(void **state)
{
	struct house *h = house_open(NULL);
	int before = count_files("/proc/self/task", ""), helped;
	struct hmm_client *c = house_client(h, "loop", HMM_CLIENT_NO_HELPER);

	(void)state;
	assert_int_equal(count_files("/proc/self/task", ""), before);
	hmm_client_unref(c);
	c = house_client(h, "helped", 0);
	helped = count_files("/proc/self/task", "");
	assert_true(helped > before);
	hmm_client_unref(c);
	assert_soon(count_files("/proc/self/task", "") < helped);
	house_close(h);
}

/* Nobody listens, nobody comes: the library says so in good time. */
static void no_daemon_is_an_error(void **state)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;

	(void)state;
	o.socket_path = "/nonexistent/hmmd.sock";
	assert_int_equal(hmm_client_new(&c, &o), -ENOENT);
	assert_null(c);
	o.flags = 1u << 31;
	assert_int_equal(hmm_client_new(&c, &o), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_thread_is_started),
		cmocka_unit_test(subscribers_hear_of_events),
		cmocka_unit_test(the_log_is_numbered),
		PER_BACKING(without_a_helper_thread),
		cmocka_unit_test(no_daemon_is_an_error),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
