// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon is killed and none comes back: what only a device has raises a signal, never reads as
 * zeros, also for the threads that wait there already; all else keeps its words and can be written.
 * The client's side runs in a child, where the kernel can be made to lack UFFDIO_POISON for good.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/asleep.h"
#include "tests/support/backing.h"
#include "tests/support/deny.h"
#include "tests/support/escape.h"
#include "tests/support/line.h"
#include "tests/support/seen.h"
#include "tests/support/words.h"

enum { PAGES = 40, WAITERS = 4, STORMERS = 3, SEED = 61 };
#define SIZE (PAGES * HUGE_PAGE)
#define WORDS (HUGE_PAGE / sizeof(uint64_t))
#define IMPATIENCE_US 300000ULL
#define POISON 0xc020aa08u		/* UFFDIO_POISON */
struct trial {
	const char *device;		/* "memory", "file" */
	bool evicted;			/* by what came after it; else moved by hand */
	bool no_poison, keep_waiting, storm;
};

struct client {
	struct hmm_client *c;
	struct hmm_range *range;
	uint64_t *words;
	struct seen seen;
	int signal;			/* that lost memory raises */
	_Atomic bool stop;
	_Atomic unsigned int wrong;
};

struct toucher {
	struct client *k;
	size_t page;
	bool writes;
	_Atomic pid_t tid;
	_Atomic int got;		/* -1: not yet; 0: its word; else the signal */
	pthread_t thread;
};

static void wrong(struct client *k, const char *what, size_t page, uint64_t value)
{
	if (atomic_fetch_add(&k->wrong, 1) < 8)
		printf("# page %zu: %s (%#llx)\n", page, what, (unsigned long long)value);
	fflush(stdout);
}

/* 0: it has all its words; a signal. Threads of a storm touch the same words at once: atomic, for the sanitizer. */
static int check_page(struct client *k, size_t page)
{
	const uint64_t *w = k->words + page * WORDS;
	int got = sigsetjmp(escape, 1);

	if (got)
		return got;
	for (size_t i = 0; i < WORDS; i += 64) {
		uint64_t value = __atomic_load_n(&w[i], __ATOMIC_RELAXED);

		if (value != words_at(SEED, page * WORDS + i))
			wrong(k, "a wrong word", page, value);
	}
	return 0;
}

/* 0, or a signal; writes what is there. */
static int rewrite_page(struct client *k, size_t page)
{
	uint64_t *w = k->words + page * WORDS;
	int got = sigsetjmp(escape, 1);

	if (got)
		return got;
	for (size_t i = 0; i < WORDS; i += 64)
		__atomic_store_n(&w[i], words_at(SEED, page * WORDS + i), __ATOMIC_RELAXED);
	return 0;
}

static void *touch(void *userdata)
{
	struct toucher *t = userdata;

	atomic_store(&t->tid, (pid_t)syscall(SYS_gettid));
	atomic_store(&t->got, t->writes ? rewrite_page(t->k, t->page) : check_page(t->k, t->page));
	return NULL;
}

/* It has announced itself, after which nothing but the fault puts it to sleep. */
static bool asleep(struct toucher *t)
{
	pid_t tid = atomic_load(&t->tid);

	return tid && thread_asleep(tid);
}

static bool begin_touch(struct toucher *t, struct client *k, size_t page, bool writes)
{
	*t = (struct toucher){ .k = k, .page = page, .writes = writes, .got = -1 };
	return pthread_create(&t->thread, NULL, touch, t) == 0;
}

/* Words everywhere, all the time, until the end comes. */
static void *storm(void *userdata)
{
	struct client *k = userdata;
	unsigned int seed = (unsigned int)(uintptr_t)&seed;

	while (!atomic_load(&k->stop)) {
		size_t page = (size_t)rand_r(&seed) % PAGES;

		if (rand_r(&seed) & 1)
			check_page(k, page);
		else
			rewrite_page(k, page);
		hmm_range_migrate(k->range, page * HUGE_PAGE, HUGE_PAGE, rand_r(&seed) % 3 ? "far" : "dram", 0, NULL);
	}
	return NULL;
}

static bool away(struct client *k, size_t page)
{
	uint8_t tier = 0;

	hmm_range_residency(k->range, page * HUGE_PAGE, HUGE_PAGE, &tier);
	return tier == 1;	/* "far", the second of the configuration */
}

static size_t count_away(struct client *k)
{
	size_t n = 0;

	for (size_t i = 0; i < PAGES; i++)
		n += away(k, i);
	return n;
}

static bool open_client(struct client *k, const struct house *h, const struct trial *t)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;

	escape_enable();
	k->signal = t->no_poison ? SIGSEGV : SIGBUS;
	o.socket_path = h->socket;
	o.reconnect_timeout_us = IMPATIENCE_US;
	o.flags = t->keep_waiting ? HMM_CLIENT_KEEP_WAITING : 0;
	if ((t->no_poison && !deny_ioctl(POISON)) || hmm_client_new(&k->c, &o) ||
	    hmm_client_set_event_handler(k->c, seen_note, &k->seen) ||
	    hmm_alloc(k->c, SIZE, NULL, &k->range))
		return false;
	k->words = hmm_range_addr(k->range);
	return true;
}

/* One attempt: what the daemon reads ahead at that moment stays. */
static bool push_out(struct client *k)
{
	struct hmm_op *op = NULL;

	if (hmm_range_migrate(k->range, SIZE / 2, SIZE / 4, "far", 0, &op) == 0)
		hmm_op_wait(op, PATIENCE_US);
	hmm_op_unref(op);
	return count_away(k) >= PAGES / 4;
}

/* Part of the range on the device, part in memory, and nothing under way. */
static bool spread(struct client *k, const struct trial *t)
{
	words_fill(k->words, SIZE, SEED);
	return t->evicted ? WAIT_UNTIL(count_away(k) >= PAGES / 2) : WAIT_UNTIL(push_out(k));
}

/* What is away by the ledger, which nobody changes any more, raises the signal, and only that. */
static void check_all(struct client *k, bool exactly)
{
	size_t lost = 0;

	for (size_t i = 0; i < PAGES; i++) {
		int got = check_page(k, i), again = rewrite_page(k, i);

		lost += got != 0;
		if (got && got != k->signal)
			wrong(k, "another signal", i, (uint64_t)got);
		if (got != again)
			wrong(k, "reading and writing differ", i, (uint64_t)again);
		if (exactly && !got == away(k, i))
			wrong(k, got ? "lost, but it was in memory" : "there, but it was away", i, (uint64_t)got);
	}
	printf("# %zu of %d pages raise signal %d\n", lost, PAGES, k->signal);
	fflush(stdout);
	if (lost == 0 || lost == PAGES)
		wrong(k, "not a mixture", lost, lost);
}

/* Every toucher sleeps before the parent, whose daemon is stopped, goes on. */
static void start_waiters(struct client *k, struct toucher *t, size_t n)
{
	for (size_t i = 0, page = 0; i < n; i++, page++) {
		while (page < PAGES && !away(k, page))
			page++;
		if (page == PAGES || !begin_touch(&t[i], k, page, i & 1) || !WAIT_UNTIL(asleep(&t[i])))
			_exit(102);
	}
}

static void end_waiters(struct client *k, struct toucher *t, size_t n, int want)
{
	for (size_t i = 0; i < n; i++) {
		if (!WAIT_UNTIL(atomic_load(&t[i].got) >= 0))
			_exit(103);
		pthread_join(t[i].thread, NULL);
		if (atomic_load(&t[i].got) != want)
			wrong(k, "a thread that waited got something else", t[i].page, (uint64_t)t[i].got);
	}
}

static void run_quiet(struct client *k, const struct trial *t, const struct line *l)
{
	struct toucher waiters[WAITERS];

	if (!spread(k, t))
		_exit(104);
	line_tell(l);	/* stop it */
	line_hear(l);
	start_waiters(k, waiters, WAITERS);
	line_tell(l);	/* kill it */
	if (!WAIT_UNTIL(atomic_load(&k->seen.lost) == 1))
		_exit(105);
	if (t->keep_waiting) {
		pause_us(IMPATIENCE_US);	/* in which they could have gone on */
		for (size_t i = 0; i < WAITERS; i++)
			if (atomic_load(&waiters[i].got) >= 0)
				wrong(k, "it did not wait", waiters[i].page, 0);
		line_tell(l);	/* start one again */
	}
	end_waiters(k, waiters, WAITERS, t->keep_waiting ? 0 : k->signal);
	for (size_t i = 0; t->keep_waiting && i < PAGES; i++)
		if (check_page(k, i))
			wrong(k, "a signal", i, 0);
	if (!t->keep_waiting)
		check_all(k, true);
}

static void run_storm(struct client *k, const struct line *l)
{
	pthread_t threads[STORMERS];

	words_fill(k->words, SIZE, SEED);
	for (size_t i = 0; i < STORMERS; i++)
		if (pthread_create(&threads[i], NULL, storm, k))
			_exit(106);
	pause_us(50000);	/* anywhere in the middle of it */
	line_tell(l);
	if (!WAIT_UNTIL(atomic_load(&k->seen.lost) == 1))
		_exit(107);
	atomic_store(&k->stop, true);
	for (size_t i = 0; i < STORMERS; i++)
		pthread_join(threads[i], NULL);
	check_all(k, false);
}

static void be_client(const struct house *h, const struct trial *t, const struct line *l)
{
	static struct client k;

	if (!open_client(&k, h, t))
		_exit(108);
	t->storm ? run_storm(&k, l) : run_quiet(&k, t, l);
	hmm_client_unref(k.c);
	_exit(atomic_load(&k.wrong) != 0);
}

static struct house *open_house(void **state, const struct trial *t)
{
	struct house_options o = { .backing = *state };
	const char *missing = house_backing_missing(o.backing);
	char config[512], path[HOUSE_PATH + 16] = "";
	struct house *h;

	if (missing)
		skip_because("%s", missing);
	h = house_prepare(&o);
	if (strcmp(t->device, "file") == 0)
		snprintf(path, sizeof(path), "path = %s/far\n", h->dir);
	snprintf(config, sizeof(config), "[tier dram]\nkind = numa\nnodes = 0\ncapacity = %s\n"
		 "[tier far]\nkind = %s\n%scapacity = 256M\n%s",
		 t->evicted || t->storm ? "32M" : "128M", t->device, path,
		 t->storm ? "" : "[policy default]\nengine = static\ntrack = no\n");
	house_write_config(h, config);
	house_start(h);
	return h;
}

static void stop_daemon(const struct house *h)
{
	int status;

	assert_int_equal(kill(h->pid, SIGSTOP), 0);
	assert_int_equal(waitpid(h->pid, &status, WUNTRACED), h->pid);
	assert_true(WIFSTOPPED(status));
}

/* False: the child has ended before its time. */
static bool parent_side(struct house *h, const struct trial *t, const struct line *l)
{
	bool there = line_hear(l);

	if (there && !t->storm) {
		stop_daemon(h);
		there = line_tell(l) && line_hear(l);
	}
	house_kill(h);
	if (there && t->keep_waiting) {
		there = line_hear(l);
		house_start(h);
	}
	return there;
}

/* One more daemon puts right what the one that was killed has left behind. */
static void end_house(struct house *h)
{
	if (h->pid < 0)
		house_start(h);
	hmm_client_unref(house_client(h, "lost", 0));
	house_close(h);
}

static void attempt(void **state, const struct trial *t)
{
	struct house *h = open_house(state, t);
	int up[2], down[2], status = -1;
	bool there;
	pid_t pid;

	assert_int_equal(pipe(up), 0);
	assert_int_equal(pipe(down), 0);
	pid = fork();
	if (!pid)
		be_client(h, t, &(struct line){ down[0], up[1] });
	close(up[1]);		/* so that a child that ends early is heard */
	there = parent_side(h, t, &(struct line){ up[0], down[1] });
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(up[0]);
	close(down[0]);
	close(down[1]);
	end_house(h);
	assert_int_equal(status, 0);
	assert_true(there);
}

#define QUIET(name, ...)					\
	static void name(void **state)				\
	{							\
		attempt(state, &(struct trial){ __VA_ARGS__ });	\
	}

QUIET(moved_to_memory, .device = "memory")
QUIET(moved_to_a_file, .device = "file")
QUIET(evicted_to_memory, .device = "memory", .evicted = true)
QUIET(evicted_to_a_file, .device = "file", .evicted = true)
QUIET(a_kernel_without_poison, .device = "memory", .evicted = true, .no_poison = true)
QUIET(kept_waiting, .device = "file", .keep_waiting = true)

static void in_the_middle_of_moves(void **state)
{
	attempt(state, &(struct trial){ .device = "memory", .storm = true });
	attempt(state, &(struct trial){ .device = "file", .storm = true });
}

static void in_the_middle_without_poison(void **state)
{
	attempt(state, &(struct trial){ .device = "memory", .storm = true, .no_poison = true });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(moved_to_memory),
		PER_BACKING(moved_to_a_file),
		PER_BACKING(evicted_to_memory),
		PER_BACKING(evicted_to_a_file),
		PER_BACKING(a_kernel_without_poison),
		PER_BACKING(in_the_middle_of_moves),
		PER_BACKING(in_the_middle_without_poison),
		PER_BACKING(kept_waiting),
	};

	return cmocka_run_group_tests_name("lost", tests, NULL, NULL);
}
