// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Eviction by block
 *
 * Eviction block by block: for pressure, the oldest blocks first, and for drains. A huge page goes
 * through its owner's page table, with the mmap lock held: the VMA is looked for by the folio's
 * offset, which mremap keeps. What has no owner any more, and small pages, are found by device pfn
 * and mapped back by the kernel's reverse map.
 *
 * The reason for the first way: the kernel (7.2, 7.3) drops a reference too many when it unmaps a
 * huge private page that is on its way, so nobody may unmap it meanwhile. Nor can the second way
 * split a huge page when there is no order-9 system page.
 */
#include <linux/ktime.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "evict.h"
#include "move.h"
#include "space.h"

/* The address of page `index` of private memory in that VMA, or 0. */
static u64 hmmdev_address_in(struct vm_area_struct *vma, pgoff_t index)
{
	if (vma->vm_flags & VM_SHARED || index < vma->vm_pgoff ||
	    index - vma->vm_pgoff >= vma_pages(vma))
		return 0;
	return vma->vm_start + (index - vma->vm_pgoff) * PAGE_SIZE;
}

/* Several VMAs may have the offset: the one that has a page of the device there is it. */
static void hmmdev_move_by_index(struct hmmdev_move *mv, struct mm_struct *mm, pgoff_t index)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma) {
		mv->addr = hmmdev_address_in(vma, index);
		if (!mv->addr || mv->addr + mv->npages * PAGE_SIZE > vma->vm_end)
			continue;
		mv->vma = vma;
		if (hmmdev_move_vma(mv) || mv->sum->moved)
			return;
	}
}

static int hmmdev_evict_by_table_locked(struct hmmdev_move *mv, struct mm_struct *mm, pgoff_t index)
{
	hmmdev_move_open(mv);
	hmmdev_move_by_index(mv, mm, index);
	mv->small = mv->small_next;
	if (!mv->sum->moved && mv->small)
		hmmdev_move_by_index(mv, mm, index);
	hmmdev_move_close(mv);
	return mv->sum->moved ? 0 : -ESRCH;
}

/*
 * A huge page of that space. Pressure takes another one when the mmap lock is not free; a drain has
 * to wait: the lock of a program that maps and unmaps all the time is never free to who only tries.
 * The batch comes after the lock, as everywhere. -EAGAIN: locked; -ESRCH: no owner any more.
 */
static int hmmdev_evict_by_table(struct hmmdev_move *mv, struct hmmdev_space *space, pgoff_t index,
				 bool wait)
{
	struct mm_struct *mm;
	int rc = hmmdev_space_get_mm(space, &mm);

	if (rc)
		return rc;
	rc = -EAGAIN;
	if (wait ? !mmap_read_lock_killable(mm) : mmap_read_trylock(mm)) {
		rc = hmmdev_evict_by_table_locked(mv, mm, index);
		mmap_read_unlock(mm);
	}
	mmput(mm);
	return rc;
}

/*
 * The space of the block's huge page, with a reference, and its offset. NULL: it is none (now). A
 * page in use whose space is not set is about to be mapped, or just freed.
 */
static struct hmmdev_space *hmmdev_huge_owner(struct hmmdev_device *dev, u64 block,
					      pgoff_t *ret_index)
{
	struct page *page = pfn_to_page(dev->first_pfn + block);
	struct hmmdev_space *space = NULL;
	unsigned int order;
	unsigned long flags;
	u64 head;

	spin_lock_irqsave(&dev->lock, flags);
	if (!hmmdev_blocks_next_head(dev->blocks, block, block + 1, &head, &order) && order)
		space = READ_ONCE(page->zone_device_data);
	if (space) {
		hmmdev_space_hold(space);
		*ret_index = ((struct folio *)page)->index;
	}
	spin_unlock_irqrestore(&dev->lock, flags);
	return space;
}

u64 hmmdev_evict_block(struct hmmdev_device *dev, u64 block, bool wait)
{
	struct hmmdev_migrate sum = {};
	struct hmmdev_move mv = {
		.from = dev,
		.nid = NUMA_NO_NODE,
		.npages = HMMDEV_HUGE_PAGES,
		.sum = &sum,
	};
	struct hmmdev_space *owner;
	pgoff_t index;
	int rc = -ESRCH;

	owner = hmmdev_huge_owner(dev, block, &index);
	if (owner) {
		rc = hmmdev_evict_by_table(&mv, owner, index, wait);
		hmmdev_space_put(owner);
	}
	mv.vma = NULL;
	if (rc == -ESRCH) {
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

s64 hmmdev_evict_oldest(struct hmmdev_device *dev, const struct hmmdev_user *of, u64 bytes,
			u64 now_ns)
{
	struct hmmdev_blocks_cursor cursor = {};
	u64 freed = 0, block;

	while (freed < bytes && !signal_pending(current) &&
	       !hmmdev_evict_next(dev, &cursor, now_ns, &block))
		if (!of || hmmdev_block_is_of(dev, block, of))
			freed += hmmdev_evict_block(dev, block, false);
	return !freed && signal_pending(current) ? -EINTR : (s64)freed;
}
