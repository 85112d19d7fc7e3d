// SPDX-License-Identifier: GPL-2.0-or-later
/* Two devices, of one kind and of both: each sees what is its own, and memory goes from one to the other. */
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

enum { SEED = 61 };
#define BYTES (4 * MiB)

static void views(uint32_t a, uint32_t b, bool b_coherent)
{
	int fd = space_open();
	char *at = memory_huge(BYTES, SEED);
	struct hmmdev_migrate m;

	move_all(fd, at, BYTES / 2, a);
	move_all(fd, at + BYTES / 2, BYTES / 2, b);
	expect_is(snap_page(fd, a, at).where, HMMDEV_WHERE_LOCAL);
	expect_is(snap_page(fd, a, at).unit, a);
	expect_is(snap_page(fd, b, at + BYTES / 2).where, HMMDEV_WHERE_LOCAL);
	if (b_coherent) {
		expect_is(snap_page(fd, a, at + BYTES / 2).where, HMMDEV_WHERE_REMOTE);
		expect_is(snap_page(fd, a, at + BYTES / 2).unit, b);
	}
	expect(snap_page(fd, b, at).where != HMMDEV_WHERE_LOCAL);
	/* No direct way from one to the other. */
	expect_is(migrate(fd, at, BYTES / 2, b, 0, &m), -ENOENT);
	expect_is(m.moved + m.already, 0);
	/* Only what is on the named one. */
	m = (struct hmmdev_migrate){ .flags = HMMDEV_EVICT_ONE, .addr = (uintptr_t)at, .len = BYTES,
				     .dst_kind = HMMDEV_DST_DEV, .dst = a };
	expect_is(call(fd, HMMDEV_EVICT, &m), 0);
	expect_is(m.moved, BYTES / 2 / PAGE);
	expect_is(device_info(a).used, 0);
	expect_is(device_info(b).used, BYTES / 2);
	expect_words(at, BYTES, SEED);
}

static void both_private(void)
{
	uint32_t a = device_private(8 * MiB);

	views(a, device_private(8 * MiB), false);
}

static void private_and_coherent(void)
{
	uint32_t a = device_private(8 * MiB);

	views(a, device_coherent(8 * MiB), true);
}

/* The CPU works in coherent memory without bringing it back. */
static void in_place(void)
{
	uint32_t dev = device_coherent(8 * MiB);
	int fd = space_open();
	char *at = memory_huge(BYTES, SEED);

	move_all(fd, at, BYTES, dev);
	expect_words(at, BYTES, SEED);
	words_fill(at, BYTES, SEED + 1);
	expect_is(snap_count(fd, dev, at, BYTES, HMMDEV_WHERE_LOCAL), BYTES / PAGE);
	end_child(in_child({
		words_fill(at, BYTES, SEED + 2);	/* copies of its own */
		expect_words(at, BYTES, SEED + 2);
	}));
	expect_words(at, BYTES, SEED + 1);
	expect_is(evict(fd, at, BYTES, NULL), 0);
	expect_words(at, BYTES, SEED + 1);
	expect_is(device_info(dev).used, 0);
}

/* One reads what the other holds: it comes back to memory, where both may read. */
static void reads_across(void)
{
	uint32_t a = device_private(8 * MiB), b = device_private(8 * MiB);
	int fd = space_open();
	char *at = memory_huge(BYTES, SEED), *buffer = memory_small(BYTES, 0);

	move_all(fd, at, BYTES, a);
	expect_is(dev_read(fd, b, at, buffer, BYTES), 0);
	expect_words(buffer, BYTES, SEED);
	words_fill(buffer, BYTES, SEED + 1);
	expect_is(dev_write(fd, b, at, buffer, BYTES), 0);
	expect_is(dev_read(fd, a, at, buffer, BYTES), 0);
	expect_words(buffer, BYTES, SEED + 1);
	expect_words(at, BYTES, SEED + 1);
}

/* To and fro between them, with CPU writes in between. */
static void to_and_fro(void)
{
	uint32_t devs[2] = { device_private(8 * MiB), device_private(8 * MiB) };
	int fd = space_open();
	char *at = memory_huge(BYTES, SEED);

	for (int i = 0; i < 12; i++) {
		move_all(fd, at, BYTES, devs[i % 2]);
		if (i % 3 == 0)
			words_fill(at, BYTES, SEED + 1 + i / 3);
		else
			expect_is(evict(fd, at, BYTES, NULL), 0);
		expect_words(at, BYTES, SEED + 1 + i / 3);
	}
}

/* Back to where the program's policy says, or to a node that is named; not to one that is a device. */
static void back_to_node(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open();
	char *at = memory_huge(BYTES, SEED);
	cpu_set_t second;
	struct hmmdev_migrate m;

	CPU_ZERO(&second);
	CPU_SET(1, &second);
	if (access("/sys/devices/system/node/node1/cpu1", F_OK) || sched_setaffinity(0, sizeof(second), &second))
		tap_skip("one node");
	move_all(fd, at, BYTES, dev);
	m = (struct hmmdev_migrate){ .addr = (uintptr_t)at, .len = BYTES, .dst_kind = HMMDEV_DST_DEV, .dst = 0 };
	expect_is(call(fd, HMMDEV_EVICT, &m), 0);
	expect_is(snap_page(fd, HMMDEV_DEV_NONE, at).unit, 1);
	move_all(fd, at, BYTES, dev);
	m = (struct hmmdev_migrate){ .addr = (uintptr_t)at, .len = BYTES, .dst_kind = HMMDEV_DST_NODE, .dst = 0 };
	expect_is(call(fd, HMMDEV_EVICT, &m), 0);
	expect_is(snap_page(fd, HMMDEV_DEV_NONE, at).unit, 0);
	m.flags = HMMDEV_EVICT_ONE;
	expect_is(call(fd, HMMDEV_EVICT, &m), -EINVAL);
	expect_words(at, BYTES, SEED);
}

TESTS(TEST(both_private), TEST(private_and_coherent), TEST(in_place), TEST(reads_across), TEST(to_and_fro), TEST(back_to_node))
