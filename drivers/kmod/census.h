/* SPDX-License-Identifier: GPL-2.0-only */
/* Where pages are that no migration tells about; the mmap lock held, the batch free. */
#ifndef HMMDEV_CENSUS_H
#define HMMDEV_CENSUS_H

#include "move.h"

/*
 * Walks the window as the device `looks` sees it (NULL: as one that has no page). 0: the answers
 * are in mv->src, and they and their pages stay as they are until hmmdev_census_close(); nothing
 * that sleeps, locks a page or takes the mmap lock may come in between. -EBUSY: it changes faster
 * than it is read.
 */
int hmmdev_census_open(struct hmmdev_move *mv, const struct hmmdev_device *looks);
void hmmdev_census_close(struct hmmdev_move *mv);
/* The page at i of an open census. NULL: none that can be seen. */
struct page *hmmdev_census_page(const struct hmmdev_move *mv, unsigned long i);

/* One open census of the window, as `looks` sees it. */
typedef void hmmdev_census_fn(struct hmmdev_move *mv, const struct hmmdev_device *looks, void *arg);
/* Of every device that has pages, one after another, and last of none. 0 or -EBUSY. */
int hmmdev_census_each(struct hmmdev_move *mv, hmmdev_census_fn *tell, void *arg);

bool hmmdev_on_device(struct page *page, const struct hmmdev_device *dev);	/* NULL: no */

/* Counts the pages of `left`. */
void hmmdev_census_left(struct hmmdev_move *mv);
/* Is anything that a move to `to` (NULL: to memory) would take mapped as a huge page? */
bool hmmdev_census_huge(struct hmmdev_move *mv, const struct hmmdev_device *to);

/* ---- dryrun.c */
/* Counts all pages as EVICT (from all devices, or `only` one) or MIGRATE would; moves nothing. */
void hmmdev_dryrun(struct hmmdev_move *mv, bool evict, const struct hmmdev_device *only);

#endif
