// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Eviction by block
 *
 * Eviction block by block: for pressure, the oldest blocks first, and for drains. A huge page goes
 * through the page table of one that maps it, with the mmap lock held for writing (huge.c): its
 * owner's, or after a fork that of whoever is left. Small pages are found by device pfn and mapped
 * back by the kernel's reverse map, which for a huge page would neither keep others from unmapping
 * it meanwhile nor split it where there is no order-9 system page.
 */
#include <linux/ktime.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "evict.h"
#include "huge.h"
#include "move.h"

static struct folio *hmmdev_block_folio(struct hmmdev_device *dev, u64 block)
{
	return (struct folio *)pfn_to_page(dev->first_pfn + block);
}

static bool hmmdev_block_is_whole(struct hmmdev_device *dev, u64 block)
{
	unsigned int order;
	unsigned long flags;
	u64 head;
	int rc;

	spin_lock_irqsave(&dev->lock, flags);
	rc = hmmdev_blocks_next_head(dev->blocks, block, block + 1, &head, &order);
	spin_unlock_irqrestore(&dev->lock, flags);
	return !rc && order;
}

/* Is it still what that address is about? */
static bool hmmdev_move_mapped(struct hmmdev_move *mv, struct folio *folio)
{
	if (!mv->vma)
		return false;
	hmmdev_vma_exclude(mv->vma);
	if (hmmdev_huge_at(mv->vma, mv->addr) != folio)
		return false;
	hmmdev_move_open(mv);
	hmmdev_move_vma(mv);
	hmmdev_move_close(mv);
	return mv->sum->moved;
}

/* Through one that maps the huge page. The batch comes after the lock, as everywhere. */
static bool hmmdev_evict_through(struct hmmdev_move *mv, struct mm_struct *mm, struct folio *folio,
				 bool wait)
{
	bool moved;

	if (wait ? mmap_write_lock_killable(mm) : !hmmdev_mmap_write_trylock(mm))
		return false;
	mv->vma = vma_lookup(mm, mv->addr);
	moved = hmmdev_move_mapped(mv, folio);
	mmap_write_unlock(mm);
	return moved;
}

/* Through the first of them that it moves through. */
static bool hmmdev_evict_mapped(struct hmmdev_move *mv, struct folio *folio, bool wait,
				const struct mm_struct *asks)
{
	struct mm_struct *mm;
	bool moved = false;
	unsigned int n;

	for (n = 0; !moved && !fatal_signal_pending(current); n++) {
		mm = hmmdev_huge_mapper(folio, n, &mv->addr);
		if (!mm)
			break;
		moved = hmmdev_evict_through(mv, mm, folio, wait || mm == asks);
		mmput(mm);
	}
	mv->vma = NULL;
	return moved;
}

/*
 * Pressure takes another page when no mmap lock is free, but waits for that of the program that
 * asks, which may have no other page there; a drain has to wait: the lock of a program that maps and
 * unmaps all the time is never free to who only tries.
 */
static void hmmdev_evict_huge(struct hmmdev_move *mv, struct folio *folio, bool wait,
			      const struct mm_struct *asks)
{
	if (!hmmdev_evict_mapped(mv, folio, false, NULL) && (wait || asks))
		hmmdev_evict_mapped(mv, folio, wait, asks);
}

u64 hmmdev_evict_block(struct hmmdev_device *dev, u64 block, bool wait,
		       const struct mm_struct *asks)
{
	struct hmmdev_migrate sum = {};
	struct hmmdev_move mv = {
		.from = dev,
		.nid = NUMA_NO_NODE,
		.npages = HMMDEV_HUGE_PAGES,
		.sum = &sum,
	};

	if (hmmdev_block_is_whole(dev, block))
		hmmdev_evict_huge(&mv, hmmdev_block_folio(dev, block), wait, asks);
	if (!sum.moved) {
		hmmdev_move_open(&mv);
		hmmdev_move_block(&mv, block);
		hmmdev_move_close(&mv);
	}
	return sum.moved * PAGE_SIZE;
}

int hmmdev_evict_next(struct hmmdev_device *dev, struct hmmdev_blocks_cursor *cursor, u64 now_ns,
		      u64 *ret_block)
{
	unsigned long flags;
	int rc;

	do {
		spin_lock_irqsave(&dev->lock, flags);
		rc = hmmdev_blocks_oldest(dev->blocks, cursor, now_ns, ret_block);
		spin_unlock_irqrestore(&dev->lock, flags);
		cond_resched();
	} while (rc == HMMDEV_BLOCKS_E_MORE);
	return rc;
}

s64 hmmdev_evict_oldest(struct hmmdev_device *dev, const struct hmmdev_user *of,
			const struct mm_struct *asks, u64 bytes, u64 now_ns)
{
	struct hmmdev_blocks_cursor cursor = {};
	u64 freed = 0, block;

	while (freed < bytes && !signal_pending(current) &&
	       !hmmdev_evict_next(dev, &cursor, now_ns, &block))
		if (!of || hmmdev_block_is_of(dev, block, of))
			freed += hmmdev_evict_block(dev, block, false, asks);
	return !freed && signal_pending(current) ? -EINTR : (s64)freed;
}
