// SPDX-License-Identifier: GPL-2.0-or-later
/* Exclusive access: who takes it back, what that reports, and that nobody's write is lost on the way. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

enum { SEED = 71 };
#define BYTES (64 * PAGE)

static uint64_t held(int fd, uint32_t dev, const void *at, size_t bytes)
{
	struct hmmdev_excl e = { .addr = (uintptr_t)at, .len = bytes, .dev = dev };

	expect_is(call(fd, HMMDEV_EXCL_CHECK, &e), 0);
	return e.pages;
}

static void acquire(int fd, uint32_t dev, const void *at, size_t bytes)
{
	uint64_t pages;

	expect_is(exclusive(fd, dev, at, bytes, &pages), 0);
	expect_is(pages, bytes / PAGE);
	expect_is(held(fd, dev, at, bytes), pages);
}

static void revoked_by_cpu(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_small(BYTES, SEED);

	acquire(fd, dev, at, BYTES);
	(void)*(volatile char *)(at + 3 * PAGE);
	expect_is(held(fd, dev, at, BYTES), BYTES / PAGE - 1);
	expect_words(at, BYTES, SEED);
	expect_is(held(fd, dev, at, BYTES), 0);
	expect(stats(fd).excl_revoked >= BYTES / PAGE);
}

static void released(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_small(BYTES, SEED);
	struct hmmdev_excl e = { .addr = (uintptr_t)at, .len = BYTES / 2, .dev = dev };

	acquire(fd, dev, at, BYTES);
	expect_is(call(fd, HMMDEV_EXCL_RELEASE, &e), 0);
	expect_is(e.pages, BYTES / 2 / PAGE);
	expect_is(held(fd, dev, at, BYTES), BYTES / 2 / PAGE);
	expect_words(at, BYTES, SEED);
}

/* The event says which page, so that whoever relies on it can stop in time. */
static void reported(void)
{
	static struct hmmdev_event e[256];
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_small(BYTES, SEED);
	bool seen = false;
	ssize_t n;

	acquire(fd, dev, at, BYTES);
	expect_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (read(fd, e, sizeof(e)) > 0)
		;
	(void)*(volatile char *)(at + 5 * PAGE);
	while ((n = read(fd, e, sizeof(e))) > 0)
		for (ssize_t i = 0; i < n / (ssize_t)sizeof(*e); i++)
			seen |= e[i].type == HMMDEV_EVENT_EXCL_REVOKED && e[i].addr <= (uintptr_t)at + 5 * PAGE &&
				e[i].addr + e[i].size > (uintptr_t)at + 5 * PAGE;
	expect(seen);
}

/* A huge page is split for it, and said to be; where that is forbidden it is refused. */
static void of_huge_pages(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_huge(2 * HUGE, SEED);
	struct hmmdev_excl e = { .addr = (uintptr_t)at, .len = HUGE, .dev = dev };
	struct hmmdev_range r = { .flags = HMMDEV_RANGE_NO_SPLIT, .addr = (uintptr_t)at + HUGE, .len = HUGE };

	expect_is(call(fd, HMMDEV_EXCL_ACQUIRE, &e), 0);
	expect_is(e.splits, 1);
	expect_is(e.pages, HUGE / PAGE);
	expect_is(call(fd, HMMDEV_RANGE_ADD, &r), 0);
	e.addr += HUGE;
	expect_is(call(fd, HMMDEV_EXCL_ACQUIRE, &e), -EOPNOTSUPP);
	expect(snap_page(fd, dev, at + HUGE).prot & HMMDEV_PROT_PMD);
	expect_words(at, 2 * HUGE, SEED);
}

static void refused(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open(), file = memfd_create("file", 0);
	char *at = memory_small(BYTES, SEED), *mapped;
	uint64_t pages;

	expect_is(mprotect(at, BYTES, PROT_READ), 0);
	expect_is(exclusive(fd, dev, at, BYTES, &pages), -EPERM);
	expect_is(ftruncate(file, BYTES), 0);
	mapped = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	mapped[0] = 1;
	expect_is(exclusive(fd, dev, mapped, BYTES, &pages), -EOPNOTSUPP);
	expect_is(munmap(mapped, BYTES), 0);
	expect(exclusive(fd, dev, mapped, BYTES, &pages) < 0);
	expect_is(exclusive(fd, dev + 1, at, BYTES, &pages), -ENODEV);
	expect_words(at, BYTES, SEED);
}

/* The device writes while it has the pages, the CPU sees it when it takes them back. */
static void device_writes(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_small(BYTES, SEED), *buffer = memory_small(BYTES, SEED + 1);

	acquire(fd, dev, at, BYTES);
	expect_is(dev_write(fd, dev, at, buffer, BYTES), 0);
	expect_words(at, BYTES, SEED + 1);
}

/* Another device's claim ends ours. */
static void two_devices(void)
{
	uint32_t a = device_private(4 * MiB), b = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_small(BYTES, SEED);

	acquire(fd, a, at, BYTES);
	acquire(fd, b, at, BYTES / 2);
	expect_is(held(fd, a, at, BYTES), BYTES / 2 / PAGE);
	expect_words(at, BYTES, SEED);
}

static void over_fork_and_exit(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_small(BYTES, SEED);

	acquire(fd, dev, at, BYTES);
	end_child(in_child({
		expect_words(at, BYTES, SEED);
		words_fill(at, BYTES, SEED + 1);
		expect_words(at, BYTES, SEED + 1);
	}));
	expect_words(at, BYTES, SEED);
	acquire(fd, dev, at, BYTES);
	close(fd);
	expect_words(at, BYTES, SEED);
	fd = space_open();
	acquire(fd, dev, at, BYTES);	/* and the process ends with it */
}

static void *touch(void *arg)
{
	uint64_t *words = arg, ends_ns = now_ns() + tap_seconds(10) * 1000000000ULL;

	for (uint64_t n = 1; now_ns() < ends_ns; n++)
		for (size_t i = 0; i < BYTES / 8; i += 64)
			words[i] = n;
	return NULL;
}

/* A CPU that writes all the time against a device that wants it all the time: no end without progress. */
static void contended(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_small(BYTES, SEED);
	pthread_t thread;
	uint64_t pages, won = 0, ends_ns = now_ns() + tap_seconds(10) * 1000000000ULL;

	expect_is(pthread_create(&thread, NULL, touch, at), 0);
	while (now_ns() < ends_ns) {
		int r = exclusive(fd, dev, at, BYTES, &pages);

		expect(!r || r == -EBUSY);
		won += pages;
	}
	pthread_join(thread, NULL);
	expect(won > 0);
	for (size_t i = 0; i < BYTES / 8; i++)
		if (i % 64)
			expect_is(((uint64_t *)at)[i], words_at(SEED, i));
}

TESTS(TEST(revoked_by_cpu), TEST(released), TEST(reported), TEST(of_huge_pages), TEST(refused), TEST(device_writes),
      TEST(two_devices), TEST(over_fork_and_exit), TEST(contended))
