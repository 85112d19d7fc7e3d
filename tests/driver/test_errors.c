// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hardware error on the way to a device behind a PCI bus, as the kernel's injector (aer_inject) makes
 * the port above it report one: nobody gets bytes from it any more, and all others go on. After one of
 * the function beside it nothing is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/driver/other.h"
#include "tests/driver/setting.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { SEED = 161, MAPPERS = 8 };
#define DRIVER "/sys/bus/pci/drivers/hmmdev/"
#define BESIDE "1af4 1050"	/* QEMU's graphics, whose memory is one as any other */

struct injected {	/* what /dev/aer_inject takes */
	uint8_t bus, dev, fn;
	uint32_t uncorrected, corrected, header[4], domain;
};

enum { FATAL = 1U << 4 /* data link protocol */, NOT_FATAL = 1U << 20 /* unsupported request */ };

static void break_at(const char *function, uint32_t error)
{
	unsigned int domain, bus, dev, fn;
	struct injected e = { .uncorrected = error };
	int fd = open("/dev/aer_inject", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		tap_skip("no injector of errors");
	expect_is(sscanf(function, "%x:%x:%x.%x", &domain, &bus, &dev, &fn), 4);
	e.domain = domain;
	e.bus = (uint8_t)bus;
	e.dev = (uint8_t)dev;
	e.fn = (uint8_t)fn;
	expect_is(write(fd, &e, sizeof(e)), sizeof(e));
	close(fd);
}

/* The port that the function lies behind. */
static void break_above(const char *function, uint32_t error)
{
	char path[512], real[1024], *slash;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", function);
	n = readlink(path, real, sizeof(real) - 1);
	expect(n > 0);
	real[n] = '\0';
	slash = strrchr(real, '/');
	*slash = '\0';
	break_at(strrchr(real, '/') + 1, error);
}

static void name_beside(char *name, size_t bytes)
{
	expect(snprintf(name, bytes, "%s", pci_function()) < (int)bytes);
	name[strlen(name) - 1] = '1';
}

/* The function beside ours becomes a device as well; that one's number. */
static uint32_t beside_bind(uint32_t ours)
{
	uint32_t dev = 0;
	char name[32];

	name_beside(name, sizeof(name));
	setting_put("/sys/bus/pci/drivers/virtio-pci/unbind", name);
	expect_is(setting_put(DRIVER "new_id", BESIDE), 0);
	for (; dev < HMMDEV_MAX_DEVICES; dev++)
		if (dev != ours && !device_gone(dev) && device_info(dev).source == HMMDEV_SOURCE_PCI)
			break;
	expect(dev < HMMDEV_MAX_DEVICES);
	return dev;
}

static void beside_unbind(void)
{
	char name[32];

	name_beside(name, sizeof(name));
	pci_unbind(name);
	expect_is(setting_put(DRIVER "remove_id", BESIDE), 0);
}

/* It fails under two programs; one of them unmaps, the other ends, and then nothing is left of it. */
static void fails(uint32_t error)
{
	uint32_t dev = pci_device(), good = device_private(8 * MiB);
	struct other o = other_start(4 * MiB, SEED + 1), loser = other_start(HUGE, SEED + 2);
	char *huge = memory_huge(HUGE, SEED), *small = memory_small(MiB, SEED), *late = memory_huge(HUGE, SEED);
	int fd = space_open();

	beside_bind(dev);
	move_all(fd, huge, HUGE, dev);
	move_all(fd, small, MiB, dev);
	move_all(loser.fd, loser.at, HUGE, dev);
	move_all(o.fd, o.at, 4 * MiB, good);
	break_above(pci_function(), error);
	expect(soon(device_info(dev).state == HMMDEV_STATE_DRAINING));
	expect(is_lost(huge) && is_lost(huge + HUGE - 1) && is_lost(small));
	expect_is(migrate(fd, late, HUGE, dev, 0, NULL), -ENODEV);
	expect_is(device_ctl(dev, HMMDEV_OP_ONLINE, NULL), -ENODEV);
	expect_words(late, HUGE, SEED);
	other_check(&o);
	pci_unbind(pci_function());
	pci_bind(pci_function());
	expect(pci_device() != dev);
	move_all(fd, late, HUGE, pci_device());
	expect_words(late, HUGE, SEED);
	expect(is_lost(huge));
	munmap(huge, HUGE);
	munmap(small, MiB);
	other_kill(&loser);
	expect(device_drain(dev));
	expect_is(device_ctl(dev, HMMDEV_OP_REMOVE, NULL), 0);
	beside_unbind();
	other_exit(&o);
}

static void fatal(void)
{
	fails(FATAL);
}

static void not_fatal(void)
{
	fails(NOT_FATAL);
}

static atomic_bool over;

/* Never lets go of the lock of its address space for long. */
static void *map_and_unmap(void *arg)
{
	while (!atomic_load(&over))
		munmap(mmap(NULL, MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MiB);
	return arg;
}

/*
 * The link has survived it: what is on our device comes home, of a program that is busy with its mappings
 * too, and may go again when it is over. The function itself has lost all that it had.
 */
static void beside(void)
{
	uint32_t dev = pci_device(), other = beside_bind(dev);
	struct other o = other_start(4 * MiB, SEED + 1);
	char *huge = memory_huge(4 * MiB, SEED), *small = memory_small(MiB, SEED), *lost = memory_huge(HUGE, SEED);
	pthread_t threads[MAPPERS];
	int fd = space_open();
	char name[32];

	name_beside(name, sizeof(name));
	for (int i = 0; i < MAPPERS; i++)
		expect_is(pthread_create(&threads[i], NULL, map_and_unmap, NULL), 0);
	move_all(o.fd, o.at, 4 * MiB, dev);
	move_all(fd, huge, 4 * MiB, dev);
	move_all(fd, small, MiB, dev);
	move_all(fd, lost, HUGE, other);
	break_at(name, NOT_FATAL);
	expect(soon(device_info(other).state == HMMDEV_STATE_DRAINING && !device_info(dev).used));
	expect(soon(device_info(dev).state == HMMDEV_STATE_ONLINE));
	atomic_store(&over, true);
	for (int i = 0; i < MAPPERS; i++)
		pthread_join(threads[i], NULL);
	expect(is_lost(lost));
	expect_words(huge, 4 * MiB, SEED);
	expect_words(small, MiB, SEED);
	move_all(o.fd, o.at, 4 * MiB, dev);
	other_check(&o);
	munmap(lost, HUGE);
	beside_unbind();
	expect(device_gone(other));
	other_exit(&o);
}

struct drain {
	uint32_t dev;
	_Atomic pid_t tid;
};

/* It has an hour. */
static void *drain_long(void *arg)
{
	struct drain *drain = arg;
	struct hmmdev_dev_ctl ctl = { .op = HMMDEV_OP_DRAIN, .dev = drain->dev, .timeout_ms = 3600 * 1000 };
	int fd = space_open();

	atomic_store(&drain->tid, gettid());
	expect_is(call(fd, HMMDEV_DEV_CTL, &ctl), -EAGAIN);
	close(fd);
	return arg;
}

/* For something that only a fatal signal ends. */
static bool waits(pid_t tid)
{
	char path[64], text[128];
	const char *state;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	setting_get(path, text, sizeof(text));
	state = strrchr(text, ')');
	return state && state[2] == 'D';
}

/* A request to drain waits for a program that keeps its lock; the error does not, and goes on to the next. */
static void beside_a_drain(void)
{
	uint32_t dev = pci_device(), other = beside_bind(dev);
	struct other loser = other_start(HUGE, SEED);
	struct drain drain = { .dev = dev };
	int hold = open("/dev/hold", O_WRONLY | O_CLOEXEC);
	pthread_t thread;

	if (hold < 0)
		tap_skip("nothing that holds a lock");
	move_all(loser.fd, loser.at, HUGE, dev);
	expect(dprintf(hold, "%d", loser.pid) > 0);
	expect_is(pthread_create(&thread, NULL, drain_long, &drain), 0);
	expect(soon(atomic_load(&drain.tid) && waits(drain.tid)));
	break_above(pci_function(), FATAL);
	expect(soon(device_info(other).state == HMMDEV_STATE_DRAINING));
	expect(waits(drain.tid));
	close(hold);
	pthread_join(thread, NULL);
	expect_is(device_info(dev).used, HUGE);
	other_kill(&loser);
	expect(device_drain(dev));
	pci_unbind(pci_function());
	pci_bind(pci_function());
	beside_unbind();
}

TESTS(TEST(fatal), TEST(not_fatal), TEST(beside), TEST(beside_a_drain))
