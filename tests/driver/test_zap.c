// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whole huge pages that end (MADV_DONTNEED, munmap, exit) at the moment when they leave a device: for
 * HMM_TEST_SECONDS (20) each. A block that is given out twice shows as a word that is somebody else's,
 * or stays in the device's books; the kernel's own complaints fail the run as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

enum { PAGES = 4, SEED = 71, WORKERS_MAX = 6 };
#define WORDS (HUGE / sizeof(uint64_t))
#define STEP (PAGE / sizeof(uint64_t))	/* one word of each small page */
#define BYTES (PAGES * HUGE)
#define DEVICE_BYTES (BYTES + 2 * HUGE)

/* One address space under a storm. */
static struct {
	uint32_t dev;
	int fd, mem;		/* its descriptor, its /proc/self/mem */
	char *at;
	uint64_t ends_ns;
	_Atomic uint64_t went, came, ended;	/* huge pages */
} storm;

typedef void work_fn(char *page, uint64_t seed);

struct worker {
	work_fn *work;
	uint64_t random;
	pthread_t thread;
};

static void storm_begin(void)
{
	storm.dev = device_private(DEVICE_BYTES);
	storm.fd = space_open();
	storm.mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	expect(storm.mem >= 0);
	storm.at = memory_map(BYTES, MADV_HUGEPAGE);
	storm.ends_ns = now_ns() + tap_seconds(20) * 1000000000ULL;
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	while (now_ns() < storm.ends_ns || !storm.went || !storm.ended) {
		uint64_t i = random_next(&w->random) % PAGES;

		w->work(storm.at + i * HUGE, SEED + i);
	}
	return NULL;
}

/* All of them at once, until the time is over and something has met. */
static void storm_run(work_fn *const *works, int n)
{
	struct worker w[WORKERS_MAX];
	uint64_t random = SEED + now_ns();

	for (int i = 0; i < n; i++) {
		w[i] = (struct worker){ .work = works[i], .random = random_next(&random) };
		expect_is(pthread_create(&w[i].thread, NULL, worker_run, &w[i]), 0);
	}
	for (int i = 0; i < n; i++)
		pthread_join(w[i].thread, NULL);
	printf("# %llu went, %llu came back, %llu ended\n", (unsigned long long)storm.went,
	       (unsigned long long)storm.came, (unsigned long long)storm.ended);
}

/* Nothing of the memory is left on the device. */
static void storm_end(void)
{
	munmap(storm.at, BYTES);
	expect(soon(!device_info(storm.dev).used));
	expect(device_drain(storm.dev));
	expect_is(device_ctl(storm.dev, HMMDEV_OP_REMOVE, NULL), 0);
}

/* A page ends at any moment: each word is its own or 0. */
static void expect_own(uint64_t word, uint64_t seed, size_t i)
{
	if (word && word != words_at(seed, i))
		tap_fail(__FILE__, __LINE__, "word %zu is %#llx, somebody else's", i, (unsigned long long)word);
}

static void go(char *page, uint64_t seed)
{
	struct hmmdev_migrate m;

	(void)seed;
	migrate(storm.fd, page, HUGE, storm.dev, 0, &m);
	storm.went += m.moved_thp / (HUGE / PAGE);
}

static void come(char *page, uint64_t seed)
{
	struct hmmdev_migrate m;

	(void)seed;
	evict(storm.fd, page, HUGE, &m);
	storm.came += !!m.moved;
}

static void fill(char *page, uint64_t seed)
{
	volatile uint64_t *w = (volatile uint64_t *)page;

	for (size_t i = 0; i < WORDS; i += STEP)
		w[i] = words_at(seed, i);
}

static void touch(char *page, uint64_t seed)
{
	const volatile uint64_t *w = (const volatile uint64_t *)page;

	for (size_t i = 0; i < WORDS; i += STEP)
		expect_own(w[i], seed, i);
}

static void discard(char *page, uint64_t seed)
{
	(void)seed;
	expect_is(madvise(page, HUGE, MADV_DONTNEED), 0);
	storm.ended++;
}

/* As often as one goes: ending one is so much faster that else there would be nothing to end. */
static void end_when_gone(work_fn *end, char *page, uint64_t seed)
{
	static _Thread_local uint64_t seen;
	uint64_t went = storm.went;

	if (went == seen)
		sched_yield();
	else
		end(page, seed);
	seen = went;
}

static void discard_gone(char *page, uint64_t seed)
{
	end_when_gone(discard, page, seed);
}

/* Any of these words, which only a system call may ask for: there may be no memory. */
static size_t some_word(uint64_t seed)
{
	return (storm.went + seed) % (WORDS / STEP) * STEP;
}

/* As a debugger does it, whose faults may not let go of the address space's lock. */
static void peek(char *page, uint64_t seed)
{
	size_t i = some_word(seed);
	uint64_t word;

	if (pread(storm.mem, &word, sizeof(word), (off_t)(uintptr_t)page + (off_t)(i * sizeof(word))) ==
	    sizeof(word))
		expect_own(word, seed, i);
}

static void end_mapping(char *page, uint64_t seed)
{
	(void)seed;
	expect_is(munmap(page, HUGE), 0);
	storm.ended++;
	expect(mmap(page, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		    0) == page);
	madvise(page, HUGE, MADV_HUGEPAGE);
}

static void unmap_gone(char *page, uint64_t seed)
{
	end_when_gone(end_mapping, page, seed);
}

static void fill_there(char *page, uint64_t seed)
{
	for (size_t i = 0; i < WORDS; i += STEP) {
		uint64_t word = words_at(seed, i);
		struct iovec here = { &word, sizeof(word) }, there = { page + i * sizeof(word), sizeof(word) };

		if (process_vm_writev(getpid(), &here, 1, &there, 1, 0) < 0)
			return;
	}
}

static void touch_there(char *page, uint64_t seed)
{
	size_t i = some_word(seed);
	uint64_t word = 0;
	struct iovec here = { &word, sizeof(word) }, there = { page + i * sizeof(word), sizeof(word) };

	process_vm_readv(getpid(), &here, 1, &there, 1, 0);
	expect_own(word, seed, i);
}

static void discarding(void)
{
	static work_fn *const works[] = { fill, go, touch, come, discard_gone, peek };

	storm_begin();
	storm_run(works, 6);
	storm_end();
}

static void unmapping(void)
{
	static work_fn *const works[] = { fill_there, go, touch_there, come, unmap_gone, peek };

	storm_begin();
	storm_run(works, 6);
	storm_end();
}

/* Drained by its blocks all the while, beside a mapping that has the same offsets and cannot move. */
static void *drain_run(void *arg)
{
	(void)arg;
	while (now_ns() < storm.ends_ns) {
		expect(device_drain(storm.dev));
		expect_is(device_ctl(storm.dev, HMMDEV_OP_ONLINE, NULL), 0);
		usleep(5000);	/* lets memory come, so that there is something to drain */
	}
	return NULL;
}

static void draining(void)
{
	static work_fn *const works[] = { fill_there, go, touch_there, go, unmap_gone };
	int hugetlb = memfd_create("offsets", MFD_HUGETLB | MFD_CLOEXEC);
	pthread_t drains;

	storm_begin();
	if (hugetlb >= 0)
		expect(mmap(NULL, BYTES, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, hugetlb,
			    (off_t)(uintptr_t)storm.at) != MAP_FAILED);
	expect_is(pthread_create(&drains, NULL, drain_run, NULL), 0);
	storm_run(works, 5);
	pthread_join(drains, NULL);
	storm_end();
}

/* What a child does with the pages that it shares. */
static void child_ends(int how)
{
	for (uint64_t i = 0; i < PAGES; i++) {
		char *page = storm.at + i * HUGE;

		if (how % 2)
			touch(page, SEED + i);
		if (how == 2)
			discard(page, SEED + i);
		else if (how == 3)
			expect_is(munmap(page, HUGE), 0);
	}
}

/* The pages end in children while they leave the device for the parent. */
static void sharing(void)
{
	enum { CHILDREN = 4 };
	int children[CHILDREN];

	storm_begin();
	do {
		for (uint64_t i = 0; i < PAGES; i++) {
			fill(storm.at + i * HUGE, SEED + i);
			go(storm.at + i * HUGE, SEED + i);
		}
		for (int i = 0; i < CHILDREN; i++)
			children[i] = in_child(child_ends(i));
		for (uint64_t i = 0; i < PAGES; i++) {
			(i % 2 ? come : touch)(storm.at + i * HUGE, SEED + i);
			touch(storm.at + i * HUGE, SEED + i);
		}
		for (int i = 0; i < CHILDREN; i++)
			end_child(children[i]);
	} while (now_ns() < storm.ends_ns || !storm.went);
	printf("# %llu went\n", (unsigned long long)storm.went);
	storm_end();
}

/* A child shares all the pages and touches one. */
static void fork_one(char *page, uint64_t seed)
{
	end_child(in_child(touch(page, seed)));
	storm.ended++;
}

/* One thread forks while others touch: each of them waits for locks that the other has. */
static void forking(void)
{
	static work_fn *const works[] = { fill, go, touch, touch, fork_one, come };

	storm_begin();
	storm_run(works, 6);
	storm_end();
}

/* Its own memory goes to and fro until somebody kills it. */
static void be_killed(int ready)
{
	static work_fn *const works[] = { fill, go, touch, come };

	storm.fd = space_open();
	storm.ends_ns = UINT64_MAX;
	expect_is(write(ready, "", 1), 1);
	storm_run(works, 4);
}

/* The address space of a process that is killed is emptied while its threads still bring pages back. */
static void killing(void)
{
	int ready[2], status, child, pidfd;
	char c;

	storm_begin();
	expect_is(pipe(ready), 0);
	do {
		child = in_child(be_killed(ready[1]));
		expect_is(read(ready[0], &c, 1), 1);
		pidfd = (int)syscall(SYS_pidfd_open, child, 0);
		expect(pidfd >= 0);
		expect(soon(device_info(storm.dev).used));
		kill(child, SIGKILL);
		while (!waitpid(child, &status, WNOHANG))
			syscall(SYS_process_mrelease, pidfd, 0);
		close(pidfd);
	} while (now_ns() < storm.ends_ns);
	storm_end();
}

/* What a touch brings back: all of the huge page, unless who touches cannot wait for it. */
static void touches(void)
{
	uint32_t dev = device_private(4 * HUGE);
	int fd = space_open(), mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char *at = memory_huge(2 * HUGE, SEED);
	uint64_t word, i = HUGE / sizeof(word) + 7;

	move_all(fd, at, 2 * HUGE, dev);
	expect_is(*(uint64_t *)at, words_at(SEED, 0));
	expect_is(snap_count(fd, dev, at, HUGE, HMMDEV_WHERE_SYS), HUGE / PAGE);
	expect_is(stats(fd).cpu_faults, 1);
	expect_is(stats(fd).splits, 0);
	expect_is(pread(mem, &word, sizeof(word), (off_t)((uintptr_t)at + i * sizeof(word))), sizeof(word));
	expect_is(word, words_at(SEED, i));
	expect_is(stats(fd).splits, 1);
	expect_is(device_info(dev).used, HUGE - PAGE);
	expect_words(at, 2 * HUGE, SEED);
	expect_is(stats(fd).cpu_faults, 1 + HUGE / PAGE);
	expect(soon(!device_info(dev).used));
}

TESTS(TEST(touches), TEST(discarding), TEST(unmapping), TEST(draining), TEST(sharing), TEST(forking),
      TEST(killing))
