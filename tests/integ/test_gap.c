// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Between the look whether a page is still the library's mapping and the call that lets it go, a program may unmap it,
 * map something else there and fill it. This program has the library's call made late, so that all of that has time to
 * happen in between, and loses no word all the same. The price: munmap(2) waits until somebody has read that it was
 * called, so somebody does whatever becomes of the daemon.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/gate.h"
#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/house.h"
#include "tests/support/move.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"
#include "tests/support/words.h"

enum { PAGES = 16, LATE_US = 3000, CALLS = 12, ROUNDS = 8, UNMAPPERS = 4, SEED = 41 };
#define SIZE (PAGES * HUGE_PAGE)
#define ROOMY "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 128M\n" \
	"[tier far]\nkind = memory\ncapacity = 256M\n"

static _Atomic(char *) watched;
static _Atomic unsigned int calls, between;
static _Atomic bool inside;

/* The library's own, called late. */
int madvise(void *addr, size_t size, int advice)
{
	char *start = atomic_load(&watched);
	bool late = advice == MADV_DONTNEED && start && (char *)addr >= start && (char *)addr < start + SIZE;
	int r;

	if (late) {
		atomic_store(&inside, true);
		usleep(LATE_US);
	}
	r = (int)syscall(SYS_madvise, addr, size, advice);
	if (late) {
		atomic_store(&inside, false);
		atomic_fetch_add(&calls, 1);
	}
	return r;
}

struct tenant {
	struct house *h;
	struct hmm_client *c;
	struct hmm_range *r;
	char *at;
};

static void take_range(struct tenant *t)
{
	assert_int_equal(hmm_alloc(t->c, SIZE, NULL, &t->r), 0);
	t->at = hmm_range_addr(t->r);
	for (size_t page = 0; page < PAGES; page++)
		words_fill(t->at + page * HUGE_PAGE, HUGE_PAGE, SEED);
	atomic_store(&watched, t->at);
}

static void move_in(struct tenant *t, const char *backing, const char *sections)
{
	struct house_options o = { .backing = backing, .daemon = "track = 100ms\n", .config = sections };
	struct hmm_client_options co = HMM_CLIENT_OPTIONS_INIT;

	if (house_backing_missing(backing))
		skip_because("%s", house_backing_missing(backing));
	*t = (struct tenant){ .h = house_open(&o) };
	co.socket_path = t->h->socket;
	co.reconnect_timeout_us = 300000;
	assert_int_equal(hmm_client_new(&t->c, &co), 0);
	take_range(t);
}

/* The program's own memory in the place of one page. */
static void map_over(const struct tenant *t, size_t page, uint64_t seed)
{
	char *at = t->at + page * HUGE_PAGE;
	bool was_inside = atomic_load(&inside);

	assert_int_equal(munmap(at, HUGE_PAGE), 0);
	assert_ptr_equal(mmap(at, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			      -1, 0), at);
	words_fill(at, HUGE_PAGE, seed);
	atomic_fetch_add(&between, was_inside);
}

static void free_range(const struct tenant *t)
{
	atomic_store(&watched, NULL);
	assert_int_equal(hmm_range_free(t->r), 0);
}

/* All of its pages have been mapped over. */
static void leave_range(const struct tenant *t)
{
	free_range(t);
	for (size_t page = 0; page < PAGES; page++) {
		assert_int_equal(words_bad(t->at + page * HUGE_PAGE, HUGE_PAGE, page), 0);
		assert_int_equal(munmap(t->at + page * HUGE_PAGE, HUGE_PAGE), 0);
	}
}

static void move_out(struct tenant *t)
{
	free_range(t);
	hmm_client_unref(t->c);
	house_close(t->h);
}

/* Page by page until nothing of the range is left, then the next one. */
static void no_word_is_lost_in_between(void **state)
{
	struct tenant t;

	atomic_store(&calls, 0);
	atomic_store(&between, 0);
	move_in(&t, *state, ROOMY);
	while (atomic_load(&calls) < CALLS || atomic_load(&between) < CALLS) {
		for (size_t page = 0; page < PAGES; page++) {
			map_over(&t, page, page);
			for (size_t k = 0; k <= page; k++)
				assert_int_equal(words_bad(t.at + k * HUGE_PAGE, HUGE_PAGE, k), 0);
		}
		leave_range(&t);
		take_range(&t);
	}
	move_out(&t);
}

/* Nobody else reads what munmap(2) waits for. */
static void unmapping_goes_on_without_a_daemon(void **state)
{
	struct tenant t;

	move_in(&t, *state, ROOMY);
	house_kill(t.h);
	map_over(&t, 0, 1);
	assert_int_equal(words_bad(t.at + HUGE_PAGE, HUGE_PAGE, SEED), 0);
	map_over(&t, 1, 2);
	assert_int_equal(words_bad(t.at, HUGE_PAGE, 1), 0);
	assert_int_equal(hmm_range_free(t.r), 0);
	assert_int_equal(words_bad(t.at, HUGE_PAGE, 1), 0);
	munmap(t.at, 2 * HUGE_PAGE);
	hmm_client_unref(t.c);
	house_remove(t.h);
}

struct unmapper {
	pthread_t thread;
	struct hmm_client *c;
	_Atomic bool *stop;
	_Atomic int failed;
};

static void *unmap_pages(void *userdata)
{
	struct unmapper *u = userdata;
	struct hmm_range *r;
	char *start;

	while (!atomic_load(u->stop)) {
		int err = hmm_alloc(u->c, 4 * HUGE_PAGE, NULL, &r);

		if (err) {
			atomic_store(&u->failed, err);
			break;
		}
		start = hmm_range_addr(r);
		for (char *at = start; at < start + 4 * HUGE_PAGE; at += HUGE_PAGE) {
			*at = 1;
			mmap(at, HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
		}
		hmm_range_free(r);
		munmap(start, 4 * HUGE_PAGE);
	}
	return NULL;
}

/* The kernel refuses to do anything by the userfaultfd while somebody unmaps what is registered with it. */
static void pages_move_while_others_are_unmapped(void **state)
{
	struct unmapper u[UNMAPPERS];
	_Atomic bool stop = false;
	struct tenant t;

	move_in(&t, *state, ROOMY "[policy default]\nengine = static\n");
	for (size_t i = 0; i < UNMAPPERS; i++) {
		u[i] = (struct unmapper){ .c = t.c, .stop = &stop };
		assert_int_equal(pthread_create(&u[i].thread, NULL, unmap_pages, &u[i]), 0);
	}
	for (unsigned int round = 0; round < ROUNDS; round++) {
		move_all(t.r, 0, SIZE, "far");
		for (size_t page = 0; page < PAGES; page++)
			assert_int_equal(words_bad(t.at + page * HUGE_PAGE, HUGE_PAGE, SEED), 0);
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < UNMAPPERS; i++) {
		assert_int_equal(pthread_join(u[i].thread, NULL), 0);
		assert_int_equal(atomic_load(&u[i].failed), 0);
	}
	move_out(&t);
}

static void *read_byte(void *at)
{
	die_by_own_signal();
	(void)*(volatile char *)at;
	return NULL;
}

static bool waits_for_library(struct hmm_client *c)
{
	char reason[32];

	ask_text(c, "clients", "name", "raw", "waiting_for", reason, sizeof(reason));
	return ask_number(c, "clients", "name", "raw", "waiting") != ASK_EMPTY && strstr(reason, "library");
}

/* One of the same user, served by the same threads. */
static void who_keeps_the_gate_shut_keeps_only_itself_waiting(void **state)
{
	struct rawrange raw = { .file = -1 };
	struct rawpeer *p;
	struct gate *gate;
	pthread_t thread;
	struct tenant t;

	move_in(&t, *state, ROOMY);
	p = rawpeer_open(t.h->socket);
	p->features = HMMD__FEATURE__FEATURE_GATE;
	rawpeer_hello(p);
	assert_true(p->gate >= 0);
	assert_int_equal(ftruncate(p->gate, 0), -1);
	gate = mmap(NULL, GATE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, p->gate, 0);
	assert_true(gate != MAP_FAILED);
	rawpeer_attach(p);
	rawpeer_alloc(p, 1, &raw);
	rawpeer_map(p, &raw);
	gate_shut(gate);
	assert_soon(gate_empty(gate));
	assert_int_equal(pthread_create(&thread, NULL, read_byte, raw.addr), 0);
	assert_soon(waits_for_library(t.c));
	free_range(&t);
	take_range(&t);
	assert_true(waits_for_library(t.c));
	gate_open(gate);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(gate_empty(gate));
	munmap(gate, GATE_SIZE);
	rawpeer_free(p, &raw);
	rawpeer_close(p);
	move_out(&t);
}

/* What systemd kept is served before the program is there again, and its library is given a gate all the same. */
static void pages_are_let_go_after_a_restart(void **state)
{
	struct house_options o = { .backing = *state, .daemon = "track = 100ms\n", .config = ROOMY, .managed = true };
	struct hmm_range *r;
	struct tenant t;
	unsigned int before;

	if (house_backing_missing(*state))
		skip_because("%s", house_backing_missing(*state));
	t = (struct tenant){ .h = house_open(&o) };
	t.c = house_client(t.h, "restarted", 0);
	take_range(&t);
	house_kill(t.h);
	house_start(t.h);
	assert_soon(hmm_alloc(t.c, HUGE_PAGE, NULL, &r) == 0);	/* it is back */
	assert_int_equal(hmm_range_free(r), 0);
	before = atomic_load(&calls);
	assert_soon(words_bad(t.at, HUGE_PAGE, SEED) == 0 && atomic_load(&calls) > before + 2);
	free_range(&t);
	hmm_client_unref(t.c);
	assert_soon(count_files(t.h->state, ".ledger") == 0);
	house_close(t.h);
}

static void lost(struct hmm_client *c, const struct hmm_event *e, void *userdata)
{
	(void)c;
	if (e->type == HMM_EVENT_LOST)
		atomic_store((_Atomic bool *)userdata, true);
}

/* What only the daemon had stays registered; another daemon that has come meanwhile does not know of it. */
static void unmapping_what_is_lost_goes_on_beside_a_new_daemon(void **state)
{
	_Atomic bool told = false;
	struct tenant t;
	struct hmm_range *r;

	move_in(&t, *state, ROOMY "[policy default]\nengine = static\ntrack = no\n");
	assert_int_equal(hmm_client_set_event_handler(t.c, lost, &told), 0);
	move_all(t.r, 0, SIZE / 2, "far");
	house_kill(t.h);
	assert_soon(atomic_load(&told));
	house_start(t.h);
	assert_soon(hmm_alloc(t.c, HUGE_PAGE, NULL, &r) == 0);
	map_over(&t, 0, 1);
	map_over(&t, PAGES - 1, 1);
	assert_int_equal(words_bad(t.at, HUGE_PAGE, 1), 0);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(hmm_range_free(t.r), 0);
	munmap(t.at, HUGE_PAGE);
	munmap(t.at + SIZE - HUGE_PAGE, HUGE_PAGE);
	hmm_client_unref(t.c);
	house_close(t.h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(no_word_is_lost_in_between),
		PER_BACKING(pages_move_while_others_are_unmapped),
		PER_BACKING(who_keeps_the_gate_shut_keeps_only_itself_waiting),
		PER_BACKING(pages_are_let_go_after_a_restart),
		PER_BACKING(unmapping_goes_on_without_a_daemon),
		PER_BACKING(unmapping_what_is_lost_goes_on_beside_a_new_daemon),
	};

	return cmocka_run_group_tests_name("between look and act", tests, NULL, NULL);
}
