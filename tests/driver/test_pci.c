// SPDX-License-Identifier: GPL-2.0-or-later
/* A device behind a PCI bus: memory that only the device has, reached through a BAR. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

enum { SEED = 131 };

static uint32_t pci_device(void)
{
	int fd = space_open();

	for (uint32_t dev = 0; dev < HMMDEV_MAX_DEVICES; dev++) {
		struct hmmdev_dev_info info = { .dev = dev };

		if (!call(fd, HMMDEV_DEV_INFO, &info) && info.source == HMMDEV_SOURCE_PCI) {
			close(fd);
			return dev;
		}
	}
	tap_skip("no PCI device");
}

static void moves(void)
{
	uint32_t dev = pci_device();
	int fd = space_open();
	char *huge = memory_huge(4 * MiB, SEED), *small = memory_small(MiB, SEED + 1);

	move_all(fd, huge, 4 * MiB, dev);
	move_all(fd, small, MiB, dev);
	expect_is(device_info(dev).used, 5 * MiB);
	expect_words(huge, 4 * MiB, SEED);
	expect_words(small, MiB, SEED + 1);
	expect_is(device_info(dev).used, 0);
}

/* All of it, twice with different words: no block lies over another. */
static void whole(void)
{
	uint32_t dev = pci_device();
	size_t bytes = device_info(dev).bytes;
	int fd = space_open();
	char *at = memory_huge(bytes, SEED);

	for (int i = 0; i < 2; i++) {
		words_fill(at, bytes, SEED + i);
		move_all(fd, at, bytes, dev);
		expect_is(device_info(dev).free, 0);
		expect_words(at, bytes, SEED + i);
	}
}

static void device_side(void)
{
	uint32_t dev = pci_device();
	int fd = space_open();
	char *at = memory_huge(HUGE, SEED), *buffer = memory_small(HUGE, SEED + 1);

	move_all(fd, at, HUGE, dev);
	expect_is(dev_write(fd, dev, at, buffer, HUGE), 0);
	expect_is(snap_count(fd, dev, at, HUGE, HMMDEV_WHERE_LOCAL), HUGE / PAGE);
	expect_words(at, HUGE, SEED + 1);
}

static void drained(void)
{
	uint32_t dev = pci_device();
	int fd = space_open();
	char *at = memory_huge(HUGE, SEED);

	move_all(fd, at, HUGE, dev);
	expect(device_drain(dev));
	expect_words(at, HUGE, SEED);
	expect_is(device_ctl(dev, HMMDEV_OP_ONLINE, NULL), 0);
}

TESTS(TEST(moves), TEST(whole), TEST(device_side), TEST(drained))
