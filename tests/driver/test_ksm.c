// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages that the kernel has merged because they are alike: it goes on reading them by their frame
 * numbers, so they stay in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { PAGES = 64, KPF_KSM = 21 };
#define KSM "/sys/kernel/mm/ksm/"

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

static unsigned long rounds(void)
{
	FILE *f = fopen(KSM "full_scans", "r");
	unsigned long n;

	expect(f && fscanf(f, "%lu", &n) == 1);
	fclose(f);
	return n;
}

static uint64_t word_of(const char *path, uint64_t index)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t word;

	expect_is(pread(fd, &word, sizeof(word), (off_t)(index * sizeof(word))), sizeof(word));
	close(fd);
	return word;
}

static size_t merged(const char *at)
{
	size_t n = 0;

	for (size_t i = 0; i < PAGES; i++) {
		uint64_t entry = word_of("/proc/self/pagemap", (uintptr_t)at / PAGE + i);

		n += entry >> 63 && word_of("/proc/kpageflags", entry & ((1ULL << 55) - 1)) >> KPF_KSM & 1;
	}
	return n;
}

static void expect_alike(const char *at)
{
	for (size_t i = 0; i < PAGES * PAGE; i++)
		expect_is(at[i], 'k');
}

static void stay(void)
{
	uint32_t dev = device_private(8 * MiB);
	char *at = memory_small(PAGES * PAGE, 1);
	int fd = space_open();
	struct hmmdev_migrate m;
	unsigned long before;

	memset(at, 'k', PAGES * PAGE);
	if (madvise(at, PAGES * PAGE, MADV_MERGEABLE))
		tap_skip("no samepage merging");
	expect(put(KSM "sleep_millisecs", "1") && put(KSM "pages_to_scan", "1000") && put(KSM "run", "1"));
	expect(soon(merged(at) == PAGES));
	expect_is(migrate(fd, at, PAGES * PAGE, dev, HMMDEV_MIGRATE_DRYRUN, &m), -ENOENT);
	expect_is(m.skip_shared, PAGES);
	expect_is(migrate(fd, at, PAGES * PAGE, dev, 0, &m), -ENOENT);
	expect_is(m.skip_shared, PAGES);
	before = rounds();
	expect(soon(rounds() > before + 2));
	expect_alike(at);
	expect(put(KSM "run", "2"));
	expect(soon(!merged(at)));
	move_all(fd, at, PAGES * PAGE, dev);
	expect_alike(at);
	expect(put(KSM "run", "0"));
}

TESTS(TEST(stay))
