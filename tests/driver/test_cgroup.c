// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A memory limit of a control group: device memory stays charged to who put it there, a process at its
 * limit can bring its memory back, and one beyond it is ended without harm to others.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

enum { SEED = 111 };
#define ROOT "/sys/fs/cgroup"
#define GROUP ROOT "/hmm-test"

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

static unsigned long long get(const char *path)
{
	unsigned long long value = 0;
	FILE *f = fopen(path, "r");

	expect(f && fscanf(f, "%llu", &value) == 1);
	fclose(f);
	return value;
}

/* This process and its children in a group that may have so many bytes. */
static void enter(const char *bytes)
{
	char pid[32];

	if (!put(ROOT "/cgroup.subtree_control", "+memory"))
		tap_skip("no memory control group");
	mkdir(GROUP, 0755);
	expect(put(GROUP "/memory.max", bytes));
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	expect(put(GROUP "/cgroup.procs", pid));
}

static void stays_charged(void)
{
	uint32_t dev = device_private(32 * MiB);
	int fd = space_open();
	unsigned long long before;
	char *at;

	enter("64M");
	before = get(GROUP "/memory.current");
	at = memory_huge(16 * MiB, SEED);
	expect(get(GROUP "/memory.current") >= before + 15 * MiB);
	move_all(fd, at, 16 * MiB, dev);
	expect(get(GROUP "/memory.current") >= before + 15 * MiB);
	expect_words(at, 16 * MiB, SEED);
	expect(get(GROUP "/memory.current") >= before + 15 * MiB);
	expect(get(GROUP "/memory.current") <= before + 20 * MiB);
}

/* To and fro at the edge of the limit. */
static void at_the_limit(void)
{
	uint32_t dev = device_private(32 * MiB);
	int fd = space_open();
	char *at;

	enter("24M");
	at = memory_huge(20 * MiB, SEED);
	for (int i = 0; i < 5; i++) {
		struct hmmdev_migrate m;
		int r = migrate(fd, at, 20 * MiB, dev, 0, &m);

		expect(!r || r == -EAGAIN || r == -ENOMEM);
		expect(m.moved + m.already > 0);
		expect_words(at, 10 * MiB, SEED);
		r = evict(fd, at, 20 * MiB, &m);
		expect(!r || r == -EAGAIN || r == -ENOMEM || r == -ENOENT);
	}
	expect_words(at, 20 * MiB, SEED);
}

/* Populating on the device is no way around the limit: the process ends, its neighbour does not notice. */
static void beyond_the_limit(void)
{
	uint32_t dev = device_private(64 * MiB);
	int fd = space_open(), status, child;
	char *at = memory_huge(8 * MiB, SEED);

	move_all(fd, at, 8 * MiB, dev);
	child = fork();
	expect(child >= 0);
	if (!child) {
		struct hmmdev_migrate m;
		int own = space_open(), r;
		char *much;

		enter("16M");
		much = memory_map(48 * MiB, MADV_HUGEPAGE);
		r = migrate(own, much, 48 * MiB, dev, HMMDEV_MIGRATE_POPULATE, &m);
		if (r && r != -ENOMEM && r != -EAGAIN && r != -EINTR)
			_exit(2);
		_exit(m.moved * PAGE <= 16 * MiB ? 0 : 3);
	}
	expect_is(waitpid(child, &status, 0), child);
	expect(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
	expect_words(at, 8 * MiB, SEED);
	expect(soon(!device_info(dev).used));
}

/* To the device and back by a touch; how many of the pages are on the node then. */
static size_t comes_back(int fd, uint32_t dev, char *at, size_t bytes, uint32_t node)
{
	size_t there = 0;

	move_all(fd, at, bytes, dev);
	expect_words(at, bytes, SEED);
	for (size_t i = 0; i < bytes; i += PAGE)
		there += snap_page(fd, HMMDEV_DEV_NONE, at + i).unit == node;
	return there;
}

/* What comes back lies where the cpuset allows, also when huge pages of another node are kept ready. */
static void allowed_nodes(void)
{
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open();
	char *at = memory_huge(8 * MiB, SEED), pid[32];
	cpu_set_t first;

	if (!put(ROOT "/cgroup.subtree_control", "+cpuset") || access("/sys/devices/system/node/node1", F_OK))
		tap_skip("one node, or no cpuset control group");
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	expect_is(sched_setaffinity(0, sizeof(first), &first), 0);
	expect(soon(comes_back(fd, dev, at, 8 * MiB, 0) == 8 * MiB / PAGE));
	mkdir(GROUP "-nodes", 0755);
	expect(put(GROUP "-nodes/cpuset.mems", "1"));
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	expect(put(GROUP "-nodes/cgroup.procs", pid));
	for (int i = 0; i < 4; i++)
		expect_is(comes_back(fd, dev, at, 8 * MiB, 1), 8 * MiB / PAGE);
}

TESTS(TEST(stays_charged), TEST(at_the_limit), TEST(beyond_the_limit), TEST(allowed_nodes))
