// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The module
 *
 * One misc device, /dev/hmm, whose descriptors are address spaces (space.h), and a table of memory
 * devices (device.h). Open descriptors hold the module; device folios hold a space, and the spaces
 * that outlive their descriptor are waited for: the devices drain first, which takes the last folio
 * references, then the work queue that frees the spaces runs empty.
 */
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "device.h"
#include "space.h"

bool hmmdev_test;
module_param_named(test, hmmdev_test, bool, 0444);
MODULE_PARM_DESC(test, "Allow DEV_READ, DEV_WRITE, INJECT and mmap of the node, for tests only.");

struct workqueue_struct *hmmdev_work;

static struct miscdevice hmmdev_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hmm",
	.mode = 0660,
	.fops = &hmmdev_fops,
};

static int __init hmmdev_memory_init(void)
{
	int rc = hmmdev_pool_init();

	if (rc)
		return rc;
	rc = hmmdev_devices_init();
	if (rc)
		hmmdev_pool_exit();
	return rc;
}

static void hmmdev_memory_exit(void)
{
	hmmdev_devices_exit();
	hmmdev_pool_exit();
}

static int __init hmmdev_init(void)
{
	int rc;

	hmmdev_work = alloc_workqueue("hmmdev", WQ_UNBOUND, 0);
	if (!hmmdev_work)
		return -ENOMEM;
	rc = hmmdev_memory_init();
	if (rc)
		goto out_work;
	rc = misc_register(&hmmdev_misc);
	if (rc)
		goto out_memory;
	return 0;

out_memory:
	hmmdev_memory_exit();
out_work:
	destroy_workqueue(hmmdev_work);
	hmmdev_users_exit();
	return rc;
}

static void __exit hmmdev_exit(void)
{
	misc_deregister(&hmmdev_misc);
	hmmdev_memory_exit();
	destroy_workqueue(hmmdev_work);
	hmmdev_users_exit();
}

module_init(hmmdev_init);
module_exit(hmmdev_exit);
MODULE_DESCRIPTION("Device memory and device page tables for any program's anonymous memory");
MODULE_LICENSE("GPL");
