// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel without private device memory: the module says so, refuses what cannot be, and does the rest,
 * with coherent memory where some was reserved.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/driver/module.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { SEED = 141 };

static uint64_t features(void)
{
	struct hmmdev_query q = { 0 };
	int fd = space_open();

	expect_is(call(fd, HMMDEV_QUERY, &q), 0);
	expect_is(q.api, HMMDEV_API_VERSION);
	close(fd);
	if (q.features & HMMDEV_FEATURE_PRIVATE)
		tap_skip("this kernel has private device memory");
	return q.features;
}

static void says_so(void)
{
	uint64_t f = features();

	expect_is(f & (HMMDEV_FEATURE_PRIVATE | HMMDEV_FEATURE_THP | HMMDEV_FEATURE_EXCLUSIVE), 0);
	expect(f & HMMDEV_FEATURE_PIN);
	expect(f & HMMDEV_FEATURE_TEST);
}

static void refuses(void)
{
	struct hmmdev_dev_ctl ctl = { .op = HMMDEV_OP_CREATE, .bytes = HUGE, .nid = -1 };
	int fd = space_open();
	char *at = memory_small(MiB, SEED);
	uint64_t pages;

	features();
	expect_is(call(fd, HMMDEV_DEV_CTL, &ctl), -EOPNOTSUPP);
	expect_is(exclusive(fd, 0, at, MiB, &pages), -EOPNOTSUPP);
	expect_is(migrate(fd, at, MiB, HMMDEV_MAX_DEVICES - 1, 0, NULL), -ENODEV);
	expect_words(at, MiB, SEED);
}

static void looks_and_pins(void)
{
	uint32_t id;
	int fd = space_open();
	char *at = memory_huge(4 * MiB, SEED);

	features();
	expect_is(snap_count(fd, HMMDEV_DEV_NONE, at, 4 * MiB, HMMDEV_WHERE_SYS), 4 * MiB / PAGE);
	expect_is(pin(fd, at, 4 * MiB, HMMDEV_PIN_WRITE | HMMDEV_PIN_LONGTERM, &id), 0);
	expect_is(stats(fd).pin_bytes, 4 * MiB);
	expect_is(unpin(fd, id), 0);
	expect_is(stats(fd).pin_bytes, 0);
}

static void reports(void)
{
	struct hmmdev_event e = { 0 };
	int fd = space_open();
	char *at = memory_small(MiB, SEED);
	struct hmmdev_range r = { .addr = (uintptr_t)at, .len = MiB, .cookie = 7 };

	features();
	expect_is(call(fd, HMMDEV_RANGE_ADD, &r), 0);
	expect_is(munmap(at, PAGE), 0);
	expect_is(read(fd, &e, sizeof(e)), sizeof(e));
	expect_is(e.type, HMMDEV_EVENT_INVALIDATE);
	expect_is(e.cookie, 7);
	expect_is(call(fd, HMMDEV_RANGE_DEL, &r), 0);
}

/* Page by page, which is all that such a kernel can. */
static void coherent(void)
{
	uint64_t f = features();
	uint32_t dev;
	int fd = space_open();
	char *at = memory_huge(4 * MiB, SEED), *buffer = memory_small(4 * MiB, SEED + 1);

	if (!(f & HMMDEV_FEATURE_COHERENT))
		tap_skip("no coherent memory");
	dev = device_coherent(8 * MiB);
	move_all(fd, at, 4 * MiB, dev);
	expect_is(snap_count(fd, dev, at, 4 * MiB, HMMDEV_WHERE_LOCAL), 4 * MiB / PAGE);
	expect_words(at, 4 * MiB, SEED);
	expect_is(dev_write(fd, dev, at, buffer, 4 * MiB), 0);
	expect_words(at, 4 * MiB, SEED + 1);
	expect_is(dev_read(fd, dev, at, buffer, 4 * MiB), 0);
	expect_is(evict(fd, at, 2 * MiB, NULL), 0);
	expect(device_drain(dev));
	expect_words(at, 4 * MiB, SEED + 1);
}

static void comes_and_goes(void)
{
	features();
	module_reload(5);
}

TESTS(TEST(says_so), TEST(refuses), TEST(looks_and_pins), TEST(reports), TEST(coherent), TEST(comes_and_goes))
