// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sleep of the system and resets of a function, which take a device's memory away: all pages leave
 * before, or there is no sleep. The kernel's own test of sleep goes as far as programs, or devices, and
 * wakes up again.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/driver/other.h"
#include "tests/driver/setting.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { SEED = 151, ROUNDS = 20 };
#define POWER "/sys/power/"

/* The choice that the file has in brackets. */
static void get_choice(const char *path, char *choice, size_t bytes)
{
	char text[128], *open, *end;

	setting_get(path, text, sizeof(text));
	open = strchr(text, '[');
	end = open ? strchr(open, ']') : NULL;
	snprintf(choice, bytes, "%.*s", end ? (int)(end - open - 1) : 0, end ? open + 1 : "");
}

/* What was chosen before is again afterwards. */
static int fall_asleep(const char *state, const char *depth)
{
	char states[64], test[32], how[32];
	int r;

	setting_get(POWER "state", states, sizeof(states));
	get_choice(POWER "pm_test", test, sizeof(test));
	get_choice(POWER "mem_sleep", how, sizeof(how));
	if (!strstr(states, state) || setting_put(POWER "pm_test", depth))
		tap_skip("this kernel cannot try out sleep");
	if (!strcmp(state, "mem"))
		setting_put(POWER "mem_sleep", "s2idle");
	r = setting_put(POWER "state", state);
	setting_put(POWER "mem_sleep", how);
	expect_is(setting_put(POWER "pm_test", test), 0);
	return r;
}

/* What was there has come home and may go again. */
static void sleeps(uint32_t dev, const char *state, const char *depth)
{
	struct other o = other_start(4 * MiB, SEED);
	int fd = space_open();
	char *small = memory_small(MiB, SEED + 1);

	move_all(o.fd, o.at, 4 * MiB, dev);
	move_all(fd, small, MiB, dev);
	expect_is(fall_asleep(state, depth), 0);
	expect_is(device_info(dev).used, 0);
	expect_is(device_info(dev).state, HMMDEV_STATE_ONLINE);
	expect_is(snap_count(fd, dev, small, MiB, HMMDEV_WHERE_LOCAL), 0);
	move_all(o.fd, o.at, 4 * MiB, dev);
	other_check(&o);
	expect_words(small, MiB, SEED + 1);
	other_exit(&o);
}

static void suspended(void)
{
	sleeps(device_private(8 * MiB), "mem", "freezer");
}

static void suspended_with_function(void)
{
	sleeps(pci_device(), "mem", "devices");
}

static void hibernated(void)
{
	sleeps(device_private(8 * MiB), "disk", "freezer");
}

/* An administrator's drain outlasts a sleep. */
static void drained_before(void)
{
	uint32_t dev = device_private(8 * MiB);

	expect(device_drain(dev));
	expect_is(fall_asleep("mem", "freezer"), 0);
	expect_is(device_info(dev).state, HMMDEV_STATE_OFFLINE);
}

/* A page that a pipe holds does not leave: no sleep, what was emptied before is back, and later there is. */
static void refused(void)
{
	uint32_t other = device_private(8 * MiB), dev = device_coherent(8 * MiB);
	char *at = memory_small(MiB, SEED), *away = memory_huge(HUGE, SEED), byte;
	struct iovec page = { .iov_base = at, .iov_len = PAGE };
	int fd = space_open(), ends[2];

	move_all(fd, at, MiB, dev);
	move_all(fd, away, HUGE, other);
	expect_is(pipe(ends), 0);
	expect_is(vmsplice(ends[1], &page, 1, 0), PAGE);
	expect(dev > other);
	expect_is(fall_asleep("mem", "freezer"), -EBUSY);
	expect_is(device_info(other).used, 0);
	expect(device_info(dev).used > 0);
	expect_is(device_info(dev).state, HMMDEV_STATE_ONLINE);
	expect_is(device_info(other).state, HMMDEV_STATE_ONLINE);
	expect_words(at, MiB, SEED);
	expect_is(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
	expect_is(fall_asleep("mem", "freezer"), 0);
	expect_is(device_info(dev).used, 0);
	expect_words(at, MiB, SEED);
	expect_words(away, HUGE, SEED);
}

static atomic_bool over;
static atomic_uint arrivals;

/* Sends its memory there again and again, and looks at every word of it in between. */
static void *work(void *arg)
{
	uint32_t dev = *(uint32_t *)arg;
	char *at = memory_huge(HUGE, SEED);
	int fd = space_open();

	while (!atomic_load(&over)) {
		int r = migrate(fd, at, HUGE, dev, 0, NULL);

		expect(!r || r == -ENODEV || r == -ENOENT || r == -EAGAIN);
		expect_words(at, HUGE, SEED);
		if (!r)
			atomic_fetch_add(&arrivals, 1);
	}
	close(fd);
	return arg;
}

/* A reset wipes nothing that anybody has: it is at home by then. */
static void reset_at_work(void)
{
	struct other o = other_start(4 * MiB, SEED + 2);
	uint32_t dev = pci_device();
	pthread_t thread;

	expect_is(pthread_create(&thread, NULL, work, &dev), 0);
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t before = atomic_load(&arrivals);

		move_all(o.fd, o.at, 4 * MiB, dev);
		expect(soon(atomic_load(&arrivals) > before));
		pci_reset(pci_function());
		expect_is(device_info(dev).state, HMMDEV_STATE_ONLINE);
		expect(device_info(dev).used <= HUGE);
		other_check(&o);
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	other_exit(&o);
}

TESTS(TEST(suspended), TEST(suspended_with_function), TEST(hibernated), TEST(drained_before), TEST(refused),
      TEST(reset_at_work))
