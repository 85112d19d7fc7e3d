// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Resets and hardware errors
 *
 * A reset is a departure for a while: who resets does not wait for a yes. After an error of the
 * function, or of what lies between it and the system, nothing in the memory is believed any more: all
 * of it is lost, and the function has a device again when it is unbound and bound. After one of a
 * neighbour that the link has survived the memory is as good as before; but a reset may follow that
 * nobody announces, so its pages come back until that is over.
 */
#include <linux/pci.h>

#include "device.h"
#include "pci.h"

static void hmmdev_reset_prepare(struct pci_dev *pdev)
{
	hmmdev_let_go(pdev, pci_get_drvdata(pdev));
}

/* Older kernels restore what was saved only once. */
static void hmmdev_reset_done(struct pci_dev *pdev)
{
	pci_save_state(pdev);
	hmmdev_device_back(pci_get_drvdata(pdev));
}

/*
 * Does it tell of an error that could not be corrected and was not fatal? It does until that has been
 * dealt with; of fatal ones some tell for ever.
 */
static bool hmmdev_tells_of_error(struct pci_dev *pdev)
{
	u16 registers = pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_ERR);
	u32 told = 0, masked = 0, fatal = 0;

	if (!registers)
		return false;
	pci_read_config_dword(pdev, registers + PCI_ERR_UNCOR_STATUS, &told);
	pci_read_config_dword(pdev, registers + PCI_ERR_UNCOR_MASK, &masked);
	pci_read_config_dword(pdev, registers + PCI_ERR_UNCOR_SEVER, &fatal);
	return told & ~masked & ~fatal;
}

static bool hmmdev_error_is_near(struct pci_dev *pdev)
{
	for (; pdev; pdev = pci_upstream_bridge(pdev))
		if (hmmdev_tells_of_error(pdev))
			return true;
	return false;
}

static void hmmdev_step_aside(struct pci_dev *pdev, struct hmmdev_device *dev)
{
	if (dev->aside)
		return;
	dev->aside = true;
	if (!hmmdev_let_go_soon(pdev, dev))
		pci_info(pdev, "device %u: empty until an error beside it is over\n", dev->number);
}

/* Others on the same bus may go on after a reset, so ours does not stand in the way. */
static pci_ers_result_t hmmdev_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct hmmdev_device *dev = pci_get_drvdata(pdev);

	if (state == pci_channel_io_normal && !hmmdev_error_is_near(pdev)) {
		hmmdev_step_aside(pdev, dev);
		return PCI_ERS_RESULT_CAN_RECOVER;
	}
	hmmdev_device_fail(dev);
	pci_err(pdev, "device %u: a hardware error: %llu bytes are lost\n", dev->number,
		hmmdev_device_used(dev));
	if (state == pci_channel_io_perm_failure)
		return PCI_ERS_RESULT_DISCONNECT;
	return state == pci_channel_io_frozen ? PCI_ERS_RESULT_NEED_RESET :
						PCI_ERS_RESULT_CAN_RECOVER;
}

static pci_ers_result_t hmmdev_slot_reset(struct pci_dev *pdev)
{
	pci_restore_state(pdev);
	pci_save_state(pdev);
	return PCI_ERS_RESULT_RECOVERED;
}

static void hmmdev_error_over(struct pci_dev *pdev)
{
	struct hmmdev_device *dev = pci_get_drvdata(pdev);

	if (!dev->aside)
		return;
	dev->aside = false;
	hmmdev_device_back(dev);
}

const struct pci_error_handlers hmmdev_error_handlers = {
	.error_detected = hmmdev_error_detected,
	.slot_reset = hmmdev_slot_reset,
	.resume = hmmdev_error_over,
	.reset_prepare = hmmdev_reset_prepare,
	.reset_done = hmmdev_reset_done,
};
