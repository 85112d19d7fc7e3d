/* SPDX-License-Identifier: GPL-2.0-only */
/* A function of ours on a PCI bus whose memory goes: because somebody says so, or after an error. */
#ifndef HMMDEV_PCI_H
#define HMMDEV_PCI_H

struct hmmdev_device;
struct pci_dev;
struct pci_error_handlers;

/* ---- leave.c */
int hmmdev_leaving_init(void);
void hmmdev_leaving_exit(void);
/*
 * The memory goes, for a while or for good. 0: nothing was in it any more. Else what was is lost. It
 * is away until hmmdev_device_back().
 */
int hmmdev_let_go(struct pci_dev *pdev, struct hmmdev_device *dev);
/* The same for a while, where nobody may wait for the lock of a program. */
int hmmdev_let_go_soon(struct pci_dev *pdev, struct hmmdev_device *dev);

/* ---- pci_error.c */
extern const struct pci_error_handlers hmmdev_error_handlers;

#endif
