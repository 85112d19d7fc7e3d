// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Sleep
 *
 * A device loses its memory when the system sleeps: the hardware has no power, and an image on disk
 * has nothing of it. So before programs are frozen all pages leave, as in a drain; where some cannot
 * in time, or a program does not let go of its lock, the system does not sleep. Afterwards those
 * devices are online again that were before.
 */
#include <linux/notifier.h>
#include <linux/suspend.h>

#include "device.h"

#define SLEEP_MS 20000U	/* without a page that leaves; so long has the kernel for its programs */

static int hmmdev_wake(struct hmmdev_device *dev, void *arg)
{
	if (!dev->asleep)
		return 0;
	dev->asleep = false;
	hmmdev_device_back(dev);
	return 0;
}

static int hmmdev_sleep(struct hmmdev_device *dev, void *arg)
{
	int rc;

	/* What a failed device has is lost already, and kept by nobody's sleep. */
	if (READ_ONCE(dev->gone))
		return 0;
	dev->asleep = true;
	rc = hmmdev_drain_to_leave(dev, SLEEP_MS, true);
	if (rc)
		pr_warn("hmmdev: no sleep: %llu bytes do not leave device %u\n",
			hmmdev_device_used(dev), dev->number);
	return rc == -EAGAIN ? -EBUSY : rc;
}

static void hmmdev_wake_all(void)
{
	hmmdev_devices_each(hmmdev_wake, NULL);
}

static int hmmdev_sleep_all(void)
{
	int rc = hmmdev_devices_each(hmmdev_sleep, NULL);

	if (rc)
		hmmdev_wake_all();
	return rc;
}

static int hmmdev_sleep_event(struct notifier_block *block, unsigned long event, void *data)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
		return notifier_from_errno(hmmdev_sleep_all());
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
		hmmdev_wake_all();
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block hmmdev_sleep_block = {
	.notifier_call = hmmdev_sleep_event,
};

int hmmdev_sleep_init(void)
{
	return register_pm_notifier(&hmmdev_sleep_block);
}

void hmmdev_sleep_exit(void)
{
	unregister_pm_notifier(&hmmdev_sleep_block);
}
