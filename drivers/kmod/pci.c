// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Devices behind PCI
 *
 * Devices behind PCI: the largest memory BAR of a function becomes private device memory. No
 * function is claimed on its own; the administrator names them by the module parameter or by
 * new_id, as with vfio-pci. A PCI device of the driver has one of ours, by a reference.
 *
 * A function that is unbound is drained first. What could not be brought back in time, or was lost
 * because the hardware has left, stays as a device without memory: touching such a page is answered
 * with SIGBUS, and once all of them are gone the device can be removed.
 */
#include <linux/module.h>
#include <linux/numa.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "device.h"
#include "pci.h"

static char *pci;
module_param(pci, charp, 0444);
MODULE_PARM_DESC(pci, "functions whose largest BAR becomes a device: VENDOR:DEVICE,... (hex)");

static resource_size_t hmmdev_memory_bar_size(struct pci_dev *pdev, int bar)
{
	return pci_resource_flags(pdev, bar) & IORESOURCE_MEM ? pci_resource_len(pdev, bar) : 0;
}

static int hmmdev_largest_bar(struct pci_dev *pdev)
{
	int bar, best = 0;

	for (bar = 1; bar < PCI_STD_NUM_BARS; bar++)
		if (hmmdev_memory_bar_size(pdev, bar) > hmmdev_memory_bar_size(pdev, best))
			best = bar;
	return best;
}

static int hmmdev_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int bar = hmmdev_largest_bar(pdev), rc;
	struct hmmdev_device_spec spec = {
		.type = HMMDEV_TYPE_PRIVATE,
		.source = HMMDEV_SOURCE_PCI,
		.nid = dev_to_node(&pdev->dev),
		.bytes = round_down(hmmdev_memory_bar_size(pdev, bar), HMMDEV_HUGE_SIZE),
		.phys = pci_resource_start(pdev, bar),
		.function = pdev,
	};
	struct hmmdev_device *dev;

	rc = pci_enable_device_mem(pdev);
	if (rc)
		return rc;
	rc = pci_request_region(pdev, bar, "hmmdev");
	if (rc)
		goto out_disable;
	rc = hmmdev_device_create(&spec, &dev);
	if (rc)
		goto out_release;
	pci_set_drvdata(pdev, dev);
	pci_save_state(pdev);
	pci_info(pdev, "device %u: BAR %d, %llu MiB\n", dev->number, bar, dev->bytes >> 20);
	return 0;

out_release:
	pci_release_region(pdev, bar);
out_disable:
	pci_disable_device(pdev);
	return rc;
}

/* The pages have left before (sleep.c); memory that has come since would lose its power. */
static int hmmdev_suspend(struct device *device)
{
	struct hmmdev_device *dev = dev_get_drvdata(device);

	return hmmdev_device_used(dev) && !READ_ONCE(dev->gone) ? -EBUSY : 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(hmmdev_pm_ops, hmmdev_suspend, NULL);

static void hmmdev_remove(struct pci_dev *pdev)
{
	struct hmmdev_device *dev = pci_get_drvdata(pdev);
	int bar = hmmdev_largest_bar(pdev);

	if (!hmmdev_let_go(pdev, dev))
		hmmdev_device_forget(dev);
	hmmdev_memory_detach(dev);
	hmmdev_device_put(dev);
	hmmdev_devices_settle();
	pci_release_region(pdev, bar);
	pci_disable_device(pdev);
}

static struct pci_driver hmmdev_pci_driver = {
	.name = "hmmdev",
	.id_table = NULL,	/* what it takes is told: with a table, new_id would take that alone */
	.probe = hmmdev_probe,
	.remove = hmmdev_remove,
	.err_handler = &hmmdev_error_handlers,
	.driver.pm = pm_sleep_ptr(&hmmdev_pm_ops),
};

static int hmmdev_add_id(char *item)
{
	unsigned int vendor, device;

	if (sscanf(item, "%x:%x", &vendor, &device) != 2)
		return -EINVAL;
	return pci_add_dynid(&hmmdev_pci_driver, vendor, device, PCI_ANY_ID, PCI_ANY_ID, 0, 0, 0);
}

static int hmmdev_add_ids(void)
{
	char *copy, *items, *item;
	int rc = 0;

	if (!pci)
		return 0;
	copy = kstrdup(pci, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	items = copy;
	while (!rc && (item = strsep(&items, ","))) {
		rc = hmmdev_add_id(item);
		if (rc)
			pr_err("hmmdev: pci=%s: '%s' does not work (%d)\n", pci, item, rc);
	}
	kfree(copy);
	return rc;
}

int hmmdev_pci_init(void)
{
	int rc = hmmdev_leaving_init();

	if (rc)
		return rc;
	rc = pci_register_driver(&hmmdev_pci_driver);
	if (rc)
		goto out_leaving;
	rc = hmmdev_add_ids();
	if (!rc)
		return 0;
	pci_unregister_driver(&hmmdev_pci_driver);
out_leaving:
	hmmdev_leaving_exit();
	return rc;
}

void hmmdev_pci_exit(void)
{
	pci_unregister_driver(&hmmdev_pci_driver);
	hmmdev_leaving_exit();
}
