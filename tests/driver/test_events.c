// SPDX-License-Identifier: GPL-2.0-or-later
/* The event ring: what is reported, in which order, with which cookie, and what a lost event leaves. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/driver/other.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { SEED = 5, COOKIE = 0x1234 };

static uint32_t add_range(int fd, const void *at, size_t bytes, uint32_t flags, uint64_t cookie)
{
	struct hmmdev_range r = { .flags = flags, .addr = (uintptr_t)at, .len = bytes, .cookie = cookie };

	expect_is(call(fd, HMMDEV_RANGE_ADD, &r), 0);
	return r.id;
}

/* All there are, up to n; each must be whole and later than the one before it. */
static size_t read_events(int fd, struct hmmdev_event *e, size_t n)
{
	size_t count = 0;

	expect_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (count < n) {
		ssize_t r = read(fd, e + count, (n - count) * sizeof(*e));

		if (r < 0)
			expect_is(errno, EAGAIN);
		if (r <= 0)	/* 0: the process has ended, there will be none */
			break;
		expect_is(r % sizeof(*e), 0);
		count += (size_t)r / sizeof(*e);
	}
	for (size_t i = 0; i < count; i++) {
		expect_is(e[i].len, sizeof(*e));
		expect_is(e[i].reserved, 0);
		expect(!i || (e[i].seq > e[i - 1].seq && e[i].ts_ns >= e[i - 1].ts_ns));
	}
	return count;
}

/* The first event of a type at or after *at, or a failed expectation. */
static const struct hmmdev_event *next_of(const struct hmmdev_event *e, size_t n, uint16_t type, size_t *at)
{
	for (; *at < n; ++*at)
		if (e[*at].type == type)
			return &e[(*at)++];
	tap_fail(__FILE__, __LINE__, "no event of type %u", type);
}

static void faults_in_order(void)
{
	static struct hmmdev_event e[256];
	uint32_t dev = device_private(16 * MiB);
	int fd = space_open();
	char *at = memory_huge(6 * MiB, SEED);
	size_t n, seen = 0;

	add_range(fd, at, 4 * MiB, HMMDEV_RANGE_FAULT_EVENTS, COOKIE);	/* not the last 2 MiB */
	move_all(fd, at, 6 * MiB, dev);
	n = read_events(fd, e, 256);
	for (int i = 2; i >= 0; i--)
		*(volatile char *)(at + i * HUGE + 5 * PAGE);
	n = read_events(fd, e, 256);
	for (int i = 1; i >= 0; i--) {
		const struct hmmdev_event *f = next_of(e, n, HMMDEV_EVENT_CPU_FAULT, &seen);

		expect_is(f->addr & ~(HUGE - 1), (uintptr_t)at + i * HUGE);
		expect_is(f->cookie, COOKIE);
		expect_is(f->dev, dev);
		expect(f->order == 0 || f->order == 9);
	}
	while (seen < n)
		expect(e[seen++].type != HMMDEV_EVENT_CPU_FAULT);
	expect_words(at, 6 * MiB, SEED);
}

static void mapping_changes(void)
{
	static struct hmmdev_event e[64];
	int fd = space_open();
	char *at = memory_small(MiB, SEED);
	const struct hmmdev_event *f;
	size_t n, seen = 0;

	add_range(fd, at, MiB, 0, COOKIE);
	read_events(fd, e, 64);
	expect_is(munmap(at + 16 * PAGE, 4 * PAGE), 0);
	expect_is(munmap(at + 20 * PAGE, 4 * PAGE), 0);	/* joins the one before */
	n = read_events(fd, e, 64);
	f = next_of(e, n, HMMDEV_EVENT_INVALIDATE, &seen);
	expect(f->addr <= (uintptr_t)at + 16 * PAGE);
	expect(f->addr + f->size >= (uintptr_t)at + 20 * PAGE);
	expect_is(f->cookie, COOKIE);
	f = &e[n - 1];
	expect(f->addr + f->size >= (uintptr_t)at + 24 * PAGE);
	expect(stats(fd).invalidations >= 2);
}

static void reading(void)
{
	struct hmmdev_event e[64];
	int fd = space_open();
	char *at = memory_small(MiB, SEED);
	char *gone = memory_small(PAGE, SEED);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	add_range(fd, at, MiB, 0, COOKIE);	/* of other memory nothing is said */
	read_events(fd, e, 64);
	expect_is(poll(&p, 1, 0), 0);
	expect_is(read(fd, e, sizeof(*e) - 1) < 0 ? errno : 0, EINVAL);
	expect_is(read(fd, e, sizeof(*e)) < 0 ? errno : 0, EAGAIN);
	expect_is(munmap(at, PAGE), 0);
	expect_is(munmap(at + 8 * PAGE, PAGE), 0);
	expect_is(poll(&p, 1, 0), 1);
	expect_is(p.revents & POLLIN, POLLIN);
	expect_is(read(fd, e, sizeof(*e) + 3), sizeof(*e));
	expect_is(munmap(gone, PAGE), 0);
	expect_is(read(fd, gone, sizeof(*e)) < 0 ? errno : 0, EFAULT);
}

/* A reader that waits is woken. */
static void blocking(void)
{
	int fd = space_open();
	char *at = memory_small(MiB, SEED);
	struct hmmdev_event e[64];
	int ready[2], child;
	char byte;

	add_range(fd, at, MiB, 0, COOKIE);
	read_events(fd, e, 64);
	expect_is(fcntl(fd, F_SETFL, 0), 0);
	expect_is(pipe(ready), 0);
	child = in_child({
		expect_is(write(ready[1], "r", 1), 1);
		expect(read(fd, e, sizeof(e)) >= (ssize_t)sizeof(*e));
	});
	expect_is(read(ready[0], &byte, 1), 1);
	expect_is(munmap(at, PAGE), 0);
	end_child(child);
}

/* Flags belong to everybody who has the descriptor; a reader who must not wait says so himself. */
static void not_waiting(void)
{
	struct hmmdev_event e;
	struct iovec v = { &e, sizeof(e) };
	int fd = space_open();

	read_events(fd, &e, 1);
	expect_is(fcntl(fd, F_SETFL, 0), 0);
	expect_is(preadv2(fd, &v, 1, -1, RWF_NOWAIT), -1);
	expect_is(errno, EAGAIN);
}

/* seq counts lost events too, so what OVERFLOW says must fill the gap exactly. */
static void overflow(void)
{
	static struct hmmdev_event e[2 * HMMDEV_MAX_EVENTS];
	enum { CHANGES = 2 * HMMDEV_MAX_EVENTS + 100 };
	int fd = space_open();
	char *at = memory_map(4 * CHANGES * PAGE, MADV_NOHUGEPAGE);
	uint64_t lost = 0, before;
	size_t n;

	add_range(fd, at, 4 * CHANGES * PAGE, 0, COOKIE);
	read_events(fd, e, 2 * HMMDEV_MAX_EVENTS);
	before = stats(fd).events_lost;
	for (size_t i = 0; i < CHANGES; i++) {	/* apart, so that none joins another */
		at[4 * i * PAGE] = 1;
		expect_is(madvise(at + 4 * i * PAGE, PAGE, MADV_DONTNEED), 0);
	}
	n = read_events(fd, e, 2 * HMMDEV_MAX_EVENTS);
	expect(n <= HMMDEV_MAX_EVENTS + 1);
	for (size_t i = 0; i < n; i++)
		if (e[i].type == HMMDEV_EVENT_OVERFLOW)
			lost += e[i].arg;
	expect(lost > 0);
	expect_is(stats(fd).events_lost - before, lost);
	for (size_t i = 1; i < n; i++)
		if (e[i].type != HMMDEV_EVENT_OVERFLOW && e[i - 1].type != HMMDEV_EVENT_OVERFLOW)
			expect_is(e[i].seq, e[i - 1].seq + 1);
	expect_is(munmap(at, PAGE), 0);	/* it goes on after the loss */
	expect(read_events(fd, e, 4) > 0);
}

static void device_states(void)
{
	static struct hmmdev_event e[64];
	uint32_t dev = device_private(4 * MiB);
	const uint32_t states[] = { HMMDEV_STATE_DRAINING, HMMDEV_STATE_OFFLINE, HMMDEV_STATE_ONLINE };
	int fd = space_open();
	size_t n, seen = 0;

	read_events(fd, e, 64);
	expect(device_drain(dev));
	expect_is(device_ctl(dev, HMMDEV_OP_ONLINE, NULL), 0);
	n = read_events(fd, e, 64);
	for (size_t i = 0; i < 3; i++) {
		const struct hmmdev_event *f = next_of(e, n, HMMDEV_EVENT_DEV_STATE, &seen);

		expect_is(f->dev, dev);
		expect_is(f->arg, states[i]);
	}
}

/* Whoever holds a copy learns of the end, last of all, and can do nothing more. */
static void end_of_process(void)
{
	static struct hmmdev_event e[256];
	uint32_t dev = device_private(4 * MiB);
	struct other o = other_start(HUGE, SEED);
	size_t n;

	move_all(o.fd, o.at, HUGE, dev);
	other_kill(&o);
	expect(soon((n = read_events(o.fd, e, 256)) && e[n - 1].type == HMMDEV_EVENT_MM_EXIT));
	expect_is(read_events(o.fd, e, 256), 0);
	expect_is(migrate(o.fd, o.at, HUGE, dev, 0, NULL), -ESRCH);
	expect(soon(!device_info(dev).used));
}

TESTS(TEST(faults_in_order), TEST(mapping_changes), TEST(reading), TEST(blocking), TEST(not_waiting),
      TEST(overflow), TEST(device_states), TEST(end_of_process))
