/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel driver in plain memory (driver.h), with failures on demand. An address space is a socket: one end
 * is the descriptor, at the other end the test writes events, and reading them is what happens to the memory
 * (CPU_FAULT and EVICTED bring pages back, INVALIDATE of an unmapping forgets them). Every page of an address
 * space is in memory of node 0 until it is moved.
 */
#ifndef HMMD_MECH_DRIVER_SIM_H
#define HMMD_MECH_DRIVER_SIM_H

#include "daemon/mech/driver.h"

enum { DRIVER_SIM_DEVICES = 2 };

/* Private devices of so many bytes each. -ENOMEM. */
int driver_sim_new(struct driver **ret, uint64_t device_bytes);
/* The next calls of that request fail with that error (before anything happens); 0 ends it. */
void driver_sim_fail(struct driver *d, unsigned long request, int error, unsigned int times);
void driver_sim_state(struct driver *d, unsigned int dev, enum hmmdev_state state);
/* Pages of [addr, addr + len) are busy: they stay where they are. */
void driver_sim_busy(struct driver *d, uint64_t addr, uint64_t len);
/* What happens to the memory of an address space when this event is read there. */
void driver_sim_happens(struct driver *d, int fd, const struct hmmdev_event *e);
/* Bytes of an address space on a device; ranges and pins that are there, over all address spaces. */
uint64_t driver_sim_bytes(struct driver *d, unsigned int dev);
unsigned int driver_sim_ranges(struct driver *d);
unsigned int driver_sim_pins(struct driver *d);
/* The last timeslice_us that a move to a device named. */
uint32_t driver_sim_stay_us(struct driver *d);

#endif
