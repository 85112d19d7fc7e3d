// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tiers come to life: nodes are mapped, devices opened, with what systemd kept of them. A device
 * that cannot be opened is a failed tier, not a dead daemon: the others may hold pages that clients
 * wait for.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/daemon.h"
#include "daemon/io/daemon_backing.h"
#include "daemon/io/kernel_tier.h"
#include "daemon/io/log.h"
#include "daemon/io/notify.h"
#include "daemon/mech/driver.h"
#include "drivers/registry.h"

static const char *driver_kind(enum tier_kind kind)
{
	static const char *const names[] = {
		[TIER_MEMORY] = "memory",
		[TIER_FILE] = "file",
		[TIER_KERNEL] = "kernel",
		[TIER_CUDA] = "cuda",
	};

	return names[kind];
}

static void failed(struct daemon *d, unsigned int tier, const char *why)
{
	struct tier *t = &d->world->tiers[tier];

	t->state = TIER_FAILED;
	atomic_store(&t->pool.draining, true);
	atomic_store(&d->devices[tier].failed, true);
	snprintf(d->tier_trouble[tier], sizeof(d->tier_trouble[tier]), "%s", why);
	daemon_event(d, EVENT_ERROR, "tier %s cannot be used: %s", t->config.name, why);
}

static void node_tier(struct daemon *d, struct tier *t)
{
	int r = numa_map_set(d->numa, t->index, t->config.nodes);

	if (r < 0)
		log_line(LOG_LEVEL_WARNING,
			 "tier %s: its nodes cannot be used for placement: %s, ignoring",
			 t->config.name, strerror(-r));
	numa_access((unsigned int)__builtin_ctzll(t->config.nodes), &t->read_bandwidth,
		    &t->read_latency_ns);
	driver_map_nodes(d->driver, t->config.nodes, t->index);
}

static int open_device(struct mover_device *device, const struct tier_config *c, const char *stored,
		       bool base_pages)
{
	struct hmm_device_config config = { .name = c->name, .path = c->path[0] ? c->path : NULL,
					    .capacity = c->capacity, .slot_size = LEDGER_PAGE_SIZE,
					    .base_pages = base_pages,
					    .fd = notify_fd(stored) };
	int r = device->ops->open(&device->device, &config), fd;

	if (config.fd >= 0)
		close(config.fd);	/* the driver has its own */
	if (r)
		return r;
	device->fresh = device->ops->fresh(device->device);
	r = slots_new(&device->slots, (uint32_t)(c->capacity >> LEDGER_PAGE_SHIFT));
	if (r) {
		device->device = device->ops->close(device->device);
		return r;
	}
	fd = device->ops->fd(device->device);
	if (config.fd < 0 && fd >= 0 && notify_store(stored, fd))
		log_line(LOG_LEVEL_WARNING,
			 "tier %s: its memory cannot be stored with systemd, ignoring", c->name);
	return 0;
}

static void device_tier(struct daemon *d, struct tier *t)
{
	struct mover_device *device = &d->devices[t->index];
	const char *kind = driver_kind(t->config.kind);
	char stored[HMM_LIMIT_TIER_NAME + 2], why[96];
	int r;

	device->ops = hmm_device_find(kind);
	if (!device->ops) {
		snprintf(why, sizeof(why), "this hmmd has no driver of kind %s", kind);
		failed(d, t->index, why);
		return;
	}
	snprintf(stored, sizeof(stored), "d%s", t->config.name);
	r = open_device(device, &t->config, stored, !d->hugepool);
	if (r) {
		snprintf(why, sizeof(why), "%.60s: %s", t->config.path[0] ? t->config.path : kind,
			 strerror(-r));
		failed(d, t->index, why);
	}
}

static void driver_tier(struct daemon *d, struct tier *t)
{
	char why[96];

	if (kernel_tier_open(d, t, why, sizeof(why)))
		failed(d, t->index, why);
}

int daemon_tiers_open(struct daemon *d, unsigned int first)
{
	int r = d->numa ? 0 : numa_map_new(&d->numa);

	if (r)
		return r;
	for (unsigned int i = first; i < d->world->n_tiers; i++) {
		if (tier_is_resident(&d->world->tiers[i]))
			node_tier(d, &d->world->tiers[i]);
		else if (d->world->tiers[i].config.kind == TIER_KERNEL)
			driver_tier(d, &d->world->tiers[i]);
		else
			device_tier(d, &d->world->tiers[i]);
	}
	return 0;
}

void daemon_tiers_close(struct daemon *d)
{
	for (unsigned int i = 0; i < HMM_LIMIT_TIERS; i++) {
		struct mover_device *device = &d->devices[i];

		if (device->ops)
			device->device = device->ops->close(device->device);
		device->slots = slots_free(device->slots);
	}
	d->numa = numa_map_free(d->numa);
}
