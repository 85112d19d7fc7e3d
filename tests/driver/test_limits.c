// SPDX-License-Identifier: GPL-2.0-or-later
/* LIMIT: of a descriptor and of a user, for device memory, pins and ranges; who may lower and raise. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/driver/setting.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

enum { SEED = 11, MAPPERS = 8, TIMES = 20, USERS = 8000 };
#define SAME HMMDEV_LIMIT_SAME

static struct hmmdev_limit limit(int fd, uint32_t scope, uint64_t dev_bytes, uint64_t pin_bytes, uint64_t ranges)
{
	struct hmmdev_limit l = { .scope = scope, .dev_bytes = dev_bytes, .pin_bytes = pin_bytes, .ranges = ranges };

	expect_is(call(fd, HMMDEV_LIMIT, &l), 0);
	return l;
}

/* What fits is moved, the rest stays where it was. */
static void device_memory(void)
{
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open();
	char *at = memory_huge(8 * MiB, SEED);
	struct hmmdev_migrate m;

	limit(fd, HMMDEV_SCOPE_FD, 4 * MiB, SAME, SAME);
	expect_is(limit(fd, HMMDEV_SCOPE_FD, SAME, SAME, SAME).dev_bytes, 4 * MiB);
	expect_is(migrate(fd, at, 8 * MiB, dev, 0, &m), -EDQUOT);
	expect_is(m.moved, 4 * MiB / PAGE);
	expect_is(stats(fd).dev_bytes, 4 * MiB);
	expect_is(snap_count(fd, dev, at, 8 * MiB, HMMDEV_WHERE_LOCAL), 4 * MiB / PAGE);
	expect_words(at, 8 * MiB, SEED);
	expect_is(stats(fd).dev_bytes, 0);
	move_all(fd, at, 4 * MiB, dev);	/* what came back may go again */
}

/* What is over a lowered limit stays, but nothing more comes. */
static void lowered(void)
{
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open();
	char *at = memory_huge(8 * MiB, SEED);

	move_all(fd, at, 4 * MiB, dev);
	limit(fd, HMMDEV_SCOPE_FD, 2 * MiB, SAME, SAME);
	expect_is(stats(fd).dev_bytes, 4 * MiB);
	expect_is(migrate(fd, at + 4 * MiB, 2 * MiB, dev, 0, NULL), -EDQUOT);
	expect_is(evict(fd, at, 4 * MiB, NULL), 0);
	move_all(fd, at + 4 * MiB, 2 * MiB, dev);
	expect_words(at, 8 * MiB, SEED);
}

/* Two descriptors of one user share its limit; another user has its own. */
static void of_user(void)
{
	uint32_t dev = device_private(32 * MiB);
	int first, second, other;

	expect_is(setresuid(1001, 1001, 0), 0);
	first = space_open();
	second = space_open();
	expect_is(setresuid(0, 0, 0), 0);
	expect_is(setresuid(1002, 1002, 0), 0);
	other = space_open();
	expect_is(setresuid(0, 0, 0), 0);
	char *at = memory_huge(8 * MiB, SEED);

	limit(first, HMMDEV_SCOPE_UID, 4 * MiB, SAME, SAME);
	expect_is(limit(second, HMMDEV_SCOPE_UID, SAME, SAME, SAME).dev_bytes, 4 * MiB);
	move_all(first, at, 2 * MiB, dev);
	move_all(second, at + 2 * MiB, 2 * MiB, dev);
	expect_is(migrate(second, at + 4 * MiB, 2 * MiB, dev, 0, NULL), -EDQUOT);
	move_all(other, at + 4 * MiB, 4 * MiB, dev);
	expect_words(at, 8 * MiB, SEED);
}

static void pinned(void)
{
	int fd = space_open();
	char *at = memory_huge(4 * MiB, SEED);
	uint32_t id, more;

	limit(fd, HMMDEV_SCOPE_FD, SAME, 2 * MiB, SAME);
	expect_is(pin(fd, at, 2 * MiB, HMMDEV_PIN_WRITE, &id), 0);
	expect_is(pin(fd, at + 2 * MiB, PAGE, HMMDEV_PIN_WRITE, &more), -EDQUOT);
	expect_is(stats(fd).pin_bytes, 2 * MiB);
	expect_is(unpin(fd, id), 0);
	expect_is(unpin(fd, id), -ENOENT);
	expect_is(stats(fd).pin_bytes, 0);
	expect_is(pin(fd, at + 2 * MiB, PAGE, HMMDEV_PIN_WRITE, &more), 0);
}

static void ranges(void)
{
	int fd = space_open();
	struct hmmdev_range r = { .addr = 1ULL << 32, .len = PAGE };
	uint32_t first, last;

	limit(fd, HMMDEV_SCOPE_FD, SAME, SAME, 3);
	for (int i = 0; i < 3; i++, r.addr += PAGE) {
		expect_is(call(fd, HMMDEV_RANGE_ADD, &r), 0);
		first = i ? first : r.id;
		last = r.id;
	}
	expect_is(call(fd, HMMDEV_RANGE_ADD, &r), -EDQUOT);
	expect_is(call(fd, HMMDEV_RANGE_DEL, &(struct hmmdev_range){ .id = first }), 0);
	expect_is(call(fd, HMMDEV_RANGE_DEL, &(struct hmmdev_range){ .id = first }), -ENOENT);
	r.addr -= PAGE;
	expect_is(call(fd, HMMDEV_RANGE_ADD, &r), -EEXIST);
	expect_is(r.id, last);
	r.addr += PAGE;
	expect_is(call(fd, HMMDEV_RANGE_ADD, &r), 0);
}

/* Whoever holds the descriptor may lower; raising is for CAP_SYS_RESOURCE, and then it counts. */
static void raised(void)
{
	int fd = space_open();
	struct hmmdev_limit l = { .scope = HMMDEV_SCOPE_FD, .dev_bytes = 4 * MiB, .pin_bytes = SAME, .ranges = SAME };

	limit(fd, HMMDEV_SCOPE_FD, 2 * MiB, SAME, SAME);
	end_child(in_child({
		expect_is(setuid(65534), 0);
		expect_is(call(fd, HMMDEV_LIMIT, &l), -EPERM);
		l.dev_bytes = MiB;
		expect_is(call(fd, HMMDEV_LIMIT, &l), 0);
	}));
	expect_is(limit(fd, HMMDEV_SCOPE_FD, SAME, SAME, SAME).dev_bytes, MiB);
	limit(fd, HMMDEV_SCOPE_FD, 8 * MiB, SAME, SAME);
	expect_is(limit(fd, HMMDEV_SCOPE_FD, SAME, SAME, SAME).dev_bytes, 8 * MiB);
}

/* What this process does now it does as that user. */
static void become(uid_t uid)
{
	expect_is(setresuid(0, 0, 0), 0);
	expect_is(setresuid(uid, uid, 0), 0);
}

static int open_as(uid_t uid)
{
	int fd;

	become(uid);
	fd = space_open();
	become(0);
	return fd;
}

static uint64_t all_devices(int fd)
{
	uint64_t bytes = 0;

	for (uint32_t dev = 0; dev < HMMDEV_MAX_DEVICES; dev++) {
		struct hmmdev_dev_info info = { .dev = dev };

		if (!call(fd, HMMDEV_DEV_INFO, &info))
			bytes += info.bytes;
	}
	return bytes;
}

/* A user whom nobody has set a limit may hold a share, which follows the devices; root has none. */
static void by_default(void)
{
	int root = space_open(), fd = open_as(1011);

	expect_is(limit(root, HMMDEV_SCOPE_UID, SAME, SAME, SAME).dev_bytes, SAME);
	expect_is(limit(fd, HMMDEV_SCOPE_UID, SAME, SAME, SAME).dev_bytes, all_devices(fd) / 2);
	device_private(32 * MiB);
	expect_is(limit(fd, HMMDEV_SCOPE_UID, SAME, SAME, SAME).dev_bytes, all_devices(fd) / 2);
	expect(limit(fd, HMMDEV_SCOPE_UID, SAME, SAME, SAME).pin_bytes < (uint64_t)sysconf(_SC_PHYS_PAGES) * PAGE);
}

/* A user's limits outlive its descriptors, may be set before it has one, and are not its own to set. */
static void lasting(void)
{
	struct hmmdev_limit l = { .scope = HMMDEV_SCOPE_NAMED, .uid = 1013, .dev_bytes = 2 * MiB,
				  .pin_bytes = SAME, .ranges = SAME };
	uint32_t dev = device_private(8 * MiB);
	int fd = open_as(1012);
	char *at = memory_huge(4 * MiB, SEED);

	limit(fd, HMMDEV_SCOPE_UID, 4 * MiB, 2 * MiB, SAME);
	close(fd);
	fd = open_as(1012);
	expect_is(limit(fd, HMMDEV_SCOPE_UID, SAME, SAME, SAME).dev_bytes, 4 * MiB);
	expect_is(limit(fd, HMMDEV_SCOPE_UID, HMMDEV_LIMIT_DEFAULT, SAME, SAME).dev_bytes, all_devices(fd) / 2);
	expect_is(limit(fd, HMMDEV_SCOPE_UID, SAME, SAME, SAME).pin_bytes, 2 * MiB);
	expect_is(call(fd, HMMDEV_LIMIT, &l), 0);
	fd = open_as(1013);
	become(1013);
	expect_is(migrate(fd, at, 4 * MiB, dev, 0, NULL), -EDQUOT);
	expect_is(stats(fd).dev_bytes, 2 * MiB);
	expect_is(call(fd, HMMDEV_LIMIT, &l), -EPERM);
	l = (struct hmmdev_limit){ .scope = HMMDEV_SCOPE_UID, .dev_bytes = MiB, .pin_bytes = SAME, .ranges = SAME };
	expect_is(call(fd, HMMDEV_LIMIT, &l), -EPERM);
	expect_is(l.dev_bytes, 2 * MiB);
	become(0);
	expect_words(at, 4 * MiB, SEED);
}

/* kB that the kernel has taken for small things and cannot just drop. */
static long kernel_memory(void)
{
	static char text[4096];
	const char *line;
	long kb = 0;

	setting_get("/proc/meminfo", text, sizeof(text));
	line = strstr(text, "SUnreclaim:");
	expect(line && sscanf(line, "SUnreclaim: %ld", &kb) == 1);
	return kb;
}

static void limit_all(int fd, uint64_t pin_bytes)
{
	for (uint32_t i = 0; i < USERS; i++) {
		struct hmmdev_limit l = { .scope = HMMDEV_SCOPE_NAMED, .uid = 100000 + i, .dev_bytes = SAME,
					  .pin_bytes = pin_bytes, .ranges = SAME };

		expect_is(call(fd, HMMDEV_LIMIT, &l), 0);
	}
}

/* The module remembers whom a limit was set for, and nobody who was asked about or set free again. */
static void remembered(void)
{
	int fd = space_open();
	long before = kernel_memory(), asked, set;

	limit_all(fd, SAME);
	asked = kernel_memory() - before;
	limit_all(fd, MiB);
	set = kernel_memory() - before;
	printf("# %ld kB after asking, %ld kB with limits\n", asked, set);
	expect(set > 0 && asked < set / 2);
	limit_all(fd, HMMDEV_LIMIT_DEFAULT);
	expect(soon(kernel_memory() - before < set / 2));
}

static int push(int fd, uint32_t dev, const char *at, size_t bytes)
{
	struct hmmdev_migrate m = { .flags = HMMDEV_MIGRATE_EVICT_OK, .addr = (uintptr_t)at, .len = bytes,
				    .dst_kind = HMMDEV_DST_DEV, .dst = dev, .timeslice_us = 1 };

	return call(fd, HMMDEV_MIGRATE, &m);
}

/* Room is made of one's own pages, whatever their time; of others' by who is above limits. */
static void room(void)
{
	uint32_t dev = device_private(8 * MiB);
	int root = space_open(), owner = open_as(1014), other = open_as(1015);
	char *at = memory_huge(16 * MiB, SEED);

	become(1014);
	expect_is(push(owner, dev, at, 8 * MiB), 0);
	become(1015);
	for (int i = 0; i < 20; i++) {
		expect_is(push(other, dev, at + 8 * MiB, 4 * MiB), -ENOSPC);
		usleep(1000);
	}
	expect_is(snap_count(owner, dev, at, 8 * MiB, HMMDEV_WHERE_LOCAL), 8 * MiB / PAGE);
	become(1014);
	expect(soon(!push(owner, dev, at + 8 * MiB, 2 * MiB)));
	expect_is(snap_count(owner, dev, at, 8 * MiB, HMMDEV_WHERE_LOCAL), 6 * MiB / PAGE);
	become(0);
	expect(soon(!push(root, dev, at + 12 * MiB, 4 * MiB)));
	expect_words(at, 16 * MiB, SEED);
}

static _Atomic bool over;

/* Never lets go of the lock of its address space for long. */
static void *map_and_unmap(void *arg)
{
	while (!atomic_load(&over))
		munmap(mmap(NULL, MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MiB);
	return arg;
}

/* Each of two huge pages in turn takes the only block from the other. */
static void push_in_turn(int go, int fd, uint32_t dev, const char *at)
{
	char byte;

	expect_is(read(go, &byte, 1), 1);
	for (int i = 0; i < TIMES; i++)
		expect(push(fd, dev, at + i % 2 * HUGE, HUGE) != -ENOSPC);
}

/*
 * Who has a copy of a program's descriptor finds room among that program's own pages, however busy it is
 * with its mappings. Forked before there are pages: those are the program's alone.
 */
static void room_for_another(void)
{
	uint32_t dev = device_private(HUGE);
	int fd = space_open(), go[2], child;
	char *at = memory_map(2 * HUGE, MADV_HUGEPAGE);
	pthread_t threads[MAPPERS];

	expect_is(pipe(go), 0);
	child = in_child(push_in_turn(go[0], fd, dev, at));
	words_fill(at, 2 * HUGE, SEED);
	for (int i = 0; i < MAPPERS; i++)
		expect_is(pthread_create(&threads[i], NULL, map_and_unmap, NULL), 0);
	expect_is(write(go[1], "", 1), 1);
	end_child(child);
	atomic_store(&over, true);
	for (int i = 0; i < MAPPERS; i++)
		pthread_join(threads[i], NULL);
	expect(stats(fd).moved_in > HUGE / PAGE);
	expect_words(at, 2 * HUGE, SEED);
}

TESTS(TEST(device_memory), TEST(lowered), TEST(of_user), TEST(pinned), TEST(ranges), TEST(raised), TEST(by_default),
      TEST(lasting), TEST(remembered), TEST(room), TEST(room_for_another))
