/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door to the kernel driver (drivers/uapi/hmmdev.h): memory of devices that the kernel knows,
 * for adopted ranges. A descriptor is an address space; the daemon has one of its own, to ask about
 * devices, and one of each client, which acts on that client. Behind the functions lie a few
 * operations, real or simulated (driver_sim.h), so that everything above can be tested where the
 * module is not.
 */
#ifndef HMMD_MECH_DRIVER_H
#define HMMD_MECH_DRIVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/uapi/hmmdev.h"
#include "proto/limits.h"

struct driver;

/* All may be called from any thread. */
struct driver_ops {
	const char *name; /* "hmmdev", "sim" */
	/* A descriptor of the node at this path, acting on this process. 0 or -errno. */
	int (*open)(struct driver *d, const char *path, int *ret_fd);
	/*
	 * Is that descriptor of the node that d->fd is of, and non-blocking? 0, DRIVER_E_OTHER,
	 * -errno.
	 */
	int (*check)(struct driver *d, int fd);
	/*
	 * A request of the uAPI. 0 or -errno; how far it came is in the structure. May take long.
	 */
	int (*call)(struct driver *d, int fd, unsigned long request, void *arg);
	/*
	 * Whole events. *ret_n is 0 when there is none. -ESRCH: the descriptor has come to its end.
	 */
	int (*read)(struct driver *d, int fd, struct hmmdev_event *ret, size_t cap, size_t *ret_n);
	void (*done)(struct driver *d); /* through driver_free() */
};

enum { DRIVER_NODES = 64, DRIVER_NO_TIER = 0xff, DRIVER_NO_DEVICE = 0xff };

struct driver { /* first member of every implementation */
	const struct driver_ops *ops;
	int fd; /* the daemon's own; -1: no tier has opened the node. Fixed before threads run */
	uint32_t api; /* the version of the uAPI that the node speaks, 0: not asked */
	uint64_t features; /* HMMDEV_FEATURE_* */
	/*
	 * Which tier a node and a device are, and back. Written by the loop when tiers are opened.
	 */
	_Atomic uint8_t tier_of_node[DRIVER_NODES], tier_of_device[HMMDEV_MAX_DEVICES];
	_Atomic uint8_t device_of_tier[HMM_LIMIT_TIERS];
};

enum {
	DRIVER_E_OTHER = 1 /* not the driver's node */,
	DRIVER_E_VERSION = 2 /* another version of the uAPI; driver_open() says which in d->api */
};

int driver_new(struct driver **ret); /* the real one; nothing is opened. -ENOMEM */
struct driver *driver_free(struct driver *d);
void driver_init(struct driver *d, const struct driver_ops *ops); /* for implementations */
/*
 * The daemon's own descriptor and the features; once it is open, only whether the path is the same
 * node. 0, DRIVER_E_*, -errno.
 */
int driver_open(struct driver *d, const char *path);
/* Of a client: 0, DRIVER_E_OTHER, -errno. */
int driver_check(struct driver *d, int fd);
int driver_info(struct driver *d, unsigned int dev, struct hmmdev_dev_info *ret); /* -ENODEV */
/*
 * What all descriptors of that user may hold on devices, and pin; UINT64_MAX: what the module allows
 * by itself. -EPERM: it is not for hmmd to say.
 */
int driver_limit(struct driver *d, uint32_t uid, uint64_t dev_bytes, uint64_t pin_bytes);
void driver_map_nodes(struct driver *d, uint64_t nodes, unsigned int tier);
void driver_map_device(struct driver *d, unsigned int dev, unsigned int tier);

/* From here fd is a client's. Addresses and lengths: multiples of the base page. */
int driver_range_add(struct driver *d, int fd, uint64_t addr, uint64_t len, uint64_t cookie,
		     uint32_t *ret_id);
int driver_range_del(struct driver *d, int fd, uint32_t id);

struct driver_moved { /* bytes; what is missing of the length was not reached or cannot move */
	uint64_t moved, already, busy;
};
/*
 * All that can be moved is, also when the answer is not 0: -EAGAIN (some was busy), -ENOENT
 * (nothing could be moved), -ENOSPC, -ENOMEM, -EDQUOT, -EINVAL (a hole in it), -ENODEV, -ESRCH.
 * whole: huge pages are not split.
 */
int driver_to_device(struct driver *d, int fd, uint64_t addr, uint64_t len, unsigned int dev,
		     uint64_t stay_us, bool whole, struct driver_moved *ret);
/* What is on that device comes back, or (DRIVER_NO_DEVICE) on any. */
int driver_to_memory(struct driver *d, int fd, uint64_t addr, uint64_t len, unsigned int dev,
		     struct driver_moved *ret);

int driver_pin(struct driver *d, int fd, uint64_t addr, uint64_t len, uint32_t *ret_id);
int driver_unpin(struct driver *d, int fd, uint32_t id);
/* ret_bytes: acquired or released, also on an error. */
int driver_exclusive(struct driver *d, int fd, uint64_t addr, uint64_t len, unsigned int dev,
		     bool acquire, uint64_t *ret_bytes);

enum { DRIVER_LOOK_PAGES = 16 /* huge pages of one look */ };
struct driver_seen {             /* of one huge page */
	uint16_t memory, device; /* base pages */
	uint8_t node, dev; /* the tiers they are on, DRIVER_NO_TIER: one that is not configured */
};
/*
 * Where the base pages of [addr, addr + len) are, by huge pages from the one that addr is in; len
 * bounded by DRIVER_LOOK_PAGES huge pages.
 */
int driver_look(struct driver *d, int fd, uint64_t addr, uint64_t len, struct driver_seen *ret);

enum { DRIVER_EVENTS = 64 /* of one read */ };
int driver_read(struct driver *d, int fd, struct hmmdev_event *ret, size_t cap, size_t *ret_n);

/* What it can do, in words for people. */
void driver_describe(uint64_t features, char *ret_text, size_t size);

#endif
