/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of the module, made and removed by the tests themselves. Needs root. */
#ifndef HMMD_TESTS_DRIVER_DEVICE_H
#define HMMD_TESTS_DRIVER_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/uapi/hmmdev.h"

#define KiB 1024ULL
#define MiB (1ULL << 20)
#define PAGE 4096ULL
#define HUGE (2 * MiB)

/* 0 or -errno; sets the size of the request. */
int call(int fd, unsigned long request, void *argument);

/* The number of a new private device over system memory. */
uint32_t device_private(uint64_t bytes);
/* A coherent one over memory that was reserved at boot; leaves the test out where there is none. */
uint32_t device_coherent(uint64_t bytes);
struct hmmdev_dev_info device_info(uint32_t dev);
bool device_gone(uint32_t dev);	/* there is none of that number */
/* One call of DEV_CTL: 0 or -errno, *ret_remaining may be NULL. */
int device_ctl(uint32_t dev, enum hmmdev_op op, uint64_t *ret_remaining);
/* DRAIN until nothing is left; false when it never ends. */
bool device_drain(uint32_t dev);
/*
 * Whether every device comes to be empty by itself, now that no process of a test is left. Removes
 * them all but those on a PCI bus.
 */
bool devices_clear(void);

/* QEMU's shared memory, which the module was told to take: its name on the bus, NULL: it is not there. */
const char *pci_function(void);
/* What a function answers now. */
uint32_t pci_config(const char *function, unsigned int offset);
/* The number of the device that it is; leaves the test out where there is no such function. */
uint32_t pci_device(void);
/* From its driver and back, from the bus and back; how many milliseconds the driver took to let go. */
unsigned int pci_unbind(const char *function);
void pci_bind(const char *function);
unsigned int pci_remove(const char *function);
void pci_rescan(const char *function);
/* Through its bus; the function keeps its device. */
void pci_reset(const char *function);

#endif
