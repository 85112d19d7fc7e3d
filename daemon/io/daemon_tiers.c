// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tiers come to life: nodes are mapped, devices opened, with what systemd kept of them. A device
 * that cannot be opened is a failed tier, not a dead daemon: the others may hold pages that clients
 * wait for. Only where the tier itself may hold such pages is the start refused: what is missing can
 * often be put back, and pages that are once given up for lost cannot.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/daemon.h"
#include "daemon/io/daemon_backing.h"
#include "daemon/io/hugepages.h"
#include "daemon/io/keeper.h"
#include "daemon/io/kernel_tier.h"
#include "daemon/io/log.h"
#include "daemon/io/notify.h"
#include "daemon/io/slotmap.h"
#include "daemon/mech/driver.h"
#include "drivers/registry.h"
#include "proto/fd.h"

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

void daemon_tier_failed(struct daemon *d, unsigned int tier, const char *why)
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

/* Whose contents it has from now on, for the record. */
static void take_identity(const struct mover_device *device, struct tier_config *c)
{
	struct hmm_device_identity is;

	if (!device->ops->identity)
		return;
	device->ops->identity(device->device, &is);
	memcpy(c->uuid, is.uuid, sizeof(c->uuid));
	c->generation = is.generation;
}

enum { STORED = HMM_LIMIT_TIER_NAME + 2 };	/* bytes of a name in the store of the service manager */

/* For the next daemon, should this one be killed: a device that cannot be kept is not used. */
static int keep_contents(const struct daemon *d, const char *tier, int fd)
{
	char stored[STORED];
	int r;

	snprintf(stored, sizeof(stored), "d%s", tier);
	r = d->keeper ? keeper_put(d->keeper, tier, fd) : notify_store(stored, fd);

	if (r)
		log_line(LOG_LEVEL_ERROR, "tier %s: its memory would be lost if hmmd were killed: %s", tier,
			 r < 0 ? strerror(-r) : "the service manager's descriptor store is full (FileDescriptorStoreMax=)");
	return r > 0 ? -ENOSPC : r;
}

static void close_device(struct mover_device *device)
{
	device->slots = slots_free(device->slots);
	device->device = device->ops->close(device->device);
}

static int kept_contents(const struct daemon *d, const char *tier)
{
	char stored[STORED];

	snprintf(stored, sizeof(stored), "d%s", tier);
	return d->keeper ? keeper_take(d->keeper, tier) : notify_fd(stored);
}

static void forget_contents(const struct daemon *d, const char *tier)
{
	char stored[STORED];

	snprintf(stored, sizeof(stored), "d%s", tier);
	if (d->keeper)
		keeper_drop(d->keeper, tier);
	else
		notify_forget(stored);
}

static int open_device(struct daemon *d, struct mover_device *device, struct tier_config *c, int kept, char *why,
		       size_t size)
{
	struct hmm_device_identity known = { .generation = c->generation };
	struct hmm_device_config config = { .name = c->name, .path = c->path[0] ? c->path : NULL,
					    .capacity = c->capacity, .slot_size = LEDGER_PAGE_SIZE,
					    .base_pages = !d->hugepages, .fd = kept, .why = why, .why_size = size,
					    .known = c->generation ? &known : NULL };
	int r, fd;

	memcpy(known.uuid, c->uuid, sizeof(known.uuid));
	r = device->ops->open(&device->device, &config);
	if (kept >= 0)
		close(kept);	/* the driver has its own */
	if (r)
		return r;
	device->fresh = device->ops->fresh(device->device);
	take_identity(device, c);
	r = slots_new(&device->slots, (uint32_t)(c->capacity >> LEDGER_PAGE_SHIFT));
	if (r) {
		device->device = device->ops->close(device->device);
		return r;
	}
	fd = device->ops->fd(device->device);
	r = kept < 0 && fd >= 0 ? keep_contents(d, c->name, fd) : 0;
	if (r)
		close_device(device);
	else if (fd >= 0)
		hugepages_add_file(d->hugepages, (unsigned int)(device - d->devices), fd);
	return r;
}

static const char *device_trouble(int r)
{
	switch (r) {
	case HMM_DEVICE_E_OTHER:
		return "it is empty, another device or an older copy";
	case HMM_DEVICE_E_CUT:
		return "a part of it was taken away";
	case HMM_DEVICE_E_FOREIGN:
		return "it has contents that are not hmmd's; remove them, or name another file";
	case HMM_DEVICE_E_VERSION:
		return "another version of hmmd wrote it";
	default:
		return strerror(-r);
	}
}

/* Programs of an earlier daemon may want what lies there: see above. */
static int refuse(struct daemon *d, const struct tier *t, const char *why)
{
	log_line(LOG_LEVEL_ERROR,
		 "tier %s may hold memory of %s and others, but %s: put the device back as it was and start "
		 "hmmd again; or remove %s/tiers to give up what they have there",
		 t->config.name, d->survivors.who, why, d->config->state_dir);
	return -ESTALE;
}

/*
 * A dry run takes no room on a disk: what somebody asks to be put there it keeps in memory, unless the disk has pages
 * that are wanted. Who comes after one that was killed finds them there, and has the disk again as soon as nobody wants
 * any of them. *kept: the memory, -1: none, and none any more where it is let go.
 */
static enum tier_kind kind_here(struct daemon *d, const struct tier *t, int *kept)
{
	const char *name = t->config.name;

	if (t->config.kind != TIER_FILE || t->config.generation)
		return t->config.kind;
	if (d->world->dry_run)
		return TIER_MEMORY;
	if (*kept < 0)
		return TIER_FILE;
	if (d->survivors.who[0] && slotmap_wanted(d, t->index)) {
		log_line(LOG_LEVEL_INFO, "tier %s: pages of %s or others are in memory", name, d->survivors.who);
		daemon_event(d, EVENT_WARNING, "tier %s is in memory and not in its file until hmmd starts without programs that a "
			     "killed dry run had pages of", name);
		return TIER_MEMORY;
	}
	close(*kept);
	*kept = -1;
	forget_contents(d, name);
	return TIER_FILE;
}

static int device_tier(struct daemon *d, struct tier *t)
{
	struct mover_device *device = &d->devices[t->index];
	int kept = kept_contents(d, t->config.name);
	const char *kind;
	bool wanted = t->config.generation > 0;
	char why[160], words[96] = "";
	int r;

	t->device = kind_here(d, t, &kept);
	kind = driver_kind(t->device);
	device->ops = hmm_device_find(kind);
	if (!device->ops) {
		fd_close_all(&kept, 1);
		snprintf(why, sizeof(why), "this hmmd has no driver of kind %s", kind);
		daemon_tier_failed(d, t->index, why);
		return 0;
	}
	r = open_device(d, device, &t->config, kept, words, sizeof(words));
	if (!r) {
		slotmap_open(d, t->index);
		return 0;
	}
	snprintf(why, sizeof(why), "%.60s: %s", t->config.path[0] ? t->config.path : kind, words[0] ? words : device_trouble(r));
	if (wanted)
		return refuse(d, t, why);
	daemon_tier_failed(d, t->index, why);
	return 0;
}

static void driver_tier(struct daemon *d, struct tier *t)
{
	char why[96];

	if (kernel_tier_open(d, t, why, sizeof(why)))
		daemon_tier_failed(d, t->index, why);
}

int daemon_tiers_open(struct daemon *d, unsigned int first)
{
	int r = d->numa ? 0 : numa_map_new(&d->numa);
	uint64_t nodes;

	if (r)
		return r;
	if (!first)
		d->world->many_nodes = !numa_nodes(&nodes) && nodes & (nodes - 1);
	for (unsigned int i = first; !r && i < d->world->n_tiers; i++) {
		if (tier_is_resident(&d->world->tiers[i]))
			node_tier(d, &d->world->tiers[i]);
		else if (d->world->tiers[i].config.kind == TIER_KERNEL)
			driver_tier(d, &d->world->tiers[i]);
		else
			r = device_tier(d, &d->world->tiers[i]);
	}
	hugepages_set(d->hugepages, d->world, 0);	/* it is known now which devices are memory */
	return r;
}

void daemon_tiers_close(struct daemon *d)
{
	for (unsigned int i = 0; i < HMM_LIMIT_TIERS; i++) {
		struct mover_device *device = &d->devices[i];

		slotmap_close(device);
		if (device->ops)
			device->device = device->ops->close(device->device);
		device->slots = slots_free(device->slots);
	}
	d->numa = numa_map_free(d->numa);
}

/* Huge pages of the pool are in no memory limit; adopted memory is the programs'. */
static bool is_our_memory(const struct daemon *d, const struct tier *t)
{
	return t->device == TIER_MEMORY || (t->device == TIER_NUMA && !d->mech->ops->huge);
}

uint64_t daemon_memory_wanted(const struct daemon *d)
{
	const struct world *w = d->world;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < w->n_tiers; i++)
		if (is_our_memory(d, &w->tiers[i]) && __builtin_add_overflow(sum, tier_promised(&w->tiers[i]), &sum))
			sum = UINT64_MAX;
	return sum;
}
