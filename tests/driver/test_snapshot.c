// SPDX-License-Identifier: GPL-2.0-or-later
/* Snapshots: every kind of place in one range, runs that end where they must, and nothing faulted in. */
#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { SEED = 81, KINDS = 7 };

/* One page of each kind, the first two without a mapping or without rights. */
static char *make_kinds(int fd, uint32_t own, uint32_t other)
{
	char *at = memory_map(KINDS * PAGE, MADV_NOHUGEPAGE);

	expect_is(*(volatile char *)(at + 2 * PAGE), 0);	/* the zero page */
	memset(at + 3 * PAGE, 3, 4 * PAGE);
	expect_is(mprotect(at + 3 * PAGE, PAGE, PROT_READ), 0);
	move_all(fd, at + 5 * PAGE, PAGE, own);
	move_all(fd, at + 6 * PAGE, PAGE, other);
	expect_is(munmap(at, PAGE), 0);
	expect_is(mprotect(at + PAGE, PAGE, PROT_NONE), 0);
	return at;
}

static int node_of(const void *at)
{
	int node = -1;

	expect_is(syscall(SYS_get_mempolicy, &node, NULL, 0, at, MPOL_F_NODE | MPOL_F_ADDR), 0);
	return node;
}

static void kinds(void)
{
	uint32_t own = device_private(4 * MiB), other = device_private(4 * MiB);
	int fd = space_open();
	char *at = make_kinds(fd, own, other);
	const uint8_t where[KINDS - 1] = { HMMDEV_WHERE_ERROR, HMMDEV_WHERE_ERROR, HMMDEV_WHERE_ZERO,
					   HMMDEV_WHERE_SYS, HMMDEV_WHERE_SYS, HMMDEV_WHERE_LOCAL };
	const uint32_t writable[KINDS - 1] = { [4] = HMMDEV_PROT_WRITE, [5] = HMMDEV_PROT_WRITE };

	for (int i = 0; i < KINDS - 1; i++) {
		struct hmmdev_snap_ent e = snap_page(fd, own, at + i * PAGE);

		expect_is(e.where, where[i]);
		expect_is(e.order, 0);
		if (i >= 2)
			expect_is(e.prot, HMMDEV_PROT_READ | writable[i]);
	}
	expect_is(snap_page(fd, own, at + 4 * PAGE).unit, node_of(at + 4 * PAGE));
	expect_is(snap_page(fd, own, at + 5 * PAGE).unit, own);
	expect(snap_page(fd, own, at + 6 * PAGE).where != HMMDEV_WHERE_LOCAL);
	expect_is(snap_page(fd, other, at + 6 * PAGE).where, HMMDEV_WHERE_LOCAL);
	expect_is(stats(fd).cpu_faults, 0);
	expect_is(at[6 * PAGE - 1] + at[7 * PAGE - 1], 6);
}

/* A vector that is too short: the call goes on from `next`. */
static void in_steps(void)
{
	enum { PAGES = 64 };
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_small(PAGES * PAGE, SEED);
	struct hmmdev_snap_ent e[3];
	uint64_t next = (uintptr_t)at, pages = 0;

	for (int i = 0; i < PAGES; i += 2)	/* no two alike beside each other */
		move_all(fd, at + i * PAGE, PAGE, dev);
	while (next < (uintptr_t)at + PAGES * PAGE) {
		struct hmmdev_snap s = { .addr = next, .len = (uintptr_t)at + PAGES * PAGE - next,
					 .vec = (uintptr_t)e, .vec_n = 3, .dev = dev };

		expect_is(call(fd, HMMDEV_SNAPSHOT, &s), 0);
		expect(s.out_n >= 1 && s.out_n <= 3);
		for (uint32_t i = 0; i < s.out_n; i++, pages++) {
			expect_is(e[i].addr, (uintptr_t)at + pages * PAGE);
			expect_is(e[i].npages, 1);
			expect_is(e[i].where, pages % 2 ? HMMDEV_WHERE_SYS : HMMDEV_WHERE_LOCAL);
		}
		next = s.next;
	}
	expect_is(pages, PAGES);
	expect_words(at, PAGES * PAGE, SEED);
}

/* A large range is a few runs, and no entry says more than it knows. */
static void long_runs(void)
{
	struct hmmdev_snap_ent e[64];
	int fd = space_open();
	char *at = memory_huge(16 * MiB, SEED);
	struct hmmdev_snap s = { .addr = (uintptr_t)at, .len = 16 * MiB, .vec = (uintptr_t)e, .vec_n = 64,
				 .dev = HMMDEV_DEV_NONE };
	uint64_t pages = 0;

	expect_is(call(fd, HMMDEV_SNAPSHOT, &s), 0);
	expect_is(s.next, (uintptr_t)at + 16 * MiB);
	expect(s.out_n <= 8 + 2);	/* one for each huge page at most, and where memory of a node ends */
	for (uint32_t i = 0; i < s.out_n; i++) {
		expect_is(e[i].where, HMMDEV_WHERE_SYS);
		expect_is(e[i].order, 9);
		expect(e[i].prot & HMMDEV_PROT_PMD);
		pages += e[i].npages;
	}
	expect_is(pages, 16 * MiB / PAGE);
}

/* An empty gigabyte stays empty. */
static void faults_nothing(void)
{
	int fd = space_open();
	char *at = memory_map(1024 * MiB, MADV_HUGEPAGE);
	unsigned char *core = (unsigned char *)memory_map(1024 * MiB / PAGE, MADV_NOHUGEPAGE);

	expect_is(snap_count(fd, HMMDEV_DEV_NONE, at, 1024 * MiB, HMMDEV_WHERE_HOLE), 1024 * MiB / PAGE);
	expect_is(mincore(at, 1024 * MiB, core), 0);
	for (size_t i = 0; i < 1024 * MiB / PAGE; i++)
		expect_is(core[i], 0);
}

static void refused(void)
{
	struct hmmdev_snap_ent e;
	int fd = space_open();
	char *at = memory_small(PAGE, SEED);
	struct hmmdev_snap s = { .addr = (uintptr_t)at, .len = PAGE, .vec = (uintptr_t)&e, .vec_n = 1,
				 .dev = HMMDEV_MAX_DEVICES - 1 };

	expect_is(call(fd, HMMDEV_SNAPSHOT, &s), -ENODEV);
	s.dev = HMMDEV_DEV_NONE;
	expect_is(call(fd, HMMDEV_SNAPSHOT, &s), 0);
	s.vec = (uintptr_t)at;
	expect_is(mprotect(at, PAGE, PROT_READ), 0);
	expect_is(call(fd, HMMDEV_SNAPSHOT, &s), -EFAULT);
	s.vec_n = 0;
	expect_is(call(fd, HMMDEV_SNAPSHOT, &s), -EINVAL);
}

TESTS(TEST(kinds), TEST(in_steps), TEST(long_runs), TEST(faults_nothing), TEST(refused))
