// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device behind a PCI bus: memory that only the device has, reached through a BAR. Its function is
 * unbound, removed from the bus and pulled out of the machine under running programs.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/driver/module.h"
#include "tests/driver/other.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

enum { SEED = 131, MAPPERS = 8 };

static void moves(void)
{
	uint32_t dev = pci_device();
	int fd = space_open();
	char *huge = memory_huge(4 * MiB, SEED), *small = memory_small(MiB, SEED + 1);

	move_all(fd, huge, 4 * MiB, dev);
	move_all(fd, small, MiB, dev);
	expect_is(device_info(dev).used, 5 * MiB);
	expect_words(huge, 4 * MiB, SEED);
	expect_words(small, MiB, SEED + 1);
	expect_is(device_info(dev).used, 0);
}

/* All of it, twice with different words: no block lies over another. */
static void whole(void)
{
	uint32_t dev = pci_device();
	size_t bytes = device_info(dev).bytes;
	int fd = space_open();
	char *at = memory_huge(bytes, SEED);

	for (int i = 0; i < 2; i++) {
		words_fill(at, bytes, SEED + i);
		move_all(fd, at, bytes, dev);
		expect_is(device_info(dev).free, 0);
		expect_words(at, bytes, SEED + i);
	}
}

static void device_side(void)
{
	uint32_t dev = pci_device();
	int fd = space_open();
	char *at = memory_huge(HUGE, SEED), *buffer = memory_small(HUGE, SEED + 1);

	move_all(fd, at, HUGE, dev);
	expect_is(dev_write(fd, dev, at, buffer, HUGE), 0);
	expect_is(snap_count(fd, dev, at, HUGE, HMMDEV_WHERE_LOCAL), HUGE / PAGE);
	expect_words(at, HUGE, SEED + 1);
}

static void drained(void)
{
	uint32_t dev = pci_device();
	int fd = space_open();
	char *at = memory_huge(HUGE, SEED);

	move_all(fd, at, HUGE, dev);
	expect(device_drain(dev));
	expect_words(at, HUGE, SEED);
	expect_is(device_ctl(dev, HMMDEV_OP_ONLINE, NULL), 0);
}

static atomic_bool over;
static atomic_uint device, arrivals;

/* Sends its memory there again and again, and looks at every word of it in between. */
static void *work(void *arg)
{
	char *at = memory_huge(HUGE, SEED), *small = memory_small(MiB, SEED + 1);
	int fd = space_open();

	while (!atomic_load(&over)) {
		uint32_t dev = atomic_load(&device);
		int r = migrate(fd, at, HUGE, dev, 0, NULL), s = migrate(fd, small, MiB, dev, 0, NULL);

		expect(!r || r == -ENODEV || r == -ENOENT || r == -EAGAIN);
		expect(!s || s == -ENODEV || s == -ENOENT || s == -EAGAIN);
		expect_words(at, HUGE, SEED);
		expect_words(small, MiB, SEED + 1);
		if (!r && !s)
			atomic_fetch_add(&arrivals, 1);
	}
	close(fd);
	return arg;
}

/* Another process's memory and a restless thread's: all of it is there when the device is not. */
static void goes_and_comes(unsigned int (*leave)(const char *), void (*back)(const char *))
{
	uint64_t ends_ns = now_ns() + tap_seconds(10) * 1000000000ULL;
	struct other o = other_start(4 * MiB, SEED + 2);
	const char *function = pci_function();
	unsigned int slowest_ms = 0;
	pthread_t thread;
	int rounds = 0;

	atomic_store(&device, pci_device());
	expect_is(pthread_create(&thread, NULL, work, NULL), 0);
	for (; now_ns() < ends_ns || rounds < 3; rounds++) {
		uint32_t dev = atomic_load(&device), before = atomic_load(&arrivals);
		unsigned int ms;

		move_all(o.fd, o.at, 4 * MiB, dev);
		expect(soon(atomic_load(&arrivals) > before));
		ms = leave(function);
		slowest_ms = ms > slowest_ms ? ms : slowest_ms;
		expect(device_gone(dev));
		other_check(&o);
		expect_is(migrate(o.fd, o.at, 4 * MiB, dev, 0, NULL), -ENODEV);
		back(function);
		atomic_store(&device, pci_device());
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	other_exit(&o);
	printf("# %d times, in %u ms at most\n", rounds, slowest_ms);
	expect(slowest_ms < TAP_PATIENCE_S * 1000);
}

static void unbound(void)
{
	goes_and_comes(pci_unbind, pci_bind);
}

static void removed_from_bus(void)
{
	goes_and_comes(pci_remove, pci_rescan);
}

/* Somebody who puts every device online as soon as it is not. */
static void *put_online(void *arg)
{
	while (!atomic_load(&over))
		device_ctl(atomic_load(&device), HMMDEV_OP_ONLINE, NULL);
	return arg;
}

/* A device that is leaving does not come back into use. */
static void unbound_against_online(void)
{
	uint64_t ends_ns = now_ns() + tap_seconds(10) * 1000000000ULL;
	pthread_t worker, other;

	atomic_store(&device, pci_device());
	expect_is(pthread_create(&worker, NULL, work, NULL), 0);
	expect_is(pthread_create(&other, NULL, put_online, NULL), 0);
	do {
		uint32_t before = atomic_load(&arrivals);

		expect(soon(atomic_load(&arrivals) > before));
		pci_unbind(pci_function());
		pci_bind(pci_function());
		atomic_store(&device, pci_device());
	} while (now_ns() < ends_ns);
	atomic_store(&over, true);
	pthread_join(worker, NULL);
	pthread_join(other, NULL);
}

/* Never lets go of the lock of its address space for long. */
static void *map_and_unmap(void *arg)
{
	while (!atomic_load(&over))
		munmap(mmap(NULL, MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MiB);
	return arg;
}

/* A program that is busy with its mappings gets its huge pages back all the same. */
static void unbound_against_mappings(void)
{
	uint32_t dev = pci_device();
	char *at = memory_huge(8 * MiB, SEED);
	pthread_t threads[MAPPERS];
	int fd = space_open();
	unsigned int ms;

	for (int i = 0; i < MAPPERS; i++)
		expect_is(pthread_create(&threads[i], NULL, map_and_unmap, NULL), 0);
	move_all(fd, at, 8 * MiB, dev);
	ms = pci_unbind(pci_function());
	printf("# in %u ms\n", ms);
	expect(device_gone(dev));
	expect_words(at, 8 * MiB, SEED);
	pci_bind(pci_function());
	atomic_store(&over, true);
	for (int i = 0; i < MAPPERS; i++)
		pthread_join(threads[i], NULL);
}

/* The administrator was quicker: the function has no device left when it is unbound. */
static void removed_before(void)
{
	uint32_t dev = pci_device();

	expect(device_drain(dev));
	expect_is(device_ctl(dev, HMMDEV_OP_REMOVE, NULL), 0);
	expect(device_gone(dev));
	pci_unbind(pci_function());
	pci_bind(pci_function());
	moves();
}

/* Loaded again, the module takes the function again. */
static void unloaded_while_bound(void)
{
	uint32_t dev = pci_device();
	struct other o = other_start(HUGE, SEED);

	move_all(o.fd, o.at, HUGE, dev);
	other_close(&o);
	close(o.fd);
	expect(module_unload() < 0);
	other_check(&o);
	expect(soon(!module_unload()));
	other_check(&o);
	other_exit(&o);
	module_load();
	moves();
}

/*
 * Out of its slot without a word to the kernel: QEMU's older machine (an i440FX of QEMU's) does it when
 * the guest writes the slot's bit to its hot plug controller, as the firmware's code would to complete
 * an ejection that the kernel has agreed to.
 */
static void pull_out(const char *function)
{
	static const char bridge[] = "0000:00:00.0";
	unsigned int bus, slot;

	if (pci_config(bridge, 0) != 0x12378086 || pci_config(bridge, 0x2c) != 0x11001af4 ||
	    sscanf(function, "0000:%x:%x.", &bus, &slot) != 2 || bus > 1)
		tap_skip("a function of this machine cannot be pulled out");
	if (iopl(3))
		tap_skip("this kernel does not let programs at ports");
	outl(bus, 0xae10);		/* the root, or the one bridge */
	outl(1U << slot, 0xae08);	/* eject */
	expect(!pci_function());
}

/* A drain that has an hour. */
static void *drain_long(void *arg)
{
	struct hmmdev_dev_ctl ctl = { .op = HMMDEV_OP_DRAIN, .dev = atomic_load(&device),
				      .timeout_ms = 3600 * 1000 };

	expect_is(call(*(int *)arg, HMMDEV_DEV_CTL, &ctl), -EAGAIN);
	return arg;
}

/* Nothing can be done with it as long as anybody has a page there. */
static void expect_lost(int fd, uint32_t dev, char *at, uint64_t bytes)
{
	char *small = memory_small(PAGE, SEED);
	uint64_t remaining;

	expect_is(device_info(dev).state, HMMDEV_STATE_DRAINING);
	expect_is(device_info(dev).used, bytes);
	expect(is_lost(at));
	expect_is(migrate(fd, small, PAGE, dev, 0, NULL), -ENODEV);
	expect_is(device_ctl(dev, HMMDEV_OP_ONLINE, NULL), -ENODEV);
	expect_is(device_ctl(dev, HMMDEV_OP_REMOVE, NULL), -EBUSY);
	expect_is(device_ctl(dev, HMMDEV_OP_DRAIN, &remaining), -EAGAIN);
	expect_is(remaining, bytes);
	expect(module_unload() < 0);
	expect_words(small, PAGE, SEED);
}

/*
 * The hardware leaves and takes pages with it: SIGBUS for those whose they were, from the first touch
 * on, and never other words. The device stays for as long as they keep them. The last test: there
 * is no function after it.
 */
static void pulled_out(void)
{
	uint32_t dev = pci_device(), good = device_private(8 * MiB);
	struct other o = other_start(4 * MiB, SEED + 1), loser = other_start(HUGE, SEED + 2);
	char *huge = memory_huge(HUGE, SEED), *small = memory_small(MiB, SEED), *late = memory_huge(HUGE, SEED);
	const char *function = strdup(pci_function());
	int fd = space_open();
	pthread_t drain;

	atomic_store(&device, dev);
	move_all(fd, huge, HUGE, dev);
	move_all(fd, small, MiB, dev);
	move_all(loser.fd, loser.at, HUGE, dev);
	move_all(o.fd, o.at, 4 * MiB, good);
	pull_out(function);
	expect(is_lost(huge) && is_lost(huge + HUGE - 1) && is_lost(small));
	expect_is(stats(fd).faults_failed, 3);
	expect_is(migrate(fd, late, HUGE, dev, 0, NULL), -ENODEV);
	expect_words(late, HUGE, SEED);
	expect_is(pthread_create(&drain, NULL, drain_long, &fd), 0);
	expect(soon(device_info(dev).state == HMMDEV_STATE_DRAINING));
	expect(pci_remove(function) < TAP_PATIENCE_S * 1000);
	pthread_join(drain, NULL);
	expect_lost(fd, dev, huge, 2 * HUGE + MiB);
	other_check(&o);
	move_all(o.fd, o.at, 4 * MiB, good);
	munmap(huge, HUGE);
	expect_lost(fd, dev, small, HUGE + MiB);
	munmap(small, MiB);
	other_kill(&loser);
	expect(device_drain(dev));
	expect_is(device_ctl(dev, HMMDEV_OP_REMOVE, NULL), 0);
	expect(device_gone(dev));
	pci_rescan(function);
	expect(!pci_function());
	other_check(&o);
	other_exit(&o);
	close(o.fd);
	close(loser.fd);
	close(fd);
	expect(soon(!module_unload()));
	module_load();
}

TESTS(TEST(moves), TEST(whole), TEST(device_side), TEST(drained), TEST(unbound), TEST(removed_from_bus),
      TEST(unbound_against_online), TEST(unbound_against_mappings),
      TEST(removed_before), TEST(unloaded_while_bound), TEST(pulled_out))
