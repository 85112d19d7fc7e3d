// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads that wait for a page: listings, doctor and status say who, for how long and for what, and a wait of
 * over a second is an event. Waits are made with a device that fails or is slow on demand; what a loaded machine
 * makes of a short one is seen by the clock of the thread that waits.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/faulty_device.h"
#include "tests/support/move.h"
#include "tests/support/words.h"

enum { SEED = 88, MEMORY_PAGES = 16, SHORT_WAITS = 12 };
#define LONG_US 1000000ULL
#define SLOW_US 600000000U	/* until it is set to 0 */

struct scene {
	struct house_options o;
	char path[64];
	struct faulty_switches *s;
	struct house *h;
	struct hmm_client *c, *looker;
	struct hmm_range *r;
	_Atomic unsigned int notices;
};

static void note(struct hmm_client *c, const struct hmm_event *e, void *userdata)
{
	struct scene *x = userdata;

	(void)c;
	if (e->type == HMM_EVENT_NOTICE && e->text && strstr(e->text, "wait"))
		atomic_fetch_add(&x->notices, 1);
}

/* A client with `pages` of memory that are filled, beside one that only looks. */
static void open_scene(struct scene *x, const char *backing, size_t pages)
{
	*x = (struct scene){ .o = { .backing = backing, .config = HOUSE_QUIET } };
	if (house_backing_missing(backing))
		skip_because("%s", house_backing_missing(backing));
	x->s = faulty_switches_new(&x->o, x->path);
	x->h = house_open(&x->o);
	x->c = house_client(x->h, "waits", 0);
	x->looker = house_client(x->h, "looks", 0);
	assert_int_equal(hmm_client_set_event_handler(x->c, note, x), 0);
	assert_int_equal(hmm_alloc(x->c, pages * HUGE_PAGE, NULL, &x->r), 0);
	words_fill(hmm_range_addr(x->r), pages * HUGE_PAGE, SEED);
}

static void close_scene(struct scene *x)
{
	if (x->r)
		assert_int_equal(hmm_range_free(x->r), 0);
	hmm_client_unref(x->looker);
	hmm_client_unref(x->c);
	house_close(x->h);
	faulty_switches_free(x->s, x->path);
}

struct toucher {
	pthread_t thread;
	volatile char *at;
	size_t pages;
	uint64_t took_us;
};

static void *touch(void *userdata)
{
	struct toucher *t = userdata;
	uint64_t begin = clock_us();

	die_by_own_signal();
	for (size_t i = 0; i < t->pages; i++)
		(void)t->at[i * HUGE_PAGE];
	t->took_us = clock_us() - begin;
	return NULL;
}

static void begin(struct toucher *t, const struct hmm_range *r, size_t page, size_t pages)
{
	t->pages = pages;
	t->at = (volatile char *)hmm_range_addr(r) + page * HUGE_PAGE;
	assert_int_equal(pthread_create(&t->thread, NULL, touch, t), 0);
}

static void end(struct toucher *t)
{
	assert_int_equal(pthread_join(t->thread, NULL), 0);
}

static bool says(struct hmm_client *c, const char *topic, const char *key, const char *want, const char *column,
		 const char *text)
{
	char got[512];

	ask_text(c, topic, key, want, column, got, sizeof(got));
	return strstr(got, text) != NULL;
}

static uint64_t waiting(const struct scene *x, const char *column)
{
	return ask_number(x->looker, "clients", "name", "waits", column);
}

static bool waits_for(const struct scene *x, const char *what)
{
	return waiting(x, "waiting") > 0 && says(x->looker, "clients", "name", "waits", "waiting_for", what);
}

static bool is_long(const struct scene *x)
{
	uint64_t us = waiting(x, "waiting_us");

	return us != ASK_EMPTY && us >= LONG_US;
}

/* Everybody says so, in their own way. */
static void is_told(const struct scene *x, const char *code, const char *text)
{
	assert_soon(waits_for(x, code) && is_long(x));
	assert_false(says(x->looker, "status", NULL, NULL, "health", "ok"));
	assert_true(says(x->looker, "status", NULL, NULL, "waiting_for", code));
	assert_true(ask_status(x->looker, "waiting") >= 1);
	assert_true(ask_status(x->looker, "waiting_us") >= LONG_US);
	assert_true(says(x->looker, "doctor", "check", "waiting", "state", "degraded"));
	assert_true(says(x->looker, "doctor", "check", "waiting", "text", text));
	assert_soon(house_logged(x->h, "wait") && house_logged(x->h, text));
}

/* More is touched than memory holds, and nothing can be written to the device below it. */
static void who_waits_for_room_is_named(void **state)
{
	struct hmm_range *more = NULL;
	struct toucher t;
	struct scene x;

	open_scene(&x, *state, MEMORY_PAGES);
	atomic_store(&x.s->write_error, 5);
	assert_int_equal(hmm_alloc(x.c, MEMORY_PAGES * HUGE_PAGE, NULL, &more), 0);
	begin(&t, more, 0, MEMORY_PAGES);
	is_told(&x, "tier-full", "nothing in it can be sent away");
	assert_soon(atomic_load(&x.notices) > 0);
	assert_int_equal(waiting(&x, "waiting"), 1);
	assert_int_equal(hmm_range_free(x.r), 0);
	x.r = NULL;
	end(&t);
	assert_true(t.took_us >= LONG_US);
	assert_soon(waiting(&x, "waiting") == 0);
	assert_int_equal(ask_status(x.looker, "waiting"), 0);
	assert_true(says(x.looker, "doctor", "check", "waiting", "state", "ok"));
	assert_int_equal(hmm_range_free(more), 0);
	close_scene(&x);
}

/* By a fault thread that is at it all the time. */
static void who_waits_for_a_device_is_named(void **state)
{
	struct toucher t;
	struct scene x;

	open_scene(&x, *state, 1);
	move_all(x.r, 0, HUGE_PAGE, "far");
	atomic_store(&x.s->delay_us, SLOW_US);
	begin(&t, x.r, 0, 1);
	is_told(&x, "page", "its device, or the program's own memory, takes long");
	atomic_store(&x.s->delay_us, 0);
	end(&t);
	assert_soon(waiting(&x, "waiting") == 0);
	assert_false(says(x.looker, "status", NULL, NULL, "reason", "waited"));
	close_scene(&x);
}

/* Pages come back before the end, and one of them takes long. */
static void an_end_that_waits_says_for_whom(void **state)
{
	char text[64];
	struct scene x;

	open_scene(&x, *state, 1);
	move_all(x.r, 0, HUGE_PAGE, "far");
	atomic_store(&x.s->delay_us, SLOW_US);
	assert_int_equal(kill(x.h->pid, SIGTERM), 0);
	snprintf(text, sizeof(text), "hmmd ends when pid %d (uid %u) lets it go on", (int)getpid(), (unsigned int)getuid());
	assert_soon(house_logged(x.h, text));
	atomic_store(&x.s->delay_us, 0);
	assert_int_equal(house_wait(x.h), 0);
	assert_int_equal(words_bad(hmm_range_addr(x.r), HUGE_PAGE, SEED), 0);
	assert_int_equal(hmm_range_free(x.r), 0);
	hmm_client_unref(x.looker);
	hmm_client_unref(x.c);
	house_remove(x.h);
	faulty_switches_free(x.s, x.path);
}

/* The page is in the middle of a move that somebody asked for: its fault is in nobody's list. */
static void who_waits_for_a_move_is_named(void **state)
{
	struct hmm_op *op = NULL;
	struct toucher t;
	struct scene x;

	open_scene(&x, *state, 1);
	move_all(x.r, 0, HUGE_PAGE, "far");
	atomic_store(&x.s->delay_us, SLOW_US);
	assert_int_equal(hmm_range_migrate(x.r, 0, 0, "dram", 0, &op), 0);
	assert_soon(ask_used(x.looker, "dram") == HUGE_PAGE);	/* the place is taken before the page is read */
	begin(&t, x.r, 0, 1);
	is_told(&x, "move", "in the middle of a move");
	atomic_store(&x.s->delay_us, 0);
	end(&t);
	assert_int_equal(hmm_op_wait(op, PATIENCE_US), 0);
	hmm_op_unref(op);
	assert_soon(waiting(&x, "waiting") == 0);
	close_scene(&x);
}

/* One after the other, far longer than a second together. */
static void short_waits_are_no_events(void **state)
{
	uint64_t longest = 0;
	struct toucher t;
	struct scene x;

	open_scene(&x, *state, SHORT_WAITS);
	move_all(x.r, 0, 0, "far");
	atomic_store(&x.s->delay_us, 200000);
	for (size_t i = SHORT_WAITS; i-- > 0;) {	/* backwards, so that nothing is read ahead */
		begin(&t, x.r, i, 1);
		end(&t);
		longest = t.took_us > longest ? t.took_us : longest;
	}
	atomic_store(&x.s->delay_us, 0);
	if (longest < LONG_US) {
		assert_false(house_logged(x.h, "waited"));
		assert_false(house_logged(x.h, "threads wait"));
		assert_int_equal(atomic_load(&x.notices), 0);
	}
	close_scene(&x);
}

/* A program that does nothing but touch its memory: nobody in it connects to a daemon that comes. */
static pid_t one_that_stays_away(const struct house *h)
{
	struct hmm_range *r = NULL;
	struct hmm_client *c;
	pid_t pid;
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	fflush(NULL);
	pid = fork();
	if (pid) {
		close(ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		close(ready[0]);
		return pid;
	}
	c = house_client(h, "away", HMM_CLIENT_NO_HELPER);
	if (hmm_alloc(c, HUGE_PAGE, NULL, &r) || write(ready[1], "r", 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

static void who_has_not_come_back_is_named(void **state)
{
	struct scene x;
	pid_t pid;

	open_scene(&x, *state, 1);
	hmm_client_unref(x.looker);	/* it has nothing to come back with */
	assert_soon(count_files(x.h->state, ".ledger") == 1);
	pid = one_that_stays_away(x.h);
	house_kill(x.h);
	house_start(x.h);
	x.looker = house_client(x.h, "looks", 0);
	assert_soon(says(x.looker, "status", NULL, NULL, "waiting_for", "away"));
	assert_soon(says(x.looker, "status", NULL, NULL, "reason", "has not come back"));
	assert_true(says(x.looker, "doctor", "check", "waiting", "text", "has not come back"));
	assert_soon(house_logged(x.h, "has not come back with"));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_soon(says(x.looker, "doctor", "check", "waiting", "state", "ok"));
	close_scene(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(who_waits_for_room_is_named),
		PER_BACKING(who_waits_for_a_device_is_named),
		PER_BACKING(an_end_that_waits_says_for_whom),
		PER_BACKING(who_waits_for_a_move_is_named),
		PER_BACKING(short_waits_are_no_events),
		PER_BACKING(who_has_not_come_back_is_named),
	};

	return cmocka_run_group_tests_name("waits", tests, NULL, NULL);
}
