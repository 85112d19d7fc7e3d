/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device drivers by kind. Tests add or replace some; a daemon only looks them up. */
#ifndef HMM_DRIVERS_REGISTRY_H
#define HMM_DRIVERS_REGISTRY_H

#include "drivers/device.h"

enum { HMM_DEVICE_KINDS_ADDED = 8 };

/* NULL: no driver of this kind. */
const struct hmm_device_ops *hmm_device_find(const char *kind);
/* Before any thread is started; one of the same kind is hidden by the new one. -ENOSPC: HMM_DEVICE_KINDS_ADDED are there. */
int hmm_device_add(const struct hmm_device_ops *ops);

#endif
