// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program unmaps a part of a managed range, which the manual forbids, and something else comes to lie there: its
 * allocator's memory, most often. The tracker unmaps pages of the range all the time, freeing the range unmaps
 * all of it, and when no daemon comes back all of it is put in order; none of these may touch what is not the
 * library's own, nor be kept from what is.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/backing.h"
#include "tests/support/house.h"
#include "tests/support/test.h"
#include "tests/support/words.h"

enum { PAGES = 8, ROUNDS = 20, SEED = 77 };
#define SIZE (PAGES * HUGE_PAGE)
#define HOLE (SIZE / 2)

struct told {
	_Atomic unsigned int notices;
};

static void note(struct hmm_client *c, const struct hmm_event *e, void *userdata)
{
	struct told *t = userdata;

	(void)c;
	if (e->type == HMM_EVENT_NOTICE && e->range && e->text && strstr(e->text, "unmapped or mapped over"))
		atomic_fetch_add(&t->notices, 1);
}

struct guest {
	struct house *h;
	struct hmm_client *c;
	struct hmm_range *r;
	struct told told;
};

static void move_in(struct guest *g, const char *backing)
{
	struct house_options o = { .backing = backing, .daemon = "track = 100ms\n" };
	const char *missing = house_backing_missing(backing);

	if (missing)
		skip_because("%s", missing);
	*g = (struct guest){ .h = house_open(&o) };
	g->c = house_client(g->h, "foreign", 0);
	assert_int_equal(hmm_client_set_event_handler(g->c, note, &g->told), 0);
	assert_int_equal(hmm_alloc(g->c, SIZE, NULL, &g->r), 0);
	words_fill(hmm_range_addr(g->r), SIZE, SEED);
}

static void move_out(struct guest *g)
{
	hmm_client_unref(g->c);
	house_close(g->h);
}

/* Ordinary memory over the second half, with words of its own. */
static void *map_over(struct guest *g, unsigned int seed)
{
	void *at = (char *)hmm_range_addr(g->r) + HOLE;

	assert_int_equal(munmap(at, HOLE), 0);
	assert_ptr_equal(mmap(at, HOLE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), at);
	words_fill(at, HOLE, seed);
	return at;
}

/* The range's pages look used, so that the tracker comes for them. */
static void use(const struct guest *g)
{
	assert_int_equal(words_bad(hmm_range_addr(g->r), HOLE, SEED), 0);
}

static void what_lies_in_a_hole_is_left_alone(void **state)
{
	struct guest g;
	unsigned int round = 0;
	void *at;

	move_in(&g, *state);
	at = map_over(&g, 1);
	do {	/* until the tracker has been there, and on */
		use(&g);
		assert_int_equal(words_bad(at, HOLE, 1 + round), 0);
		if (atomic_load(&g.told.notices))
			at = map_over(&g, 1 + ++round);
		else
			usleep(1000);
	} while (round < ROUNDS);
	assert_int_equal(words_bad(at, HOLE, 1 + round), 0);
	assert_int_equal(atomic_load(&g.told.notices), 1);
	use(&g);
	assert_int_equal(hmm_range_free(g.r), 0);
	assert_int_equal(words_bad(at, HOLE, 1 + round), 0);
	assert_int_equal(munmap(at, HOLE), 0);
	move_out(&g);
}

static void freeing_takes_only_its_own(void **state)
{
	struct guest g;
	char *start, *at;

	move_in(&g, *state);
	start = hmm_range_addr(g.r);
	at = map_over(&g, 1);
	assert_int_equal(munmap(start, HUGE_PAGE), 0);	/* a hole that stays one */
	assert_int_equal(hmm_range_free(g.r), 0);
	assert_int_equal(words_bad(at, HOLE, 1), 0);
	assert_int_equal(madvise(start, HOLE, MADV_NORMAL), -1);	/* the rest is gone */
	assert_int_equal(munmap(at, HOLE), 0);
	move_out(&g);
}

struct reader {
	const volatile uint64_t *at;
	_Atomic bool done;
	uint64_t got;
};

static void *read_word(void *userdata)
{
	struct reader *x = userdata;

	die_by_own_signal();
	x->got = *x->at;
	atomic_store(&x->done, true);
	return NULL;
}

/* A file of the program's own in the middle; nobody has touched the page behind it. */
static void the_end_of_the_daemon_comes_to_all_that_is_ours(void **state)
{
	struct house_options o = { .backing = *state };
	struct hmm_client_options co = HMM_CLIENT_OPTIONS_INIT;
	struct reader x = { .got = 1 };
	struct guest g = { .told = { 0 } };
	unsigned char before[64];
	pthread_t thread;
	char *file;
	int fd;

	if (house_backing_missing(*state))
		skip_because("%s", house_backing_missing(*state));
	g.h = house_open(&o);
	co.socket_path = g.h->socket;
	co.reconnect_timeout_us = 300000;
	assert_int_equal(hmm_client_new(&g.c, &co), 0);
	assert_int_equal(hmm_alloc(g.c, SIZE, NULL, &g.r), 0);
	words_fill(hmm_range_addr(g.r), HUGE_PAGE, SEED);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	file = (char *)hmm_range_addr(g.r) + HOLE;
	assert_int_equal(pread(fd, before, sizeof(before), 0), sizeof(before));
	assert_int_equal(munmap(file, HUGE_PAGE), 0);
	assert_ptr_equal(mmap(file, HUGE_PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0), file);
	close(fd);
	house_kill(g.h);
	x.at = (const void *)((char *)hmm_range_addr(g.r) + SIZE - HUGE_PAGE);
	assert_int_equal(pthread_create(&thread, NULL, read_word, &x), 0);
	assert_soon(atomic_load(&x.done));
	pthread_join(thread, NULL);
	assert_int_equal(x.got, 0);
	assert_int_equal(words_bad(hmm_range_addr(g.r), HUGE_PAGE, SEED), 0);
	assert_memory_equal(file, before, sizeof(before));
	assert_int_equal(hmm_range_free(g.r), 0);
	assert_memory_equal(file, before, sizeof(before));
	assert_int_equal(munmap(file, HUGE_PAGE), 0);
	hmm_client_unref(g.c);
	house_remove(g.h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(what_lies_in_a_hole_is_left_alone),
		PER_BACKING(freeing_takes_only_its_own),
		PER_BACKING(the_end_of_the_daemon_comes_to_all_that_is_ours),
	};

	return cmocka_run_group_tests_name("foreign memory", tests, NULL, NULL);
}
