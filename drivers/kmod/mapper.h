/* SPDX-License-Identifier: GPL-2.0-only */
/* Who maps a device page that was found by its number, and that nobody has a reference on. */
#ifndef HMMDEV_MAPPER_H
#define HMMDEV_MAPPER_H

#include <linux/mm.h>

#include "device.h"

/*
 * The n-th address space that may map some of the folio, with a reference, and where in it the first
 * such page would be. NULL: no more, the kernel is just changing who they are, or the page is not one
 * of that order any more. No lock held, nor is the page: what it says is a guess until that address is
 * looked at under the locks.
 */
struct mm_struct *hmmdev_mapper(struct hmmdev_device *dev, struct folio *folio, unsigned int order,
				unsigned int n, unsigned long *ret_addr);
/*
 * How many small pages from that one on, `most` of its block at most, were put there in a row: to be
 * found side by side, as far as one mapping reaches. A guess too.
 */
unsigned long hmmdev_in_a_row(struct folio *folio, unsigned long most);

#endif
