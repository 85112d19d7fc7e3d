// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hardware error on the way to a device behind a PCI bus, as the kernel's injector (aer_inject) makes
 * the port above it report one: nobody gets bytes from it any more, and all others go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/driver/other.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { SEED = 161 };

struct injected {	/* what /dev/aer_inject takes */
	uint8_t bus, dev, fn;
	uint32_t uncorrected, corrected, header[4], domain;
};

enum { FATAL = 1U << 4 /* data link protocol */, NOT_FATAL = 1U << 20 /* unsupported request */ };

/* The port that the function lies behind. */
static void break_above(const char *function, uint32_t error)
{
	char path[512], real[1024], *above, *slash;
	unsigned int domain, bus, dev, fn;
	struct injected e = { .uncorrected = error };
	int fd = open("/dev/aer_inject", O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		tap_skip("no injector of errors");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", function);
	n = readlink(path, real, sizeof(real) - 1);
	expect(n > 0);
	real[n] = '\0';
	slash = strrchr(real, '/');
	*slash = '\0';
	above = strrchr(real, '/') + 1;
	expect_is(sscanf(above, "%x:%x:%x.%x", &domain, &bus, &dev, &fn), 4);
	e.domain = domain;
	e.bus = (uint8_t)bus;
	e.dev = (uint8_t)dev;
	e.fn = (uint8_t)fn;
	expect_is(write(fd, &e, sizeof(e)), sizeof(e));
	close(fd);
}

/* It fails under two programs; one of them unmaps, the other ends, and then nothing is left of it. */
static void fails(uint32_t error)
{
	uint32_t dev = pci_device(), good = device_private(8 * MiB);
	struct other o = other_start(4 * MiB, SEED + 1), loser = other_start(HUGE, SEED + 2);
	char *huge = memory_huge(HUGE, SEED), *small = memory_small(MiB, SEED), *late = memory_huge(HUGE, SEED);
	int fd = space_open();

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

TESTS(TEST(fatal), TEST(not_fatal))
