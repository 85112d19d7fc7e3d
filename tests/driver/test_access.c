// SPDX-License-Identifier: GPL-2.0-or-later
/* What the device itself reads and writes: wherever the memory is, and with its rights, not the caller's. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

enum { SEED = 21, OTHER = 22 };
#define BYTES (4 * MiB)

static void everywhere(void)
{
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open();
	char *at = memory_huge(BYTES, SEED), *buffer = memory_small(BYTES, 0);

	for (int on_device = 0; on_device < 2; on_device++) {
		expect_is(dev_read(fd, dev, at, buffer, BYTES), 0);
		expect_words(buffer, BYTES, SEED);
		words_fill(buffer, BYTES, OTHER + on_device);
		expect_is(dev_write(fd, dev, at, buffer, BYTES), 0);
		expect_words(at, BYTES, OTHER + on_device);
		words_fill(at, BYTES, SEED);
		move_all(fd, at, BYTES, dev);
	}
}

/* A device write into device memory leaves it there; the CPU reads it afterwards. */
static void stays_on_device(void)
{
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open();
	char *at = memory_huge(BYTES, SEED), *buffer = memory_small(BYTES, OTHER);

	move_all(fd, at, BYTES, dev);
	expect_is(dev_write(fd, dev, at, buffer, BYTES), 0);
	expect_is(snap_count(fd, dev, at, BYTES, HMMDEV_WHERE_LOCAL), BYTES / PAGE);
	expect_is(stats(fd).cpu_faults, 0);
	expect_words(at, BYTES, OTHER);
	expect(stats(fd).cpu_faults > 0);
}

/* The mirror follows what the CPU does to the mapping. */
static void follows_changes(void)
{
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open();
	char *at = memory_small(16 * PAGE, SEED), *buffer = memory_small(16 * PAGE, OTHER);

	expect_is(dev_read(fd, dev, at, buffer, 16 * PAGE), 0);
	expect_is(mprotect(at, 16 * PAGE, PROT_READ), 0);
	expect_is(dev_write(fd, dev, at, buffer, 16 * PAGE), -EPERM);
	expect_is(mprotect(at, 16 * PAGE, PROT_NONE), 0);
	memset(buffer, 0x5a, 16 * PAGE);
	expect_is(dev_read(fd, dev, at, buffer, 16 * PAGE), -EFAULT);
	for (size_t i = 0; i < 16 * PAGE; i++)
		expect_is(buffer[i], 0x5a);
	expect_is(munmap(at, 16 * PAGE), 0);
	expect_is(dev_read(fd, dev, at, buffer, 16 * PAGE), -EFAULT);
	expect(mmap(at, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
	expect_is(dev_read(fd, dev, at, buffer, 16 * PAGE), 0);
	expect_zero(buffer, 16 * PAGE);
}

/* The device's page tables stay while the memory is mapped, and no longer. */
static void tables_stay_until_unmap(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_small(HUGE, SEED), *buffer = memory_small(HUGE, OTHER);
	uint64_t bytes;

	expect_is(stats(fd).mirror_bytes, 0);
	expect_is(dev_read(fd, dev, at, buffer, HUGE), 0);
	bytes = stats(fd).mirror_bytes;
	expect(bytes > 0);
	expect_is(mprotect(at, HUGE, PROT_READ), 0);
	expect_is(stats(fd).mirror_bytes, bytes);
	expect_is(munmap(at, HUGE), 0);
	expect(stats(fd).mirror_bytes < bytes);
}

static void files(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open(), file = memfd_create("file", 0);
	char *buffer = memory_small(MiB, OTHER), *at;

	expect_is(ftruncate(file, MiB), 0);
	at = mmap(NULL, MiB, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	expect(at != MAP_FAILED);
	expect_is(dev_write(fd, dev, at, buffer, MiB), 0);
	memset(buffer, 0, MiB);
	expect_is(pread(file, buffer, MiB, 0), MiB);
	expect_words(buffer, MiB, OTHER);
}

static void bad_buffers(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_small(16 * PAGE, SEED), *buffer = memory_small(16 * PAGE, OTHER);

	expect_is(munmap(buffer + 8 * PAGE, 8 * PAGE), 0);
	expect_is(dev_read(fd, dev, at, buffer, 16 * PAGE), -EFAULT);
	expect_is(dev_write(fd, dev, at, buffer, 16 * PAGE), -EFAULT);
	expect_is(dev_read(fd, dev + 1, at, buffer, PAGE), -ENODEV);
}

/* A buffer that is itself on the device: the copy faults it back. */
static void buffer_on_device(void)
{
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open();
	char *at = memory_huge(HUGE, SEED), *buffer = memory_huge(HUGE, OTHER);

	move_all(fd, at, HUGE, dev);
	move_all(fd, buffer, HUGE, dev);
	expect_is(dev_read(fd, dev, at, buffer, HUGE), 0);
	expect_words(buffer, HUGE, SEED);
	move_all(fd, at, HUGE, dev);
	expect_is(dev_read(fd, dev, at, at, HUGE), 0);	/* into itself */
	expect_words(at, HUGE, SEED);
}

TESTS(TEST(everywhere), TEST(stays_on_device), TEST(follows_changes), TEST(tables_stay_until_unmap), TEST(files), TEST(bad_buffers),
      TEST(buffer_on_device))
