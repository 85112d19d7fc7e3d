/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon with the simulated driver (hmmd_driver) has: two devices of one size, and requests that fail
 * or are kept waiting when a test says so. The switchboard is a small file, named by the environment variable below, that the test
 * and the daemon both map; without it nothing fails.
 */
#ifndef HMMD_TESTS_SUPPORT_DRIVER_DAEMON_H
#define HMMD_TESTS_SUPPORT_DRIVER_DAEMON_H

#include <stdatomic.h>
#include <stdint.h>

#define DRIVER_DAEMON_BYTES (64ULL << 20)
#define DRIVER_DAEMON_ENVIRONMENT "HMMD_TEST_DRIVER"

struct driver_switches {
	_Atomic uint64_t request;	/* HMMDEV_* that fails; 0: none */
	_Atomic int32_t error;		/* errno */
	_Atomic uint32_t good;		/* how many of them go well before one fails */
	_Atomic uint64_t failed;	/* how often it did */
	_Atomic uint64_t pins;		/* that are there */
	_Atomic uint32_t unpin_us;	/* how long the end of one takes */
	_Atomic uint64_t held;		/* HMMDEV_* that is not answered as long as this says so, once it is carried out; 0: none */
	_Atomic uint64_t waiting;	/* how many have come to that */
	_Atomic uint32_t api;		/* the version that the driver speaks; 0: this one */
	_Atomic uint64_t dev_limit, pin_limit;	/* bytes, of the user whose limits were set last */
};

#endif
