// SPDX-License-Identifier: GPL-2.0-or-later
/* Pins: one entry and one reference for a folio, what they hold back, who pays, and when they end. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/driver/other.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

enum { SEED = 91 };

static void heads(void)
{
	struct hmmdev_pin_ent e[4];
	int fd = space_open();
	char *at = memory_huge(4 * MiB, SEED);
	struct hmmdev_pin p = { .flags = HMMDEV_PIN_WRITE, .addr = (uintptr_t)at + MiB, .len = 2 * MiB,
				.vec = (uintptr_t)e, .vec_n = 4 };

	expect_is(call(fd, HMMDEV_PIN, &p), 0);
	expect_is(p.npages, 2 * MiB / PAGE);
	expect_is(p.out_n, 2);
	for (uint32_t i = 0; i < 2; i++) {
		expect_is(e[i].addr, (uintptr_t)at + (i + 1) * MiB);
		expect_is(e[i].ntails, MiB / PAGE - 1);
		expect_is(e[i].order, 9);
	}
	expect_is(stats(fd).pin_bytes, 2 * MiB);
	expect_is(unpin(fd, p.id), 0);
	p = (struct hmmdev_pin){ .flags = HMMDEV_PIN_HEADS_ONLY, .addr = (uintptr_t)at, .len = 4 * MiB,
				 .vec = (uintptr_t)e, .vec_n = 2 };
	expect_is(call(fd, HMMDEV_PIN, &p), 0);
	expect_is(p.npages, 4 * MiB / PAGE);
	expect_is(e[1].addr, (uintptr_t)at + 2 * MiB);
	expect_is(e[1].ntails, HUGE / PAGE - 1);
	expect_is(unpin(fd, p.id), 0);
}

/* More folios than the vector holds: nothing stays pinned. */
static void vector_too_small(void)
{
	struct hmmdev_pin_ent e[4];
	int fd = space_open();
	char *at = memory_small(16 * PAGE, SEED);
	struct hmmdev_pin p = { .addr = (uintptr_t)at, .len = 16 * PAGE, .vec = (uintptr_t)e, .vec_n = 4 };
	uint32_t dev = device_private(4 * MiB);

	expect_is(call(fd, HMMDEV_PIN, &p), -EOVERFLOW);
	expect_is(stats(fd).pin_bytes, 0);
	p = (struct hmmdev_pin){ .flags = HMMDEV_PIN_HEADS_ONLY, .addr = (uintptr_t)at, .len = 16 * PAGE };
	expect_is(call(fd, HMMDEV_PIN, &p), -EOVERFLOW);
	expect_is(stats(fd).pin_bytes, 0);
	move_all(fd, at, 16 * PAGE, dev);	/* which a pin would forbid */
	expect_words(at, 16 * PAGE, SEED);
}

static void holds_back(void)
{
	uint32_t dev = device_private(8 * MiB), id;
	int fd = space_open();
	char *at = memory_huge(4 * MiB, SEED);
	struct hmmdev_migrate m;

	expect_is(pin(fd, at, 2 * MiB, HMMDEV_PIN_WRITE | HMMDEV_PIN_LONGTERM, &id), 0);
	migrate(fd, at, 4 * MiB, dev, 0, &m);
	expect_is(m.moved, 2 * MiB / PAGE);
	expect_is(m.skip_pinned, 2 * MiB / PAGE);
	expect_is(snap_count(fd, dev, at, 2 * MiB, HMMDEV_WHERE_SYS), 2 * MiB / PAGE);
	expect_is(unpin(fd, id), 0);
	move_all(fd, at, 4 * MiB, dev);
	expect_words(at, 4 * MiB, SEED);
}

/* What is on a device comes back first: huge, small, and coherent for long. */
static void brings_back(void)
{
	uint32_t dev = device_private(8 * MiB), id;
	int fd = space_open();
	char *at = memory_huge(4 * MiB, SEED);

	move_all(fd, at, 4 * MiB, dev);
	expect_is(pin(fd, at + MiB, 2 * MiB, HMMDEV_PIN_WRITE, &id), 0);
	expect_is(snap_count(fd, dev, at + MiB, 2 * MiB, HMMDEV_WHERE_SYS), 2 * MiB / PAGE);
	expect_words(at, 4 * MiB, SEED);
	expect_is(unpin(fd, id), 0);
	dev = device_coherent(8 * MiB);
	move_all(fd, at, 4 * MiB, dev);
	expect_is(pin(fd, at, 4 * MiB, HMMDEV_PIN_WRITE | HMMDEV_PIN_LONGTERM, &id), 0);
	expect_is(snap_count(fd, dev, at, 4 * MiB, HMMDEV_WHERE_SYS), 4 * MiB / PAGE);
	expect_words(at, 4 * MiB, SEED);
}

static uint64_t pfn_of(const char *at)
{
	uint64_t entry, index = (uintptr_t)at / PAGE;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	expect_is(pread(fd, &entry, sizeof(entry), (off_t)(index * sizeof(entry))), sizeof(entry));
	close(fd);
	return entry & ((1ULL << 55) - 1);
}

/* The pages stay the process's own over a fork, whoever writes first: a device goes on with them. */
static void stay_own(char *at, size_t bytes, uint32_t flags)
{
	int fd = space_open();
	uint64_t first, last;
	uint32_t id;

	expect_is(pin(fd, at, bytes, HMMDEV_PIN_WRITE | HMMDEV_PIN_LONGTERM | flags, &id), 0);
	first = pfn_of(at);
	last = pfn_of(at + bytes - PAGE);
	expect(first && last);
	end_child(in_child({
		expect_words(at, bytes, SEED);
		words_fill(at, bytes, SEED + 1);
	}));
	expect_words(at, bytes, SEED);
	words_fill(at, bytes, SEED + 2);
	expect_is(pfn_of(at), first);
	expect_is(pfn_of(at + bytes - PAGE), last);
	expect_is(unpin(fd, id), 0);
	expect_words(at, bytes, SEED + 2);
}

static void with_fork(void)
{
	stay_own(memory_small(MiB, SEED), MiB, 0);
	stay_own(memory_huge(HUGE, SEED), HUGE, HMMDEV_PIN_HEADS_ONLY);
}

/* One page of a huge one was given up and is another now: three folios, whatever the order says. */
static void huge_in_part(void)
{
	struct hmmdev_pin_ent e[4];
	int fd = space_open();
	char *at = memory_huge(HUGE, SEED);
	struct hmmdev_pin p = { .flags = HMMDEV_PIN_WRITE, .addr = (uintptr_t)at, .len = HUGE,
				.vec = (uintptr_t)e, .vec_n = 4 };

	/* Pinned once it lies where it may be; a huge page in part could only leave in small ones. */
	expect_is(call(fd, HMMDEV_PIN, &p), 0);
	expect_is(unpin(fd, p.id), 0);
	expect_is(madvise(at + 16 * PAGE, PAGE, MADV_DONTNEED), 0);
	at[16 * PAGE] = 1;
	expect_is(call(fd, HMMDEV_PIN, &p), 0);
	expect_is(p.npages, HUGE / PAGE);
	expect_is(p.out_n, 3);
	expect_is(e[0].ntails, 15);
	expect_is(e[1].ntails, 0);
	expect_is(e[1].order, 0);
	expect_is(e[2].addr, (uintptr_t)at + 17 * PAGE);
	expect_is(e[2].ntails, HUGE / PAGE - 18);
	expect_is(unpin(fd, p.id), 0);
}

static unsigned long locked_kb(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	unsigned long kb = 0;
	char line[256];

	expect(status != NULL);
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "VmLck: %lu", &kb) == 1)
			break;
	fclose(status);
	return kb;
}

static void pays(void)
{
	struct rlimit limit = { MiB, MiB };
	uint32_t id, more;
	int fd = space_open();
	char *at = memory_huge(4 * MiB, SEED);

	expect_is(pin(fd, at, 4 * MiB, 0, &id), 0);
	expect_is(unpin(fd, id), 0);
	expect_is(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	expect_is(setuid(65534), 0);
	expect_is(pin(fd, at, 4 * MiB, 0, &id), -ENOMEM);
	expect_is(stats(fd).pin_bytes, 0);
	expect_is(locked_kb(), 0);
	expect_is(pin(fd, at, MiB, 0, &id), 0);
	expect_is(pin(fd, at + MiB, PAGE, 0, &more), -ENOMEM);
	expect_is(unpin(fd, id), 0);
	expect_is(pin(fd, at + MiB, PAGE, 0, &more), 0);
}

/* Close ends them; so does the end of the process, though another holds the descriptor. */
static void end_with_descriptor(void)
{
	uint32_t dev = device_private(8 * MiB), id;
	int fd = space_open(), again = space_open();
	char *at = memory_huge(HUGE, SEED);
	struct other o;

	expect_is(pin(fd, at, HUGE, HMMDEV_PIN_WRITE | HMMDEV_PIN_LONGTERM, &id), 0);
	close(fd);
	move_all(again, at, HUGE, dev);
	expect_words(at, HUGE, SEED);
	o = other_start(HUGE, SEED);	/* not before: it inherits the descriptor */
	expect_is(pin(o.fd, o.at, HUGE, HMMDEV_PIN_WRITE, &id), 0);
	expect_is(stats(o.fd).pin_bytes, HUGE);
	other_check(&o);
	other_kill(&o);
	expect(soon(!stats(o.fd).pin_bytes));
	expect_is(unpin(o.fd, id), -ENOENT);
	expect_is(pin(o.fd, o.at, HUGE, 0, &id), -ESRCH);
}

static void refused(void)
{
	uint32_t id;
	int fd = space_open();
	char *at = memory_small(16 * PAGE, SEED);

	expect_is(mprotect(at, 16 * PAGE, PROT_READ), 0);
	expect(pin(fd, at, 16 * PAGE, HMMDEV_PIN_WRITE, &id) < 0);
	expect_is(munmap(at + 8 * PAGE, PAGE), 0);
	expect(pin(fd, at, 16 * PAGE, 0, &id) < 0);
	expect_is(stats(fd).pin_bytes, 0);
	expect_is(unpin(fd, 12345), -ENOENT);
}

static bool in_movable_zone(uint64_t pfn)
{
	FILE *zones = fopen("/proc/zoneinfo", "r");
	unsigned long long spanned = 0, start, node;
	bool movable = false, found = false;
	char line[256], name[32];

	expect(zones != NULL);
	while (fgets(line, sizeof(line), zones)) {
		if (sscanf(line, "Node %llu, zone %31s", &node, name) == 2)
			movable = !strcmp(name, "Movable");
		sscanf(line, " spanned %llu", &spanned);
		if (sscanf(line, " start_pfn: %llu", &start) == 1 && movable)
			found |= pfn >= start && pfn < start + spanned;
	}
	fclose(zones);
	return found;
}

static void leave_movable_zone(char *at, size_t bytes)
{
	int fd = space_open();
	uint32_t id;

	if (!in_movable_zone(pfn_of(at)))
		tap_skip("no page in a movable zone");
	expect_is(pin(fd, at, bytes, HMMDEV_PIN_WRITE, &id), 0);
	for (size_t i = 0; i < bytes; i += PAGE)
		expect(!in_movable_zone(pfn_of(at + i)));
	expect_words(at, bytes, SEED);
	expect_is(unpin(fd, id), 0);
}

/* Where memory has to stay movable no pin holds it, whatever its flags say: it leaves first. */
static void nowhere_movable(void)
{
	cpu_set_t last;

	/* Such a zone lies at the end of memory. */
	CPU_ZERO(&last);
	CPU_SET((size_t)sysconf(_SC_NPROCESSORS_ONLN) - 1, &last);
	expect_is(sched_setaffinity(0, sizeof(last), &last), 0);
	leave_movable_zone(memory_small(MiB, SEED), MiB);
	leave_movable_zone(memory_huge(HUGE, SEED), HUGE);
}

TESTS(TEST(heads), TEST(huge_in_part), TEST(vector_too_small), TEST(holds_back), TEST(brings_back), TEST(with_fork), TEST(pays),
      TEST(end_with_descriptor), TEST(refused), TEST(nowhere_movable))
