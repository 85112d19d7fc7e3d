// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Small pages that end (munmap, MADV_DONTNEED, exit) at the moment when their block is evicted, by a
 * drain or by pressure: for HMM_TEST_SECONDS (20) each. Every page is a mapping of its own, so that
 * what the kernel finds mappings by ends with each of them. The kernel's own complaints fail the run.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

enum { SEED = 83, LIVES = 4, PAGES = 384 };
#define STEP (2 * PAGE)		/* a page and a hole */
#define BYTES (PAGES * STEP)

static uint64_t *word_of(char *at, size_t i)
{
	return (uint64_t *)(at + i * STEP);
}

static void expect_page(char *at, size_t i)
{
	expect_is(*word_of(at, i), words_at(SEED, i));
}

/* Pages with words, each between two holes. */
static char *pages_map(void)
{
	char *at = memory_map(BYTES, MADV_NOHUGEPAGE);

	for (size_t i = 0; i < PAGES; i++) {
		expect_is(munmap(at + i * STEP + PAGE, PAGE), 0);
		*word_of(at, i) = words_at(SEED, i);
	}
	return at;
}

/* To the device, as far as it takes them. How many went. */
static size_t pages_go(int fd, char *at, uint32_t dev, uint32_t flags)
{
	struct hmmdev_migrate m;
	size_t went = 0;

	for (size_t i = 0; i < PAGES; i++) {
		migrate(fd, at + i * STEP, PAGE, dev, flags, &m);
		went += m.moved;
	}
	return went;
}

/* How a life ends: all at once with the process, or page by page before. */
enum { EXIT, UNMAP, DISCARD, EVICT, ENDS };

static void pages_end(int fd, char *at, int how)
{
	for (size_t i = 0; i < PAGES && how != EXIT; i++) {
		if (how == UNMAP)
			expect_is(munmap(at + i * STEP, PAGE), 0);
		else if (how == DISCARD)
			expect_is(madvise(at + i * STEP, PAGE, MADV_DONTNEED), 0);
		else
			evict(fd, at + i * STEP, PAGE, NULL);
	}
}

static void live(uint32_t dev, uint32_t flags, int how)
{
	int fd = space_open();
	char *at = pages_map();

	pages_go(fd, at, dev, flags);
	/* A touch waits for pages that are on their way: who ends meanwhile must not. */
	for (size_t i = 0; i < PAGES && how > UNMAP; i += 7)
		expect_page(at, i);
	pages_end(fd, at, how);
}

/* So many at once, each followed by another, until the time is over. */
static void lives(uint32_t dev, uint32_t flags)
{
	uint64_t ends_ns = now_ns() + tap_seconds(20) * 1000000000ULL;
	int life[LIVES], n = 0;

	for (; n < LIVES; n++)
		life[n] = in_child(live(dev, flags, n % ENDS));
	for (; now_ns() < ends_ns; n++) {
		end_child(life[n % LIVES]);
		life[n % LIVES] = in_child(live(dev, flags, n / LIVES % ENDS));
	}
	for (int i = 0; i < LIVES; i++)
		end_child(life[i]);
	printf("# %d lives\n", n);
}

/* Until it is killed. */
static void drain_always(uint32_t dev)
{
	for (;;) {
		expect(device_drain(dev));
		expect_is(device_ctl(dev, HMMDEV_OP_ONLINE, NULL), 0);
		usleep(5000);	/* lets memory come, so that there is something to drain */
	}
}

static void end_drains(int drains)
{
	int status;

	expect_is(kill(drains, SIGKILL), 0);
	expect_is(waitpid(drains, &status, 0), drains);
	expect(WIFSIGNALED(status));
}

static void end_device(uint32_t dev)
{
	expect(soon(!device_info(dev).used));
	expect(device_drain(dev));
	expect_is(device_ctl(dev, HMMDEV_OP_REMOVE, NULL), 0);
}

static void drained(void)
{
	uint32_t dev = device_private(8 * MiB);
	int drains = in_child(drain_always(dev));

	lives(dev, 0);
	end_drains(drains);
	end_device(dev);
}

/* The device has room for two of the lives. */
static void pressed(void)
{
	uint32_t dev = device_private(4 * MiB);

	lives(dev, HMMDEV_MIGRATE_EVICT_OK);
	end_device(dev);
}

/* The pages end in children, and become others there, while they leave the device for the parent. */
static void shared(void)
{
	uint64_t ends_ns = now_ns() + tap_seconds(20) * 1000000000ULL;
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open(), life[LIVES], drains;
	char *at = pages_map();
	size_t went = 0;

	drains = in_child(drain_always(dev));
	do {
		went += pages_go(fd, at, dev, 0);
		for (int i = 0; i < LIVES; i++)
			life[i] = in_child({
				for (size_t k = (size_t)i; k < PAGES; k += LIVES)
					*word_of(at, k) += 1;
				pages_end(fd, at, i % EVICT);
			});
		for (size_t i = 0; i < PAGES; i++)
			expect_page(at, i);
		for (int i = 0; i < LIVES; i++)
			end_child(life[i]);
	} while (now_ns() < ends_ns || !went);
	printf("# %zu went\n", went);
	end_drains(drains);
	expect_is(munmap(at, BYTES), 0);
	end_device(dev);
}

/* The words that a range filled from `at` on has in its second half. */
static void expect_second_half(const char *at)
{
	for (size_t i = HUGE / 2; i < HUGE; i += PAGE)
		expect_is(*(const uint64_t *)(at + i), words_at(SEED, i / sizeof(uint64_t)));
}

/* What the family has of the device's pages, each of them mapped by one of it alone, leaves for all. */
static void of_a_family(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open(), ends[2], wrote[2], child;
	char *at = memory_small(HUGE, SEED), byte;

	move_all(fd, at, HUGE, dev);
	expect_is(pipe(ends) | pipe(wrote), 0);
	child = in_child({
		close(ends[1]);
		words_fill(at, HUGE / 2, SEED + 1);
		expect_is(write(wrote[1], "", 1), 1);
		expect_is(read(ends[0], &byte, 1), 0);
		expect_words(at, HUGE / 2, SEED + 1);
		expect_second_half(at);
	});
	expect_is(read(wrote[0], &byte, 1), 1);
	expect_is(munmap(at + HUGE / 2, HUGE / 2), 0);
	expect(device_drain(dev));
	expect_is(device_info(dev).used, 0);
	expect_words(at, HUGE / 2, SEED);
	close(ends[1]);
	end_child(child);
}

/* A huge page of which a part is gone is mapped by no huge entry any more. */
static void of_a_part(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open();
	char *first = memory_huge(HUGE, SEED), *last = memory_huge(HUGE, SEED), *hole = memory_huge(HUGE, SEED);

	move_all(fd, first, HUGE, dev);
	move_all(fd, last, HUGE, dev);
	move_all(fd, hole, HUGE, dev);
	expect_is(munmap(first + HUGE / 2, HUGE / 2), 0);
	expect_is(munmap(last, HUGE / 2), 0);
	expect_is(madvise(hole, HUGE / 2, MADV_DONTNEED), 0);
	expect(device_drain(dev));
	expect_is(device_info(dev).used, 0);
	expect_words(first, HUGE / 2, SEED);
	expect_zero(hole, HUGE / 2);
	expect_second_half(last);
	expect_second_half(hole);
}

/* What a program wrote to its private mapping of a file is memory like other. */
static void of_a_file(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open(), file = memfd_create("file", MFD_CLOEXEC);
	char *at;

	expect_is(ftruncate(file, 4 * HUGE), 0);
	at = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, HUGE);
	expect(at != MAP_FAILED);
	words_fill(at, HUGE, SEED);
	move_all(fd, at, HUGE, dev);
	expect(device_drain(dev));
	expect_is(device_info(dev).used, 0);
	expect_words(at, HUGE, SEED);
}

/*
 * Pressure takes the oldest block, whose pages a child has; the parent, which it asks first, has pages
 * of another block at their addresses, and keeps them.
 */
static void of_another_block(void)
{
	uint32_t dev = device_private(2 * HUGE);
	int fd = space_open(), ends[2], child;
	char *at = memory_small(HUGE, SEED), *more = memory_small(HUGE, SEED + 1), byte;
	struct hmmdev_migrate m = { .addr = (uintptr_t)at, .len = HUGE, .dst_kind = HMMDEV_DST_DEV, .dst = dev,
				    .timeslice_us = 10000000 };

	move_all(fd, at, HUGE, dev);
	expect_is(pipe(ends), 0);
	child = in_child({
		close(ends[1]);
		expect_is(read(ends[0], &byte, 1), 0);
		expect_words(at, HUGE, SEED);
	});
	expect_is(madvise(at, HUGE, MADV_DONTNEED), 0);
	words_fill(at, HUGE, SEED + 2);
	expect_is(call(fd, HMMDEV_MIGRATE, &m), 0);
	expect(soon(!migrate(fd, more, HUGE, dev, HMMDEV_MIGRATE_EVICT_OK, NULL)));
	expect_is(snap_count(fd, dev, at, HUGE, HMMDEV_WHERE_LOCAL), HUGE / PAGE);
	expect_words(at, HUGE, SEED + 2);
	close(ends[1]);
	end_child(child);
}

TESTS(TEST(of_a_family), TEST(of_a_part), TEST(of_a_file), TEST(of_another_block), TEST(drained),
      TEST(pressed), TEST(shared))
