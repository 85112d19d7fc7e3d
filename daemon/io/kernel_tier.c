// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tiers of the kernel driver (kernel_tier.h): opened from the configuration, then looked at once a
 * second.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/io/daemon.h"
#include "daemon/io/kernel_tier.h"
#include "daemon/io/schedule.h"
#include "daemon/mech/driver.h"

static int open_node(struct daemon *d, const struct tier *t, char *why, size_t size)
{
	const char *path = t->config.path;
	int r = driver_open(d->driver, path);

	if (r == DRIVER_E_OTHER)
		snprintf(why, size,
			 "%.40s is not the node of hmmdev, or not the one of the other tiers",
			 path);
	else if (r == DRIVER_E_VERSION)
		snprintf(why, size,
			 "%.40s: the module hmmdev that is loaded speaks version %u, this hmmd %u: "
			 "load the one that came with it",
			 path, d->driver->api, HMMDEV_API_VERSION);
	else if (r == -ENOENT || r == -ENXIO || r == -ENODEV)
		snprintf(why, size, "%.40s is not there: the module hmmdev is not loaded", path);
	else if (r)
		snprintf(why, size, "%.40s: %s", path, strerror(-r));
	return r != 0;
}

/* What the device has is the most that the tier can have. */
static void fit(struct daemon *d, struct tier *t, const struct hmmdev_dev_info *info)
{
	uint64_t bytes = info->bytes & ~(LEDGER_PAGE_SIZE - 1),
		 wanted = d->config->tiers[t->index].capacity;

	if (wanted > bytes)
		daemon_event(d, EVENT_WARNING,
			     "tier %s: the device has %" PRIu64 " MiB, %" PRIu64
			     " MiB are configured",
			     t->config.name, bytes >> 20, wanted >> 20);
	tier_set_capacity(t, wanted && wanted < bytes ? wanted : bytes);
}

int kernel_tier_open(struct daemon *d, struct tier *t, char *ret_why, size_t size)
{
	struct hmmdev_dev_info info;
	unsigned int dev = t->config.index;
	int r;

	if (open_node(d, t, ret_why, size))
		return 1;
	r = dev < HMMDEV_MAX_DEVICES ? driver_info(d->driver, dev, &info) : -ENODEV;
	if (r) {
		snprintf(ret_why, size, "device %u of %.40s: %s", dev, t->config.path,
			 strerror(-r));
		return 1;
	}
	if (d->driver->tier_of_device[dev] != DRIVER_NO_TIER) {
		snprintf(ret_why, size, "device %u is tier %s already", dev,
			 d->world->tiers[d->driver->tier_of_device[dev]].config.name);
		return 1;
	}
	fit(d, t, &info);
	driver_map_device(d->driver, dev, t->index);
	return 0;
}

bool kernel_tiers_open(const struct daemon *d)
{
	for (unsigned int dev = 0; dev < HMMDEV_MAX_DEVICES; dev++)
		if (d->driver->tier_of_device[dev] != DRIVER_NO_TIER)
			return true;
	return false;
}

void kernel_tiers_limit(struct daemon *d, const struct account *a)
{
	uint64_t bytes = 0;
	int r;

	for (unsigned int i = 0; i < d->world->n_tiers; i++)
		if (d->world->tiers[i].config.kind == TIER_KERNEL)
			bytes += account_may_hold(a, i);
	r = driver_limit(d->driver, a->uid, bytes, a->limit[ACCOUNT_PINNED]);
	if (r && r != -EPERM)
		daemon_event(d, EVENT_WARNING, "the kernel driver's limits of uid %u stay as they are: %s",
			     a->uid, strerror(-r));
}

void kernel_tiers_limit_all(struct daemon *d)
{
	if (!kernel_tiers_open(d))
		return;
	LIST_EACH(node, &d->world->accounts)
		kernel_tiers_limit(d, container_of(node, struct account, in_world));
}

static void gone(struct daemon *d, struct tier *t, int error)
{
	if (t->state == TIER_FAILED)
		return;
	t->state = TIER_FAILED;
	atomic_store(&t->pool.draining, true);
	snprintf(d->tier_trouble[t->index], sizeof(d->tier_trouble[0]), "its device: %s",
		 strerror(-error));
	daemon_event(d, EVENT_ERROR, "tier %s failed: nothing more is moved there", t->config.name);
}

/* The device follows its own masters; a tier that somebody else drains stays as they want it. */
static void follow(struct daemon *d, struct tier *t, uint32_t state)
{
	bool online = state == HMMDEV_STATE_ONLINE;

	if (!online && t->state == TIER_ONLINE) {
		world_drain(d->world, t->index);
		t->by_device = true;
		daemon_event(d, EVENT_WARNING, "tier %s gives its pages back: its device %s",
			     t->config.name,
			     state == HMMDEV_STATE_DRAINING ? "drains" : "is offline");
	} else if (online && t->by_device) {
		world_undrain(d->world, t->index);
		t->by_device = false;
		daemon_event(d, EVENT_INFO, "tier %s takes pages again: its device is online",
			     t->config.name);
	}
}

void kernel_tiers_watch(struct daemon *d)
{
	struct hmmdev_dev_info info;

	for (unsigned int dev = 0; dev < HMMDEV_MAX_DEVICES; dev++) {
		unsigned int tier = d->driver->tier_of_device[dev];
		int r;

		if (tier == DRIVER_NO_TIER)
			continue;
		r = driver_info(d->driver, dev, &info);
		if (r)
			gone(d, &d->world->tiers[tier], r);
		else
			follow(d, &d->world->tiers[tier], info.state);
	}
}
