// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The table of devices
 *
 * The table of devices, and how one is put together and taken apart: its memory, the struct pages
 * for it, the books about its blocks. A device whose table entry and last user are gone has no page
 * in use (see REMOVE and the module's own reference), so taking it apart waits for nobody. A worker
 * does it, for the last user may hold the mmap lock of a program.
 */
#include <linux/memory_hotplug.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/numa.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "device.h"
#include "move.h"
#include "space.h"

static DEFINE_MUTEX(table_lock);	/* guards table */
static struct hmmdev_device *table[HMMDEV_MAX_DEVICES];

struct hmmdev_device *hmmdev_device_get(u32 number)
{
	struct hmmdev_device *dev = NULL;

	if (number >= HMMDEV_MAX_DEVICES)
		return NULL;
	mutex_lock(&table_lock);
	dev = table[number];
	if (dev)
		refcount_inc(&dev->users);
	mutex_unlock(&table_lock);
	return dev;
}

struct hmmdev_device *hmmdev_device_get_online(u32 number)
{
	struct hmmdev_device *dev = hmmdev_device_get(number);

	if (!dev || READ_ONCE(dev->state) == HMMDEV_STATE_ONLINE)
		return dev;
	hmmdev_device_put(dev);
	return NULL;
}

int hmmdev_devices_each(hmmdev_device_fn *fn, void *arg)
{
	struct hmmdev_device *dev;
	u32 number;
	int rc = 0;

	for (number = 0; number < HMMDEV_MAX_DEVICES && !rc; number++) {
		dev = hmmdev_device_get(number);
		if (!dev)
			continue;
		rc = fn(dev, arg);
		hmmdev_device_put(dev);
	}
	return rc;
}

u32 hmmdev_device_count(void)
{
	u32 number, count = 0;

	mutex_lock(&table_lock);
	for (number = 0; number < HMMDEV_MAX_DEVICES; number++)
		count += !!table[number];
	mutex_unlock(&table_lock);
	return count;
}

/* Table lock held. */
static void hmmdev_table_share(void)
{
	u64 bytes = 0;
	u32 number;

	for (number = 0; number < HMMDEV_MAX_DEVICES; number++)
		bytes += table[number] ? table[number]->bytes : 0;
	hmmdev_users_share(bytes);
}

static int hmmdev_table_enter(struct hmmdev_device *dev)
{
	int rc = -ENOSPC;
	u32 number;

	mutex_lock(&table_lock);
	for (number = 0; number < HMMDEV_MAX_DEVICES && rc; number++) {
		if (table[number])
			continue;
		dev->number = number;
		table[number] = dev;
		rc = 0;
	}
	hmmdev_table_share();
	mutex_unlock(&table_lock);
	return rc;
}

int hmmdev_device_forget(struct hmmdev_device *dev)
{
	int rc = -ENODEV;

	mutex_lock(&table_lock);
	if (table[dev->number] == dev) {
		table[dev->number] = NULL;
		rc = 0;
	}
	hmmdev_table_share();
	mutex_unlock(&table_lock);
	if (!rc)
		hmmdev_device_put(dev);
	return rc;
}

static void hmmdev_books_close(struct hmmdev_device *dev)
{
	kvfree(dev->lent);
	kvfree(dev->home);
	hmmdev_blocks_free(dev->blocks);
}

static int hmmdev_books_open(struct hmmdev_device *dev)
{
	u64 blocks = dev->bytes / HMMDEV_HUGE_SIZE;
	int rc = hmmdev_blocks_new(blocks, &dev->blocks);

	if (rc)
		return rc;
	dev->home = kvcalloc(blocks, sizeof(*dev->home), GFP_KERNEL);
	dev->lent = kvcalloc(blocks, sizeof(*dev->lent), GFP_KERNEL);
	if (dev->home && dev->lent)
		return 0;
	hmmdev_books_close(dev);
	return -ENOMEM;
}

static int hmmdev_device_open(struct hmmdev_device *dev)
{
	int rc = hmmdev_books_open(dev);

	if (rc)
		return rc;
	rc = hmmdev_memory_open(dev);
	if (rc)
		goto out_books;
	rc = hmmdev_pagemap_open(dev);
	if (rc)
		goto out_memory;
	return 0;

out_memory:
	hmmdev_memory_close(dev);
out_books:
	hmmdev_books_close(dev);
	return rc;
}

static void hmmdev_device_close(struct work_struct *work)
{
	struct hmmdev_device *dev = container_of(work, struct hmmdev_device, close);

	hmmdev_pagemap_close(dev);
	hmmdev_memory_close(dev);
	hmmdev_books_close(dev);
	kfree(dev);
}

void hmmdev_device_put(struct hmmdev_device *dev)
{
	if (refcount_dec_and_test(&dev->users))
		queue_work(hmmdev_work, &dev->close);
}

void hmmdev_devices_settle(void)
{
	flush_workqueue(hmmdev_work);
}

static int hmmdev_spec_check(const struct hmmdev_device_spec *spec)
{
	bool coherent = spec->type == HMMDEV_TYPE_COHERENT;

	if (spec->type != HMMDEV_TYPE_PRIVATE && !coherent)
		return -EINVAL;
	if (coherent && spec->source != HMMDEV_SOURCE_RESERVED)
		return -EINVAL;
	if (!spec->bytes || (spec->bytes | spec->phys) % HMMDEV_HUGE_SIZE)
		return -EINVAL;
	if (spec->source == HMMDEV_SOURCE_SYSRAM ? spec->phys != 0 :
	    spec->phys + spec->bytes < spec->phys || !spec->phys)
		return -EINVAL;
	if (spec->nid != NUMA_NO_NODE &&
	    (spec->nid < 0 || spec->nid >= MAX_NUMNODES || !node_online(spec->nid)))
		return -EINVAL;
	return coherent ? HMMDEV_CAN_COHERENT ? 0 : -EOPNOTSUPP :
			  HMMDEV_CAN_PRIVATE ? 0 : -EOPNOTSUPP;
}

static int hmmdev_device_nid(const struct hmmdev_device_spec *spec)
{
	if (spec->nid != NUMA_NO_NODE || spec->source != HMMDEV_SOURCE_RESERVED)
		return spec->nid;
	return phys_to_target_node(spec->phys);
}

static struct hmmdev_device *hmmdev_device_new(const struct hmmdev_device_spec *spec)
{
	struct hmmdev_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int nid = hmmdev_device_nid(spec);

	if (!dev)
		return NULL;
	dev->type = spec->type;
	dev->source = spec->source;
	dev->nid = nid >= 0 && node_online(nid) ? nid : NUMA_NO_NODE;
	dev->bytes = spec->bytes;
	dev->phys = spec->phys;
	dev->function = spec->function;
	mutex_init(&dev->ctl);
	mutex_init(&dev->change);
	spin_lock_init(&dev->lock);
	INIT_LIST_HEAD(&dev->loans);
	refcount_set(&dev->users, 1);
	INIT_WORK(&dev->close, hmmdev_device_close);
	return dev;
}

int hmmdev_device_create(const struct hmmdev_device_spec *spec, struct hmmdev_device **ret_dev)
{
	struct hmmdev_device *dev;
	int rc = hmmdev_spec_check(spec);

	if (rc)
		return rc;
	dev = hmmdev_device_new(spec);
	if (!dev)
		return -ENOMEM;
	rc = hmmdev_device_open(dev);
	if (rc) {
		kfree(dev);
		return rc;
	}
	refcount_inc(&dev->users);
	rc = hmmdev_table_enter(dev);
	if (rc)
		hmmdev_device_put(dev);
	else
		hmmdev_spaces_event(HMMDEV_EVENT_DEV_STATE, dev->number, HMMDEV_STATE_ONLINE);
	if (rc || !ret_dev)
		hmmdev_device_put(dev);
	else
		*ret_dev = dev;
	if (rc)
		hmmdev_devices_settle();
	return rc;
}

static void hmmdev_read_count(struct hmmdev_device *dev, struct hmmdev_blocks_count *ret_count)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->lock, flags);
	hmmdev_blocks_count(dev->blocks, ret_count);
	spin_unlock_irqrestore(&dev->lock, flags);
}

u64 hmmdev_device_used(struct hmmdev_device *dev)
{
	struct hmmdev_blocks_count count;

	hmmdev_read_count(dev, &count);
	return count.bytes - count.free_bytes;
}

bool hmmdev_devices_in_use(void)
{
	bool used = false;
	u32 number;

	mutex_lock(&table_lock);
	for (number = 0; number < HMMDEV_MAX_DEVICES && !used; number++)
		used = table[number] && hmmdev_device_used(table[number]);
	mutex_unlock(&table_lock);
	return used;
}

int hmmdev_device_info(struct hmmdev_dev_info *info)
{
	struct hmmdev_device *dev = hmmdev_device_get(info->dev);
	struct hmmdev_blocks_count count;

	if (!dev)
		return -ENODEV;
	hmmdev_read_count(dev, &count);
	info->type = dev->type;
	info->state = READ_ONCE(dev->state);
	info->nid = dev->nid;
	info->bytes = count.bytes;
	info->free = count.free_bytes;
	info->used = count.bytes - count.free_bytes;
	info->thp_free = count.free_blocks * HMMDEV_HUGE_SIZE;
	info->source = dev->source;
	hmmdev_device_put(dev);
	return 0;
}

u64 hmmdev_device_features(void)
{
	u64 features = HMMDEV_FEATURE_PFNS | HMMDEV_FEATURE_NODE;

	if (HMMDEV_CAN_PRIVATE)
		features |= HMMDEV_FEATURE_PRIVATE;
	if (HMMDEV_CAN_COHERENT)
		features |= HMMDEV_FEATURE_COHERENT;
	if (HMMDEV_CAN_THP)
		features |= HMMDEV_FEATURE_THP;
	return features;
}

static int hmmdev_table_forget(struct hmmdev_device *dev, void *arg)
{
	hmmdev_device_forget(dev);
	return 0;
}

static void hmmdev_table_clear(void)
{
	hmmdev_devices_each(hmmdev_table_forget, NULL);
	hmmdev_devices_settle();
}

int hmmdev_devices_init(void)
{
	int rc = hmmdev_batches_init();

	if (rc)
		return rc;
	rc = hmmdev_sleep_init();
	if (rc)
		goto out_batches;
	rc = hmmdev_param_create();
	if (!rc)
		rc = hmmdev_pci_init();
	if (!rc)
		return 0;
	hmmdev_table_clear();
	hmmdev_sleep_exit();
out_batches:
	hmmdev_batches_exit();
	return rc;
}

void hmmdev_devices_exit(void)
{
	hmmdev_pci_exit();
	hmmdev_table_clear();
	hmmdev_sleep_exit();
	hmmdev_batches_exit();
}
