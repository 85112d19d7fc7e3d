// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Leaving
 *
 * How the memory of a function on a PCI bus goes, for a while or for good: its pages come back before,
 * and what does not is lost. As long as pages come there is time; and whoever takes the function away
 * at leisure waits for the program whose page is next. Who has an error to deal with cannot: others
 * wait for him, and more errors may come. A worker that has time waits in his place, and what it has
 * not brought back by then is lost.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "device.h"
#include "pci.h"

#define LEAVE_MS 5000U	/* without a page that comes back */
#define LEAVE_PAUSE_MS 1U

/* Not the module's other one: whoever waits for that would wait for a program. */
static struct workqueue_struct *hmmdev_leavers;

int hmmdev_leaving_init(void)
{
	hmmdev_leavers = alloc_workqueue("hmmdev_leave", WQ_UNBOUND, 0);
	return hmmdev_leavers ? 0 : -ENOMEM;
}

void hmmdev_leaving_exit(void)
{
	destroy_workqueue(hmmdev_leavers);
}

struct hmmdev_leaving {
	struct work_struct work;
	struct hmmdev_device *dev;
	bool present;
	int rc;
};

static void hmmdev_leave_work(struct work_struct *work)
{
	struct hmmdev_leaving *leaving = container_of(work, struct hmmdev_leaving, work);

	leaving->rc = hmmdev_drain_to_leave(leaving->dev, leaving->present ? LEAVE_MS : 1, false);
}

/* A worker drains: a signal to whoever unbinds the function must not cost anybody's data. */
static int hmmdev_leave(struct hmmdev_device *dev, bool present)
{
	struct hmmdev_leaving leaving = { .dev = dev, .present = present };

	INIT_WORK_ONSTACK(&leaving.work, hmmdev_leave_work);
	queue_work(hmmdev_leavers, &leaving.work);
	flush_work(&leaving.work);
	destroy_work_on_stack(&leaving.work);
	return leaving.rc;
}

static void hmmdev_lose(struct pci_dev *pdev, struct hmmdev_device *dev)
{
	hmmdev_memory_detach(dev);
	pci_warn(pdev, "device %u: %llu bytes are lost\n", dev->number, hmmdev_device_used(dev));
}

int hmmdev_let_go(struct pci_dev *pdev, struct hmmdev_device *dev)
{
	bool present = pci_device_is_present(pdev) && !READ_ONCE(dev->gone);
	int rc;

	if (!present)
		hmmdev_memory_detach(dev);
	rc = hmmdev_leave(dev, present);
	if (rc)
		hmmdev_lose(pdev, dev);
	return rc;
}

struct hmmdev_follower {
	struct work_struct work;
	struct hmmdev_device *dev;	/* with a reference */
};

static void hmmdev_follow_work(struct work_struct *work)
{
	struct hmmdev_follower *follower = container_of(work, struct hmmdev_follower, work);
	struct hmmdev_device *dev = follower->dev;

	hmmdev_drain_to_leave(dev, LEAVE_MS, false);
	hmmdev_device_back(dev);
	hmmdev_device_put(dev);
	kfree(follower);
}

/* Waits for the locks that somebody else did not get. */
static void hmmdev_follow(struct hmmdev_device *dev)
{
	struct hmmdev_follower *follower = kmalloc(sizeof(*follower), GFP_KERNEL);

	if (!follower)
		return;
	refcount_inc(&dev->users);
	follower->dev = dev;
	INIT_WORK(&follower->work, hmmdev_follow_work);
	queue_work(hmmdev_leavers, &follower->work);
}

static int hmmdev_wait_empty(struct hmmdev_device *dev)
{
	unsigned long patience = msecs_to_jiffies(LEAVE_MS), deadline = jiffies + patience;
	u64 used = hmmdev_device_used(dev), left;

	for (; used; used = left) {
		if (time_after(jiffies, deadline))
			return -EAGAIN;
		msleep(LEAVE_PAUSE_MS);
		left = hmmdev_device_used(dev);
		if (left < used)
			deadline = jiffies + patience;
	}
	return 0;
}

int hmmdev_let_go_soon(struct pci_dev *pdev, struct hmmdev_device *dev)
{
	int rc = hmmdev_drain_to_leave(dev, 1, true);

	if (!rc)
		return 0;
	hmmdev_follow(dev);
	rc = hmmdev_wait_empty(dev);
	if (rc)
		hmmdev_lose(pdev, dev);
	return rc;
}
