/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counts of struct hmmdev_migrate. Every page of a range is in exactly one of moved, already
 * and skip_*; what is counted twice on the way is taken out here.
 */
#ifndef HMMDEV_SUM_H
#define HMMDEV_SUM_H

#include "../uapi/hmmdev.h"

void hmmdev_sum_clear(struct hmmdev_migrate *sum);
void hmmdev_sum_add(struct hmmdev_migrate *sum, const struct hmmdev_migrate *part);
/* The same pages were tried again: `sum` is what the last try found, `before` the one before it. */
void hmmdev_sum_again(struct hmmdev_migrate *sum, const struct hmmdev_migrate *before);
/*
 * The same where the first try was to leave the devices: what `sum` found to be elsewhere is what
 * stayed on them, and why is in `devices`.
 */
void hmmdev_sum_after_devices(struct hmmdev_migrate *sum, const struct hmmdev_migrate *devices);
__u64 hmmdev_sum_pages(const struct hmmdev_migrate *sum);

#endif
