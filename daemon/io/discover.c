// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Default tiers and sizes. The embedded device takes memory that nobody gave it, so it stays at a
 * quarter of the machine at most.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/io/discover.h"
#include "daemon/mech/doors.h"
#include "daemon/mech/driver.h"
#include "proto/ledger.h"

#define MEMORY_DEVICE_DEFAULT                                                                      \
	(1ULL << 30) /* bytes; the embedded device when nothing else is said */

static uint64_t whole_pages(uint64_t bytes)
{
	return bytes & ~(LEDGER_PAGE_SIZE - 1);
}

uint64_t discover_nodes_size(uint64_t nodes)
{
	uint64_t total, unused, sum = 0;

	for (unsigned int node = 0; node < CONFIG_NODES; node++)
		if (nodes & (1ULL << node) && numa_node_bytes(node, &total, &unused) == 0)
			sum += total;
	return sum;
}

static struct tier_config *add_tier(struct config *c, enum tier_kind kind)
{
	struct tier_config *t = &c->tiers[c->n_tiers++];

	config_tier_defaults(t);
	t->kind = kind;
	return t;
}

static void add_nodes(struct config *c, uint64_t nodes)
{
	const uint32_t most = HMM_LIMIT_TIERS - 1 - HMMDEV_MAX_DEVICES;

	for (unsigned int node = 0; node < CONFIG_NODES && c->n_tiers < most; node++) {
		struct tier_config *t;

		if (!(nodes & (1ULL << node)))
			continue;
		t = add_tier(c, TIER_NUMA);
		t->nodes = 1ULL << node;
		if (c->n_tiers == 1)
			strcpy(t->name, "dram");
		else
			snprintf(t->name, sizeof(t->name), "node%u", node);
	}
}

/* Their capacity is asked for when they are opened. */
static void add_driver_devices(struct config *c)
{
	struct hmmdev_dev_info info;
	struct tier_config *t;
	struct driver *d;
	unsigned int dev;

	if (driver_new(&d))
		return;
	dev = driver_open(d, HMMDEV_PATH) ? HMMDEV_MAX_DEVICES : 0;
	for (; dev < HMMDEV_MAX_DEVICES; dev++) {
		if (driver_info(d, dev, &info))
			continue;
		t = add_tier(c, TIER_KERNEL);
		t->index = dev;
		strcpy(t->path, HMMDEV_PATH);
		snprintf(t->name, sizeof(t->name), "hmm%u", dev);
	}
	driver_free(d);
}

static void add_memory_device(struct config *c, uint64_t machine)
{
	struct tier_config *t = add_tier(c, TIER_MEMORY);
	uint64_t quarter = whole_pages(machine / 4);

	strcpy(t->name, "memory");
	t->capacity = quarter && quarter < MEMORY_DEVICE_DEFAULT ? quarter : MEMORY_DEVICE_DEFAULT;
}

static void tier_capacity(struct tier_config *t)
{
	if (t->capacity)
		return;
	if (t->kind == TIER_NUMA)
		t->capacity = whole_pages(discover_nodes_size(t->nodes));
	else if (t->kind == TIER_MEMORY)
		t->capacity = MEMORY_DEVICE_DEFAULT;
}

uint64_t discover_nodes(void)
{
	uint64_t present;

	return numa_nodes(&present) < 0 ? 1 : present;
}

void discover_tiers(struct config *c)
{
	uint64_t present = discover_nodes();

	if (c->n_tiers == 0) {
		add_nodes(c, present);
		add_driver_devices(c);
		add_memory_device(c, discover_nodes_size(present));
	}
	for (uint32_t i = 0; i < c->n_tiers; i++)
		tier_capacity(&c->tiers[i]);
}
