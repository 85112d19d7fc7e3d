// SPDX-License-Identifier: GPL-2.0-or-later
/* fork, close and exit in every order, with memory on the device: both sides keep their own words. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

enum { SEED = 41, OTHER = 42 };
#define BYTES (4 * MiB)

/* Each bit of `order` is one choice; all combinations are run. */
enum { HUGE_PAGES = 1, CLOSE_FIRST = 2, CHILD_WRITES = 4, PARENT_WRITES = 8, CHILD_OPENS = 16, ORDERS = 32 };

static void child_side(char *at, int fd, uint32_t dev, int order)
{
	if (order & CLOSE_FIRST)
		close(fd);
	if (order & CHILD_OPENS) {
		int own = space_open();

		migrate(own, at, BYTES / 2, dev, 0, NULL);
	}
	expect_words(at, BYTES, SEED);
	if (!(order & CHILD_WRITES))
		return;
	words_fill(at, BYTES, OTHER);
	expect_words(at, BYTES, OTHER);
}

static void one_order(int order)
{
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open(), child;
	char *at = order & HUGE_PAGES ? memory_huge(BYTES, SEED) : memory_small(BYTES, SEED);

	move_all(fd, at, BYTES, dev);
	child = in_child(child_side(at, fd, dev, order));
	if (order & CLOSE_FIRST)
		close(fd);
	if (order & PARENT_WRITES) {
		words_fill(at, BYTES, OTHER + 1);
		expect_words(at, BYTES, OTHER + 1);
	}
	end_child(child);
	expect_words(at, BYTES, order & PARENT_WRITES ? OTHER + 1 : SEED);
	munmap(at, BYTES);
	expect(soon(!device_info(dev).used));
	expect(device_drain(dev));
	expect_is(device_ctl(dev, HMMDEV_OP_REMOVE, NULL), 0);
}

static void every_order(void)
{
	for (int order = 0; order < ORDERS; order++)
		one_order(order);
}

/* The inherited descriptor still acts on the parent, whatever the child has at that address. */
static void inherited(void)
{
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open();
	char *at = memory_huge(HUGE, SEED);

	end_child(in_child({
		char *own = memory_huge(HUGE, OTHER);

		expect_is(munmap(at, HUGE), 0);
		move_all(fd, at, HUGE, dev);
		if (own != at)
			expect_is(migrate(fd, own, HUGE, dev, 0, NULL), -EINVAL);
		move_all(space_open(), own, HUGE, dev);
		expect_words(own, HUGE, OTHER);
	}));
	expect_is(snap_count(fd, dev, at, HUGE, HMMDEV_WHERE_LOCAL), HUGE / PAGE);
	expect_words(at, HUGE, SEED);
}

static struct hmmdev_migrate leave_whole(int fd, unsigned long request, char *at, uint32_t flags)
{
	struct hmmdev_migrate m = { .addr = (uintptr_t)at, .len = BYTES, .flags = flags };
	int r;

	if (request == HMMDEV_MIGRATE)
		m.dst_kind = HMMDEV_DST_NODE;
	expect(soon((r = call(fd, request, &m)) != -EAGAIN));
	expect(!r || r == -ENOENT);
	return m;
}

/* What a child maps too cannot leave whole, and stays where that is asked for; later it can. */
static void kept_whole(void)
{
	static const uint32_t dry = HMMDEV_MIGRATE_NO_SPLIT | HMMDEV_MIGRATE_DRYRUN;
	struct hmmdev_range r = { .flags = HMMDEV_RANGE_NO_SPLIT, .len = BYTES };
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open(), ends[2], child;
	char *at = memory_huge(BYTES, SEED), byte;

	move_all(fd, at, BYTES, dev);
	expect_is(pipe(ends), 0);
	child = in_child(close(ends[1]); expect_is(read(ends[0], &byte, 1), 0));
	expect_is(leave_whole(fd, HMMDEV_EVICT, at, dry).skip_split, BYTES / PAGE);
	expect_is(leave_whole(fd, HMMDEV_EVICT, at, HMMDEV_MIGRATE_NO_SPLIT).skip_split, BYTES / PAGE);
	expect_is(leave_whole(fd, HMMDEV_MIGRATE, at, HMMDEV_MIGRATE_NO_SPLIT).skip_split, BYTES / PAGE);
	r.addr = (uintptr_t)at;
	expect_is(call(fd, HMMDEV_RANGE_ADD, &r), 0);
	expect_is(leave_whole(fd, HMMDEV_EVICT, at, 0).skip_split, BYTES / PAGE);
	expect_is(stats(fd).splits, 0);
	expect_is(device_info(dev).used, BYTES);
	close(ends[1]);
	end_child(child);
	expect_is(leave_whole(fd, HMMDEV_EVICT, at, HMMDEV_MIGRATE_NO_SPLIT).moved_thp, BYTES / PAGE);
	expect_words(at, BYTES, SEED);
}

/* Generations that share device pages: each zeroes its part before the next, and its ancestors see none of it. */
static void generations(void)
{
	enum { DEPTH = 6 };
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open();
	char *at = memory_huge(DEPTH * MiB, SEED);

	for (int part = 0; part < DEPTH; part++)
		words_fill(at + part * MiB, MiB, SEED + part);
	move_all(fd, at, DEPTH * MiB, dev);
	for (int depth = 0; depth < DEPTH; depth++) {
		int child = fork();

		expect(child >= 0);
		if (child) {
			end_child(child);
			for (int part = depth; part < DEPTH; part++)
				expect_words(at + part * MiB, MiB, SEED + part);
			_exit(0);
		}
		for (size_t i = 0; i < MiB / 8; i++)
			((uint64_t *)(at + depth * MiB))[i] = 0;
	}
	expect_zero(at, DEPTH * MiB);
}

/* Shared device pages whose users end in any order are freed. */
static void many_children(void)
{
	enum { CHILDREN = 24 };
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open(), children[CHILDREN];
	char *at = memory_huge(BYTES, SEED);

	move_all(fd, at, BYTES, dev);
	for (int i = 0; i < CHILDREN; i++)
		children[i] = in_child({
			for (int page = i; page < (int)(BYTES / PAGE); page += CHILDREN)
				at[page * PAGE] = (char)i;
			if (i % 3 == 0)	/* as far as the others let go of it */
				migrate(space_open(), at + MiB, MiB, dev, 0, NULL);
		});
	munmap(at, BYTES);
	for (int i = 0; i < CHILDREN; i++)
		end_child(children[i]);
	expect(soon(!device_info(dev).used));
}

TESTS(TEST(every_order), TEST(inherited), TEST(kept_whole), TEST(generations), TEST(many_children))
