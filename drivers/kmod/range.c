// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Registered ranges
 *
 * What the program said about parts of its address space, in a maple tree by address: it refuses
 * overlaps by itself and is read under RCU, which the notifier needs. Changes are made one at a
 * time, under populate. A range only names addresses: unmapping does not end it.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "space.h"

struct hmmdev_range_node {
	struct rcu_head rcu;
	struct hmmdev_range_node *next;	/* at close alone: to be freed */
	u64 addr;
	u64 last;	/* inside */
	u64 cookie;
	u32 id;
	u32 flags;
};

u32 hmmdev_range_flags(struct hmmdev_space *space, u64 addr)
{
	struct hmmdev_range_node *node;
	u32 flags;

	rcu_read_lock();
	node = mtree_load(&space->ranges, addr);
	flags = node ? node->flags : 0;
	rcu_read_unlock();
	return flags;
}

u64 hmmdev_range_cookie(struct hmmdev_space *space, u64 addr)
{
	struct hmmdev_range_node *node;
	u64 cookie;

	rcu_read_lock();
	node = mtree_load(&space->ranges, addr);
	cookie = node ? node->cookie : 0;
	rcu_read_unlock();
	return cookie;
}

u32 hmmdev_ranges_flags(struct hmmdev_space *space, u64 addr, u64 end)
{
	struct hmmdev_range_node *node;
	unsigned long index = addr;
	u32 flags = 0;

	rcu_read_lock();
	mt_for_each(&space->ranges, node, index, end - 1)
		flags |= node->flags;
	rcu_read_unlock();
	return flags;
}

void hmmdev_ranges_invalidated(struct hmmdev_space *space, u64 addr, u64 end, u32 reason)
{
	struct hmmdev_range_node *node;
	unsigned long index = addr;

	rcu_read_lock();
	mt_for_each(&space->ranges, node, index, end - 1) {
		struct hmmdev_event event = {
			.type = HMMDEV_EVENT_INVALIDATE,
			.addr = max(addr, node->addr),
			.size = min(end - 1, node->last) + 1 - max(addr, node->addr),
			.cookie = node->cookie,
			.dev = HMMDEV_DEV_NONE,
			.nid = NUMA_NO_NODE,
			.arg = reason,
		};

		hmmdev_space_push(space, &event);
	}
	rcu_read_unlock();
}

/* The id of the first range that has a page in common with the node. Under populate. */
static u32 hmmdev_range_in_the_way(struct hmmdev_space *space, const struct hmmdev_range_node *node)
{
	unsigned long index = node->addr;
	struct hmmdev_range_node *other = mt_find(&space->ranges, &index, node->last);

	return other ? other->id : 0;
}

static int hmmdev_range_insert(struct hmmdev_space *space, struct hmmdev_range *range)
{
	struct hmmdev_range_node *node = kzalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);
	int rc;

	if (!node)
		return -ENOMEM;
	node->addr = range->addr;
	node->last = range->addr + range->len - 1;
	node->cookie = range->cookie;
	node->flags = range->flags;
	node->id = atomic_inc_return(&space->range_id);
	mutex_lock(&space->populate);
	rc = mtree_insert_range(&space->ranges, node->addr, node->last, node, GFP_KERNEL_ACCOUNT);
	range->id = rc == -EEXIST ? hmmdev_range_in_the_way(space, node) : node->id;
	mutex_unlock(&space->populate);
	if (rc)
		kfree(node);
	return rc;
}

int hmmdev_range_add(struct hmmdev_space *space, struct hmmdev_range *range)
{
	int rc = hmmdev_space_charge(space, HMMDEV_LIMIT_RANGES, 1);

	if (rc)
		return rc;
	rc = hmmdev_range_insert(space, range);
	if (rc)
		hmmdev_space_uncharge(space, HMMDEV_LIMIT_RANGES, 1);
	return rc;
}

/* By walking all: there are a few thousand at most, and ranges seldom end. */
static struct hmmdev_range_node *hmmdev_range_find(struct hmmdev_space *space, u32 id)
{
	struct hmmdev_range_node *node;
	unsigned long index = 0;

	mt_for_each(&space->ranges, node, index, ULONG_MAX)
		if (node->id == id)
			return node;
	return NULL;
}

/* Taking an entry out may want memory, and only a look tells whether it had it. */
static int hmmdev_range_take_out(struct hmmdev_space *space, struct hmmdev_range_node *node)
{
	mtree_erase(&space->ranges, node->addr);
	if (mtree_load(&space->ranges, node->addr) == node)
		return -ENOMEM;
	kfree_rcu(node, rcu);
	return 0;
}

static int hmmdev_range_erase(struct hmmdev_space *space, u32 id, u64 *ret_addr, u64 *ret_last)
{
	struct hmmdev_range_node *node;
	int rc = -ENOENT;

	mutex_lock(&space->populate);
	node = hmmdev_range_find(space, id);
	if (node) {
		*ret_addr = node->addr;
		*ret_last = node->last;
		rc = hmmdev_range_take_out(space, node);
	}
	mutex_unlock(&space->populate);
	return rc;
}

/* The devices' tables of a range that is over go too; its entries may come again as any other's. */
int hmmdev_range_del(struct hmmdev_space *space, struct hmmdev_range *range)
{
	u64 addr, last;
	int rc = hmmdev_range_erase(space, range->id, &addr, &last);

	if (rc)
		return rc;
	hmmdev_space_uncharge(space, HMMDEV_LIMIT_RANGES, 1);
	mutex_lock(&space->entries);
	hmmdev_mirrors_clear(space, addr >> PAGE_SHIFT, last >> PAGE_SHIFT, true);
	mutex_unlock(&space->entries);
	return 0;
}

/*
 * At close: nobody changes the tree any more, but faults on device pages may still look at it. It
 * goes as a whole, which wants no memory.
 */
void hmmdev_ranges_clear(struct hmmdev_space *space)
{
	struct hmmdev_range_node *node, *all = NULL;
	unsigned long index = 0;

	while ((node = mt_find(&space->ranges, &index, ULONG_MAX))) {
		node->next = all;
		all = node;
		hmmdev_space_uncharge(space, HMMDEV_LIMIT_RANGES, 1);
	}
	mtree_destroy(&space->ranges);
	while (all) {
		node = all;
		all = node->next;
		kfree_rcu(node, rcu);
	}
}
