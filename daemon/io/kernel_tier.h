/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tiers that are devices of the kernel driver. They hold adopted memory only, and the kernel keeps what is
 * there when hmmd ends. Loop thread.
 */
#ifndef HMMD_IO_KERNEL_TIER_H
#define HMMD_IO_KERNEL_TIER_H

#include <stdbool.h>
#include <stddef.h>

struct account;
struct daemon;
struct tier;

/* 0, or 1 with the reason in words: the tier is of no use. */
int kernel_tier_open(struct daemon *d, struct tier *t, char *ret_why, size_t size);
/* Looks at the devices, and lets their tiers follow: one that drains takes no pages and gives back what it has. */
void kernel_tiers_watch(struct daemon *d);
/* The kernel holds the user to its quotas, also in what its programs do without hmmd. */
void kernel_tiers_limit(struct daemon *d, const struct account *a);
void kernel_tiers_limit_all(struct daemon *d);
/* At least one is open: clients are asked for their descriptors. */
bool kernel_tiers_open(const struct daemon *d);

#endif
