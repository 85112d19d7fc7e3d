/* SPDX-License-Identifier: GPL-2.0-only */
/* Huge pages that leave a device: when they may leave whole, and what splits the others. */
#ifndef HMMDEV_HUGE_H
#define HMMDEV_HUGE_H

#include <linux/mm.h>
#include <linux/mmap_lock.h>

#include "device.h"

struct hmmdev_move;

/* The mmap lock, for writing where huge pages may leave. -EINTR: killed. */
static inline int hmmdev_mm_lock(struct mm_struct *mm, bool exclusive)
{
	return exclusive ? mmap_write_lock_killable(mm) : mmap_read_lock_killable(mm);
}

static inline void hmmdev_mm_unlock(struct mm_struct *mm, bool exclusive)
{
	if (exclusive)
		mmap_write_unlock(mm);
	else
		mmap_read_unlock(mm);
}

/* The huge page of a private device that is mapped whole at addr, or NULL. mmap lock held. */
struct folio *hmmdev_huge_at(struct vm_area_struct *vma, unsigned long addr);
/* Does more than one entry map it? The caller has it locked. */
bool hmmdev_huge_is_shared(struct folio *folio);
/*
 * With NO_SPLIT a window has one huge page at most. The counter for it if it has to stay on its
 * device because others map it or have it locked; NULL: it may leave. Locked as for the next.
 */
u64 *hmmdev_huge_reason_to_stay(struct hmmdev_move *mv);
/*
 * Splits what others map, too, of the window, whose mmap lock and VMA are held for writing where
 * huge pages are met, unless the window is one that may leave with NO_SPLIT. What cannot be split for
 * the moment ends the window before it, so that the others need not be split for it. False: the window
 * is now such a page alone, and must not take it whole.
 */
bool hmmdev_huge_prepare(struct hmmdev_move *mv);
/*
 * Splits the huge page at addr that a fault has locked and holds. Whether it did, the next fault
 * finds. mmap lock held.
 */
void hmmdev_huge_split_faulting(struct vm_area_struct *vma, unsigned long addr,
				struct folio *folio);
#endif
