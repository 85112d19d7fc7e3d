// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Eviction by block
 *
 * Eviction block by block: for pressure, the oldest blocks first, and for drains. Each page goes
 * through the page table of one that maps it (mapper.c): its owner's, or after a fork that of whoever
 * is left. The mmap lock is held for reading, and for writing where the page is huge (huge.c). Pages
 * that were put there in a row go together, but none of another block, which may have its time.
 */
#include <linux/ktime.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "evict.h"
#include "huge.h"
#include "mapper.h"
#include "move.h"

/* The page of a block that is to leave, and those after it that may go the same way. */
struct hmmdev_leaving {
	struct hmmdev_move mv;
	struct folio *folio;	/* without a reference */
	unsigned int order;
	unsigned long npages;
};

/*
 * The first page in use from number `at` on. After a try in vain each is asked for alone: what the
 * others wait for is not known.
 */
static bool hmmdev_leaving_next(struct hmmdev_leaving *l, u64 *at, u64 end, bool alone)
{
	struct hmmdev_device *dev = l->mv.from;
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&dev->lock, flags);
	rc = hmmdev_blocks_next_head(dev->blocks, *at, end, at, &l->order);
	spin_unlock_irqrestore(&dev->lock, flags);
	if (rc)
		return false;
	l->folio = (struct folio *)pfn_to_page(dev->first_pfn + *at);
	if (l->order)
		l->npages = HMMDEV_HUGE_PAGES;
	else
		l->npages = alone ? 1 : hmmdev_in_a_row(l->folio, end - *at);
	return true;
}

/*
 * Did any leave? A huge page may have others' small entries instead of its own one, or this one's: it
 * is split then. No other huge page is touched.
 */
static bool hmmdev_leave_locked(struct hmmdev_leaving *l)
{
	struct hmmdev_move *mv = &l->mv;
	u64 before = mv->sum->moved;
	struct folio *huge;
	unsigned long end;

	if (!mv->vma)
		return false;
	if (l->order)
		hmmdev_vma_exclude(mv->vma);
	huge = hmmdev_huge_at(mv->vma, mv->addr);
	if (huge && !(l->order && huge == l->folio))
		return false;
	end = min(mv->vma->vm_end, ALIGN(mv->addr + 1, HPAGE_PMD_SIZE));
	mv->npages = min((end - mv->addr) / PAGE_SIZE, l->npages);
	mv->small = !huge;
	hmmdev_move_open(mv);
	hmmdev_move_vma(mv);
	hmmdev_move_close(mv);
	return mv->sum->moved > before;
}

static bool hmmdev_leave_lock(struct mm_struct *mm, bool exclusive, bool wait)
{
	if (wait)
		return !hmmdev_mm_lock(mm, exclusive);
	return exclusive ? hmmdev_mmap_write_trylock(mm) : mmap_read_trylock(mm);
}

/* Through one that may map it. The batch comes after the lock, as everywhere. */
static bool hmmdev_leave_through(struct hmmdev_leaving *l, struct mm_struct *mm, bool wait)
{
	bool moved;

	if (!hmmdev_leave_lock(mm, l->order, wait))
		return false;
	l->mv.vma = vma_lookup(mm, l->mv.addr);
	moved = hmmdev_leave_locked(l);
	hmmdev_mm_unlock(mm, l->order);
	return moved;
}

/* Through the first of them that anything moves through. */
static bool hmmdev_leave_mapped(struct hmmdev_leaving *l, bool wait, const struct mm_struct *asks)
{
	struct mm_struct *mm;
	bool moved = false;
	unsigned int n;

	for (n = 0; !moved && !fatal_signal_pending(current); n++) {
		mm = hmmdev_mapper(l->mv.from, l->folio, l->order, n, &l->mv.addr);
		if (!mm)
			break;
		moved = hmmdev_leave_through(l, mm, wait || mm == asks);
		mmput(mm);
	}
	return moved;
}

/*
 * Pressure takes another page when no mmap lock is free, but waits for that of the program that
 * asks, which may have no other page there; a drain has to wait: the lock of a program that maps and
 * unmaps all the time is never free to who only tries.
 */
static bool hmmdev_leave(struct hmmdev_leaving *l, bool wait, const struct mm_struct *asks)
{
	return hmmdev_leave_mapped(l, false, NULL) ||
	       ((wait || asks) && hmmdev_leave_mapped(l, wait, asks));
}

/* The page itself may be left when others have moved: it is tried again, now by another's table. */
u64 hmmdev_evict_block(struct hmmdev_device *dev, u64 block, bool wait,
		       const struct mm_struct *asks)
{
	struct hmmdev_migrate sum = {};
	struct hmmdev_leaving l = {
		.mv.from = dev,
		.mv.block_pfn = dev->first_pfn + block,
		.mv.nid = NUMA_NO_NODE,
		.mv.sum = &sum,
	};
	u64 at = block, end = block + HMMDEV_HUGE_PAGES;
	bool moved = true;

	while (sum.moved < HMMDEV_HUGE_PAGES && !fatal_signal_pending(current) &&
	       hmmdev_leaving_next(&l, &at, end, !moved)) {
		moved = hmmdev_leave(&l, wait, asks);
		at += !moved;
		cond_resched();
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
