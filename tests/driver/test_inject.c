// SPDX-License-Identifier: GPL-2.0-or-later
/* Each allocation and copy on the way there and back fails once: what moved is right, what did not stays. */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

enum { SEED = 51 };
#define BYTES (4 * MiB)

/* A huge block that cannot be had is made up for by small pages. */
static void huge_device_block(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open();
	char *at = memory_huge(BYTES, SEED);
	struct hmmdev_migrate m;

	inject(fd, HMMDEV_INJECT_DEVICE_ALLOC, HMMDEV_INJECT_HUGE_ONLY, 2, 1);
	expect_is(migrate(fd, at, BYTES, dev, 0, &m), 0);
	expect_is(m.moved, BYTES / PAGE);
	expect_is(m.moved_thp, HUGE / PAGE);
	expect_is(m.split, 1);
	expect_words(at, BYTES, SEED);
	inject(fd, HMMDEV_INJECT_DEVICE_ALLOC, HMMDEV_INJECT_HUGE_ONLY, 1, 1);
	at = memory_huge(HUGE, SEED);
	expect_is(migrate(fd, at, HUGE, dev, HMMDEV_MIGRATE_NO_SPLIT, &m), -ENOSPC);
	expect_is(m.skip_nomem, HUGE / PAGE);
	expect_words(at, HUGE, SEED);
}

static void huge_system_page(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open();
	char *at = memory_huge(BYTES, SEED);
	struct hmmdev_migrate m;

	move_all(fd, at, BYTES, dev);
	inject(fd, HMMDEV_INJECT_SYSTEM_ALLOC, HMMDEV_INJECT_HUGE_ONLY, 1, 1);
	expect_is(evict(fd, at, BYTES, &m), 0);
	expect_is(m.moved, BYTES / PAGE);
	expect_is(m.moved_thp, HUGE / PAGE);
	expect_is(snap_count(fd, dev, at, BYTES, HMMDEV_WHERE_SYS), BYTES / PAGE);
	expect_words(at, BYTES, SEED);
}

/* Pages that cannot be had on the device stay in memory. */
static void small_device_pages(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open();
	char *at = memory_small(MiB, SEED);
	struct hmmdev_migrate m;

	inject(fd, HMMDEV_INJECT_DEVICE_ALLOC, 0, 11, 5);
	migrate(fd, at, MiB, dev, 0, &m);
	expect_is(m.moved, MiB / PAGE - 5);
	expect_is(m.skip_nomem, 5);
	expect_is(snap_count(fd, dev, at, MiB, HMMDEV_WHERE_SYS), 5);
	expect_words(at, MiB, SEED);
}

/* Copies that fail leave the page where it was. */
static void copies(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open();
	char *at = memory_huge(BYTES, SEED), *small = memory_small(MiB, SEED);
	struct hmmdev_migrate m;

	inject(fd, HMMDEV_INJECT_COPY, 0, 1, 1);
	migrate(fd, at, BYTES, dev, 0, &m);
	expect(m.moved < BYTES / PAGE);
	expect_words(at, BYTES, SEED);
	move_all(fd, small, MiB, dev);
	inject(fd, HMMDEV_INJECT_COPY, 0, 7, 3);
	evict(fd, small, MiB, &m);
	expect_is(m.moved, MiB / PAGE - 3);
	expect_is(snap_count(fd, dev, small, MiB, HMMDEV_WHERE_LOCAL), 3);
	expect_words(small, MiB, SEED);
}

/* A CPU fault that cannot be answered ends in a signal, never in wrong words; the next one may succeed. */
static void failing_fault(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open(), status, child;
	char *at = memory_huge(HUGE, SEED);

	move_all(fd, at, HUGE, dev);
	child = fork();
	expect(child >= 0);
	if (!child) {
		int own = space_open();
		char *mine = memory_small(MiB, SEED);

		signal(SIGBUS, SIG_DFL);
		move_all(own, mine, MiB, dev);
		inject(own, HMMDEV_INJECT_COPY, 0, 1, 1000000);
		_exit(mine[5 * PAGE] == 1 ? 2 : 3);
	}
	expect_is(waitpid(child, &status, 0), child);
	expect(WIFSIGNALED(status));
	expect_is(WTERMSIG(status), SIGBUS);
	inject(fd, HMMDEV_INJECT_SYSTEM_ALLOC, HMMDEV_INJECT_HUGE_ONLY, 1, 1);
	expect_words(at, HUGE, SEED);
	expect(soon(!device_info(dev).used));
}

/*
 * Where there is no huge page a touch is answered by one small one, and copies nothing else: the
 * second copy, which fails, is that of the next request.
 */
static void touch_without_huge_page(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open();
	char *at = memory_huge(HUGE, SEED);
	struct hmmdev_migrate m;

	move_all(fd, at, HUGE, dev);
	inject(fd, HMMDEV_INJECT_SYSTEM_ALLOC, HMMDEV_INJECT_HUGE_ONLY, 1, 1);
	inject(fd, HMMDEV_INJECT_COPY, 0, 2, 1);
	expect_words(at, sizeof(uint64_t), SEED);
	expect_is(stats(fd).cpu_faults, 1);
	expect_is(stats(fd).splits, 1);
	expect_is(snap_count(fd, dev, at, HUGE, HMMDEV_WHERE_SYS), 1);
	expect_is(evict(fd, at + PAGE, PAGE, &m), -EIO);
	expect_is(m.moved, 0);
	expect_words(at, HUGE, SEED);
}

/* A page on its way from a device to a node says why it stays on the device. */
static void no_page_on_node(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open();
	char *at = memory_small(MiB, SEED);
	struct hmmdev_migrate m = { .addr = (uintptr_t)at, .len = MiB, .dst_kind = HMMDEV_DST_NODE };

	move_all(fd, at, MiB, dev);
	inject(fd, HMMDEV_INJECT_SYSTEM_ALLOC, 0, 1, 1000000);
	expect_is(call(fd, HMMDEV_MIGRATE, &m), -ENOMEM);
	inject(fd, HMMDEV_INJECT_SYSTEM_ALLOC, 0, 0, 0);
	expect_is(m.skip_nomem, MiB / PAGE);
	expect_is(m.skip_elsewhere, 0);
	expect_words(at, MiB, SEED);
}

/* A page that several have after a fork comes back in small ones where there is no huge one, to each of them. */
static void shared_fault(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open();
	char *at = memory_huge(BYTES, SEED);

	move_all(fd, at, BYTES, dev);
	inject(fd, HMMDEV_INJECT_SYSTEM_ALLOC, HMMDEV_INJECT_HUGE_ONLY, 1, 1000000);
	end_child(in_child(expect_words(at, HUGE, SEED)));
	expect_words(at, BYTES, SEED);
	expect(soon(!device_info(dev).used));
}

/*
 * A child has one of two huge pages, too, and that one cannot be split before it leaves; the other leaves
 * whole, before or after it.
 */
static void beside_unsplit(size_t shared, size_t own)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open(), ends[2], ready[2], child;
	char *at = memory_huge(BYTES, SEED), byte;
	struct hmmdev_migrate m;

	words_fill(at + HUGE, HUGE, SEED);
	move_all(fd, at, BYTES, dev);
	expect_is(pipe(ends) | pipe(ready), 0);
	child = in_child({
		close(ends[1]);
		expect_is(munmap(at + own, HUGE), 0);
		expect_is(write(ready[1], "", 1), 1);
		expect_is(read(ends[0], &byte, 1), 0);
		expect_words(at + shared, HUGE, SEED);
	});
	expect_is(read(ready[0], &byte, 1), 1);
	inject(fd, HMMDEV_INJECT_SPLIT, 0, 1, 1);
	expect_is(evict(fd, at, BYTES, &m), 0);
	expect_is(m.moved, BYTES / PAGE);
	expect_is(m.moved_thp, HUGE / PAGE);
	expect_words(at, HUGE, SEED);
	expect_words(at + HUGE, HUGE, SEED);
	close(ends[1]);
	end_child(child);
}

static void unsplit(void)
{
	beside_unsplit(0, HUGE);
	beside_unsplit(HUGE, 0);
}

/* Everything fails in turn, at every place. */
static void every_place(void)
{
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open();
	char *at = memory_huge(BYTES, SEED);

	for (uint32_t n = 1; n < 40; n++)
		for (uint32_t what = 0; what <= HMMDEV_INJECT_SPLIT; what++) {
			inject(fd, what, 0, n, 1 + n % 3);
			if (n % 2)
				madvise(at, BYTES, MADV_COLLAPSE);
			migrate(fd, at, BYTES, dev, 0, NULL);
			evict(fd, at + MiB, MiB, NULL);
			evict(fd, at, BYTES, NULL);
			inject(fd, what, 0, 0, 0);
			expect_words(at, BYTES, SEED);
		}
	expect_is(device_info(dev).used, 0);
}

TESTS(TEST(huge_device_block), TEST(huge_system_page), TEST(small_device_pages), TEST(copies), TEST(failing_fault),
      TEST(touch_without_huge_page), TEST(no_page_on_node), TEST(shared_fault), TEST(unsplit), TEST(every_place))
