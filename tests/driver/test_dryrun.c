// SPDX-License-Identifier: GPL-2.0-or-later
/* DRYRUN counts what then happens, for MIGRATE to devices and nodes and for EVICT; it moves nothing. */
#include <errno.h>
#include <sys/mman.h>

#include "tests/driver/setting.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { SEED = 141 };
#define BYTES (12 * MiB)

static void expect_same(const struct hmmdev_migrate *told, const struct hmmdev_migrate *done)
{
	expect_is(told->moved, done->moved);
	expect_is(told->already, done->already);
	expect_is(told->skip_empty, done->skip_empty);
	expect_is(told->skip_pinned, done->skip_pinned);
	expect_is(told->skip_busy, done->skip_busy);
	expect_is(told->skip_shared, done->skip_shared);
	expect_is(told->skip_elsewhere, done->skip_elsewhere);
}

/* Busy pages are looked at again: they are somebody's for a moment only. */
static int tell(int fd, unsigned long request, struct hmmdev_migrate *m)
{
	int r = call(fd, request, m);

	while (m->skip_busy && soon(!(r = call(fd, request, m)) || r != -EAGAIN) && m->skip_busy)
		;
	return r;
}

/* The request, first dry; nothing has moved by that. */
static struct hmmdev_migrate dry_and_wet(int fd, unsigned long request, struct hmmdev_migrate m, uint32_t dev)
{
	size_t before = snap_count(fd, dev, (void *)(uintptr_t)m.addr, m.len, HMMDEV_WHERE_LOCAL);
	struct hmmdev_migrate dry = m;
	int r;

	dry.flags |= HMMDEV_MIGRATE_DRYRUN;
	r = tell(fd, request, &dry);
	expect_is(dry.moved + dry.already + skipped(&dry), m.len / PAGE);
	expect_is(snap_count(fd, dev, (void *)(uintptr_t)m.addr, m.len, HMMDEV_WHERE_LOCAL), before);
	expect_is(call(fd, request, &m), r);
	expect_same(&dry, &m);
	return m;
}

/* Six huge pages: on the one device, on the other, in memory, in small pages there, never touched. */
static char *mixed(int fd, uint32_t one, uint32_t other)
{
	char *at = memory_map(BYTES, MADV_HUGEPAGE);

	for (size_t i = 0; i < 10 * MiB; i += PAGE)
		at[i] = 1;
	move_all(fd, at, 2 * MiB, one);
	move_all(fd, at + 2 * MiB, 2 * MiB, other);
	move_all(fd, at + 6 * MiB, MiB, one);
	return at;
}

static void evicted(void)
{
	uint32_t one = device_private(8 * MiB), other = device_private(8 * MiB);
	int fd = space_open();
	char *at = mixed(fd, one, other);
	struct hmmdev_migrate m = { .addr = (uintptr_t)at, .len = BYTES, .flags = HMMDEV_EVICT_ONE,
				    .dst_kind = HMMDEV_DST_DEV, .dst = one };

	m = dry_and_wet(fd, HMMDEV_EVICT, m, one);
	expect_is(m.moved, 3 * MiB / PAGE);
	expect_is(m.already, BYTES / PAGE - m.moved);
	move_all(fd, at, 2 * MiB, one);
	m = (struct hmmdev_migrate){ .addr = (uintptr_t)at, .len = BYTES };
	m = dry_and_wet(fd, HMMDEV_EVICT, m, other);
	expect_is(m.moved, 4 * MiB / PAGE);
	expect_is(m.already, BYTES / PAGE - m.moved);
}

static void to_device(void)
{
	uint32_t one = device_private(16 * MiB), other = device_private(8 * MiB);
	int fd = space_open();
	char *at = mixed(fd, one, other);
	struct hmmdev_migrate m = { .addr = (uintptr_t)at, .len = BYTES, .dst_kind = HMMDEV_DST_DEV, .dst = one };

	m = dry_and_wet(fd, HMMDEV_MIGRATE, m, other);
	expect_is(m.already, 3 * MiB / PAGE);
	expect_is(m.skip_elsewhere, 2 * MiB / PAGE);
	expect_is(m.skip_empty, 2 * MiB / PAGE);
	expect_is(m.moved, 5 * MiB / PAGE);
}

/* What is on a device goes to the node, too. */
static void to_node(void)
{
	uint32_t one = device_private(8 * MiB), other = device_private(8 * MiB);
	int fd = space_open();
	char *at = mixed(fd, one, other);
	struct hmmdev_migrate m = { .addr = (uintptr_t)at, .len = BYTES, .dst_kind = HMMDEV_DST_NODE, .dst = 0 };

	m = dry_and_wet(fd, HMMDEV_MIGRATE, m, one);
	expect(m.moved >= 5 * MiB / PAGE);
	expect_is(m.moved + m.already, 10 * MiB / PAGE);
	expect_is(m.skip_empty, 2 * MiB / PAGE);
}

/* A scan takes pages from the processor for a moment, which then look as if never touched. */
int main(void)
{
	static const char balancing[] = "/proc/sys/kernel/numa_balancing";
	static const struct test tests[] = { TEST(evicted), TEST(to_device), TEST(to_node) };
	char before[16];
	int r;

	setting_get(balancing, before, sizeof(before));
	setting_put(balancing, "0");
	r = tap_run(tests, sizeof(tests) / sizeof(*tests));
	setting_put(balancing, before);
	return r;
}
