// SPDX-License-Identifier: GPL-2.0-or-later
/* A device that goes while its memory is in use: nobody loses a word, nobody gets new memory of it. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/driver/other.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

enum { SEED = 31, WORKERS = 3 };
#define EACH (2 * MiB)

static void states(void)
{
	uint32_t dev = device_private(4 * MiB);
	int fd = space_open();
	char *at = memory_huge(2 * MiB, SEED);

	expect_is(device_ctl(dev, HMMDEV_OP_REMOVE, NULL), -EBUSY);
	move_all(fd, at, 2 * MiB, dev);
	expect(device_drain(dev));
	expect_is(device_info(dev).state, HMMDEV_STATE_OFFLINE);
	expect_is(device_info(dev).used, 0);
	expect_is(snap_count(fd, dev, at, 2 * MiB, HMMDEV_WHERE_SYS), 2 * MiB / PAGE);
	expect_is(migrate(fd, at, 2 * MiB, dev, 0, NULL), -ENODEV);
	expect_is(device_ctl(dev, HMMDEV_OP_ONLINE, NULL), 0);
	move_all(fd, at, 2 * MiB, dev);
	expect_words(at, 2 * MiB, SEED);
	expect(device_drain(dev));
	expect_is(device_ctl(dev, HMMDEV_OP_REMOVE, NULL), 0);
	expect_is(device_ctl(dev, HMMDEV_OP_DRAIN, NULL), -ENODEV);
	expect_is(migrate(fd, at, 2 * MiB, dev, 0, NULL), -ENODEV);
}

/* As many as there may be, and again after they went. */
static void many_devices(void)
{
	struct hmmdev_dev_ctl one_more = { .op = HMMDEV_OP_CREATE, .bytes = HUGE, .nid = -1 };
	uint32_t first = device_private(HUGE);
	int fd = space_open();

	for (int i = 1; i < HMMDEV_MAX_DEVICES && device_private(HUGE) < HMMDEV_MAX_DEVICES - 1; i++)
		;
	expect_is(call(fd, HMMDEV_DEV_CTL, &one_more), -ENOSPC);
	expect(device_drain(first));
	expect_is(device_ctl(first, HMMDEV_OP_REMOVE, NULL), 0);
	expect_is(device_private(HUGE), first);
}

static atomic_bool over;
static uint32_t device;

/* Sends its memory there again and again, and looks at every word of it in between. */
static void *work(void *arg)
{
	uint64_t seed = SEED + (uintptr_t)arg;
	char *at = memory_huge(EACH, seed);
	int fd = space_open();

	while (!atomic_load(&over)) {
		int r = migrate(fd, at, EACH, device, 0, NULL);

		expect(!r || r == -ENODEV || r == -ENOENT || r == -EAGAIN || r == -ENOSPC);
		expect_words(at, EACH, seed);
	}
	close(fd);
	return NULL;
}

/* Drained and put online again under running threads, some of them of another process. */
static void while_in_use(void)
{
	uint64_t ends_ns = now_ns() + tap_seconds(20) * 1000000000ULL;
	pthread_t threads[WORKERS];
	int child, drains = 0;

	device = device_private(WORKERS * EACH);
	child = in_child({
		for (uintptr_t i = 0; i < WORKERS; i++)
			expect_is(pthread_create(&threads[i], NULL, work, (void *)i), 0);
		while (now_ns() < ends_ns)
			usleep(1000);
		atomic_store(&over, true);
		for (int i = 0; i < WORKERS; i++)
			pthread_join(threads[i], NULL);
	});
	for (; now_ns() < ends_ns; drains++) {
		expect(device_drain(device));
		expect_is(device_info(device).used, 0);
		expect_is(device_ctl(device, HMMDEV_OP_ONLINE, NULL), 0);
		usleep(20000);	/* lets memory come, so that there is something to drain */
	}
	end_child(child);
	printf("# %d drains\n", drains);
	expect(drains > 2);
}

/* Memory of a process whose descriptor is closed, and of one that has ended. */
static void orphans(void)
{
	uint32_t dev = device_private(16 * MiB);
	struct other closed = other_start(4 * MiB, SEED), killed = other_start(4 * MiB, SEED);

	move_all(closed.fd, closed.at, 4 * MiB, dev);
	move_all(killed.fd, killed.at, 4 * MiB, dev);
	other_close(&closed);
	close(closed.fd);
	other_kill(&killed);
	expect(device_drain(dev));
	other_check(&closed);
	other_exit(&closed);
	expect_is(device_ctl(dev, HMMDEV_OP_REMOVE, NULL), 0);
}

/* Has huge pages on the device, a child that shares them, and ends; no huge page can be had for them. */
static void die_before_the_child(uint32_t dev, int orders, int answers)
{
	int fd = space_open();
	char *at = memory_huge(EACH, SEED), order;

	move_all(fd, at, EACH, dev);
	inject(fd, HMMDEV_INJECT_SYSTEM_ALLOC, HMMDEV_INJECT_HUGE_ONLY, 1, 1000000);
	if (in_child({
		    expect_is(read(orders, &order, 1), 1);
		    expect_words(at, EACH, SEED);
		    expect_is(write(answers, "", 1), 1);
	    }))
		_exit(0);
}

/* Memory that only a child has any more, when the parent that put it there has ended. */
static void of_a_child(void)
{
	uint32_t dev = device_private(8 * MiB);
	int orders[2], answers[2];
	char answer;

	expect_is(pipe(orders) | pipe(answers), 0);
	end_child(in_child(die_before_the_child(dev, orders[0], answers[1])));
	close(answers[1]);
	expect_is(device_info(dev).used, EACH);
	expect(device_drain(dev));
	expect_is(write(orders[1], "", 1), 1);
	expect_is(read(answers[0], &answer, 1), 1);
	expect_is(device_ctl(dev, HMMDEV_OP_REMOVE, NULL), 0);
}

TESTS(TEST(states), TEST(many_devices), TEST(while_in_use), TEST(orphans), TEST(of_a_child))
