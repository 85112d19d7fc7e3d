// SPDX-License-Identifier: GPL-2.0-or-later
/* Moves there and back: what goes whole, what is counted where, what a dry run tells, what is refused. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { SEED = 3 };

/* Huge pages go and come back in one piece. */
static void whole_huge_pages(void)
{
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open();
	char *at = memory_huge(8 * MiB, SEED);
	struct hmmdev_migrate m;

	expect_is(migrate(fd, at, 8 * MiB, dev, HMMDEV_MIGRATE_NO_SPLIT, &m), 0);
	expect_is(m.moved, 8 * MiB / PAGE);
	expect_is(m.moved_thp, m.moved);
	expect_is(m.split, 0);
	expect_is(m.next, (uintptr_t)at + 8 * MiB);
	expect(m.ns_mm > 0 && m.ns_copy > 0);
	expect_is(device_info(dev).used, 8 * MiB);
	expect_is(stats(fd).dev_bytes, 8 * MiB);
	expect_is(snap_count(fd, dev, at, 8 * MiB, HMMDEV_WHERE_LOCAL), 8 * MiB / PAGE);
	expect(snap_page(fd, dev, at).prot & HMMDEV_PROT_PMD);
	expect_is(migrate(fd, at, 8 * MiB, dev, 0, &m), 0);
	expect_is(m.already, 8 * MiB / PAGE);
	expect_is(evict(fd, at, 4 * MiB, &m), 0);
	expect_is(m.moved_thp, 4 * MiB / PAGE);
	expect_is(snap_page(fd, dev, at).where, HMMDEV_WHERE_SYS);
	expect(snap_page(fd, dev, at).prot & HMMDEV_PROT_PMD);
	expect_words(at, 8 * MiB, SEED);	/* the other half comes by itself */
	expect(snap_page(fd, dev, at + 6 * MiB).prot & HMMDEV_PROT_PMD);
	expect_is(device_info(dev).used, 0);
}

static void small_pages(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_small(4 * MiB, SEED);
	struct hmmdev_migrate m;

	expect_is(migrate(fd, at + 3 * PAGE, 2 * MiB, dev, 0, &m), 0);
	expect_is(m.moved, 2 * MiB / PAGE);
	expect_is(m.moved_thp, 0);
	expect_is(device_info(dev).used, 2 * MiB);
	(void)*(volatile char *)(at + 3 * PAGE);
	expect_is(device_info(dev).used, 2 * MiB - PAGE);	/* a touch costs one page */
	expect_words(at, 4 * MiB, SEED);
	expect_is(device_info(dev).used, 0);
}

/* Part of a huge page: it is split, or stays if it must not be. */
static void parts_of_huge_pages(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open();
	char *at = memory_huge(4 * MiB, SEED);
	struct hmmdev_migrate m;
	int r = migrate(fd, at + MiB, 2 * MiB, dev, HMMDEV_MIGRATE_NO_SPLIT, &m);

	expect_is(r, -ENOENT);
	expect_is(m.moved, 0);
	expect(snap_page(fd, dev, at).prot & HMMDEV_PROT_PMD);
	expect_is(migrate(fd, at + MiB, 2 * MiB, dev, 0, &m), 0);
	expect_is(m.moved, 2 * MiB / PAGE);
	expect_is(m.split, 2);
	expect_is(snap_page(fd, dev, at).where, HMMDEV_WHERE_SYS);
	expect_is(snap_page(fd, dev, at + MiB).where, HMMDEV_WHERE_LOCAL);
	expect_is(snap_page(fd, dev, at + 3 * MiB).where, HMMDEV_WHERE_SYS);
	expect_words(at, 4 * MiB, SEED);
}

static void never_touched(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open();
	char *at = memory_map(4 * MiB, MADV_HUGEPAGE);
	struct hmmdev_migrate m;

	expect_is(migrate(fd, at, 4 * MiB, dev, 0, &m), -ENOENT);
	expect_is(m.skip_empty, 4 * MiB / PAGE);
	expect_is(device_info(dev).used, 0);
	expect_is(migrate(fd, at, 4 * MiB, dev, HMMDEV_MIGRATE_POPULATE, &m), 0);
	expect_is(m.moved, 4 * MiB / PAGE);
	expect_is(device_info(dev).used, 4 * MiB);
	expect_zero(at, 4 * MiB);
}

static void dry_run(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open();
	char *at = memory_huge(2 * MiB, SEED);
	struct hmmdev_migrate m;

	expect_is(migrate(fd, at, 2 * MiB, dev, HMMDEV_MIGRATE_DRYRUN, &m), 0);
	expect_is(m.moved, 2 * MiB / PAGE);
	expect_is(device_info(dev).used, 0);
	expect_is(snap_count(fd, dev, at, 2 * MiB, HMMDEV_WHERE_SYS), 2 * MiB / PAGE);
	expect(snap_page(fd, dev, at).prot & HMMDEV_PROT_PMD);
}

/* A full device says so and keeps what came first; with EVICT_OK the oldest make room. */
static void full(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_huge(8 * MiB, SEED);
	struct hmmdev_migrate m;

	expect_is(migrate(fd, at, 8 * MiB, dev, 0, &m), -ENOSPC);
	expect_is(m.moved, 4 * MiB / PAGE);
	expect_is(device_info(dev).free, 0);
	/* The time slice of what is there has to end first. */
	expect(soon(!migrate(fd, at + 4 * MiB, 4 * MiB, dev, HMMDEV_MIGRATE_EVICT_OK, &m)));
	expect_is(snap_count(fd, dev, at + 4 * MiB, 4 * MiB, HMMDEV_WHERE_LOCAL), 4 * MiB / PAGE);
	expect_is(snap_count(fd, dev, at, 4 * MiB, HMMDEV_WHERE_SYS), 4 * MiB / PAGE);
	expect_words(at, 8 * MiB, SEED);
}

/* What came first goes first, whatever the device has read meanwhile: nobody tells of that. */
static void first_goes_first(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_huge(6 * MiB, SEED), page[PAGE];
	struct hmmdev_migrate m;

	move_all(fd, at, HUGE, dev);
	move_all(fd, at + HUGE, HUGE, dev);
	expect_is(dev_read(fd, dev, at, page, sizeof(page)), 0);
	expect(soon(!migrate(fd, at + 4 * MiB, HUGE, dev, HMMDEV_MIGRATE_EVICT_OK, &m)));
	expect_is(snap_count(fd, dev, at, HUGE, HMMDEV_WHERE_SYS), HUGE / PAGE);
	expect_is(snap_count(fd, dev, at + HUGE, HUGE, HMMDEV_WHERE_LOCAL), HUGE / PAGE);
	expect_words(at, 6 * MiB, SEED);
}

static void refused(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_small(MiB, SEED), *shared;
	struct hmmdev_migrate m;

	expect_is(mprotect(at + 64 * PAGE, PAGE, PROT_NONE), 0);
	expect_is(migrate(fd, at, MiB, dev, 0, &m), -EINVAL);
	expect_is(munmap(at + 64 * PAGE, PAGE), 0);
	expect_is(migrate(fd, at, MiB, dev, 0, &m), -EINVAL);
	expect_is(migrate(fd, at, 64 * PAGE, HMMDEV_MAX_DEVICES, 0, &m), -ENODEV);
	expect_is(migrate(fd, at, 64 * PAGE, dev + 1, 0, &m), -ENODEV);
	shared = mmap(NULL, MiB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(shared, 1, MiB);
	expect_is(migrate(fd, shared, MiB, dev, 0, &m), -ENOENT);
	expect_is(m.skip_shared, MiB / PAGE);
	expect_words(at, 64 * PAGE, SEED);
}

/* Between nodes by the same call. */
static void to_nodes(void)
{
	struct hmmdev_query q = { 0 };
	int fd = space_open();
	char *at = memory_huge(4 * MiB, SEED);

	expect_is(call(fd, HMMDEV_QUERY, &q), 0);
	if (!(q.features & HMMDEV_FEATURE_NODE) || access("/sys/devices/system/node/node1", F_OK))
		tap_skip("one node, or no moves between nodes");
	for (uint32_t node = 0; node < 3; node++) {
		struct hmmdev_migrate m = { .addr = (uintptr_t)at, .len = 4 * MiB, .dst_kind = HMMDEV_DST_NODE,
					    .dst = node % 2 };

		expect_is(call(fd, HMMDEV_MIGRATE, &m), 0);
		expect_is(m.moved + m.already, 4 * MiB / PAGE);
		expect_is(snap_page(fd, HMMDEV_DEV_NONE, at).unit, node % 2);
		expect_is(snap_page(fd, HMMDEV_DEV_NONE, at + 4 * MiB - PAGE).unit, node % 2);
		expect_words(at, 4 * MiB, SEED);
	}
}

TESTS(TEST(whole_huge_pages), TEST(small_pages), TEST(parts_of_huge_pages), TEST(never_touched), TEST(dry_run),
      TEST(full), TEST(first_goes_first), TEST(refused), TEST(to_nodes))
