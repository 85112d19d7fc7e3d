// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: CPU faults on private memory
 *
 * The CPU touched private memory that is on a device: it comes back, whatever that costs, for there
 * is nothing else to answer but SIGBUS. Who touches pays. A fault with a PTE is about that page,
 * which may still be part of a huge folio (partial unmap, mremap): the core splits it then. The
 * address is the fault's, never derived from the page.
 *
 * A fault without a PTE is about a huge page, which leaves whole only under locks that a fault does
 * not have (huge.c): it gives up the one that it has, takes them, and whoever made it makes it
 * again. Where that is not allowed (a debugger reads), where others map the page, or where it cannot
 * come whole it is split instead, and the next fault is about a small page, which has an answer.
 *
 * After a fork the page may belong to another space than the process that touched it: counts go to
 * the space that put it there, events only when the address means something to it.
 */
#include <linux/time64.h>
#include <linux/pagemap.h>

#include "compat.h"
#include "huge.h"
#include "loan.h"
#include "move.h"
#include "space.h"

static u64 hmmdev_fault_bytes(const struct hmmdev_move *mv)
{
	return mv->npages * PAGE_SIZE;
}

/* Came back before its time on the device was over, again and again? */
static void hmmdev_note_return(struct hmmdev_move *mv, unsigned int order, u64 now_ns)
{
	struct hmmdev_space *space = mv->space;
	unsigned long flags;
	u32 times = 0;
	int rc;

	spin_lock_irqsave(&space->thrash_lock, flags);
	rc = hmmdev_thrash_returned(space->thrash, mv->addr, now_ns, &times);
	spin_unlock_irqrestore(&space->thrash_lock, flags);
	if (rc)
		atomic64_inc(&space->count.thrash);
	if (rc == HMMDEV_THRASH_E_THRASH)
		hmmdev_space_event(space, HMMDEV_EVENT_THRASH, mv->addr, hmmdev_fault_bytes(mv),
				   mv->from->number, order, times);
}

static void hmmdev_note_fault(struct hmmdev_move *mv, unsigned int order)
{
	struct hmmdev_space *space = mv->space;
	u64 ns = mv->sum->ns_mm + mv->sum->ns_copy;
	u32 us = min_t(u64, ns / NSEC_PER_USEC, U32_MAX);

	atomic64_inc(&space->count.cpu_faults);
	if (mv->vma->vm_mm != space->mm)
		return;
	hmmdev_note_return(mv, order, mv->start_ns + ns);
	if (hmmdev_range_flags(space, mv->addr) & HMMDEV_RANGE_FAULT_EVENTS)
		hmmdev_space_event(space, HMMDEV_EVENT_CPU_FAULT, mv->addr, hmmdev_fault_bytes(mv),
				   mv->from->number, order, us);
}

/* Nothing came back. A page that somebody else holds for the moment is touched again. */
static vm_fault_t hmmdev_fault_answer(struct hmmdev_move *mv)
{
	if (mv->error) {
		atomic64_inc(&mv->space->count.faults_failed);
		return VM_FAULT_SIGBUS;
	}
	return mv->sum->skip_nomem ? VM_FAULT_OOM : 0;
}

static vm_fault_t hmmdev_fault_page(struct vm_fault *vmf)
{
	unsigned long src = 0, dst = 0;
	struct hmmdev_migrate sum = {};
	struct hmmdev_move mv = {
		.space = hmmdev_page_space(vmf->page),
		.from = hmmdev_page_device(vmf->page),
		.nid = NUMA_NO_NODE,
		.vma = vmf->vma,
		.fault_page = vmf->page,
		.addr = ALIGN_DOWN(vmf->address, PAGE_SIZE),
		.npages = 1,
		.src = &src,
		.dst = &dst,
		.sum = &sum,
	};

	if (hmmdev_move_vma(&mv))
		return VM_FAULT_SIGBUS;
	if (!sum.moved)
		return hmmdev_fault_answer(&mv);
	hmmdev_note_fault(&mv, 0);
	return 0;
}

/* Did it come back? */
static bool hmmdev_fault_whole(struct vm_area_struct *vma, unsigned long addr, struct folio *folio)
{
	struct hmmdev_migrate sum = {};
	struct hmmdev_move mv = {
		.space = hmmdev_page_space(&folio->page),
		.from = hmmdev_page_device(&folio->page),
		.nid = NUMA_NO_NODE,
		.vma = vma,
		.fault_page = &folio->page,
		.addr = addr,
		.npages = HPAGE_PMD_NR,
		.sum = &sum,
	};

	if (hmmdev_huge_is_shared(folio))
		return false;
	hmmdev_move_open(&mv);
	if (!hmmdev_move_vma(&mv) && sum.moved)
		hmmdev_note_fault(&mv, HPAGE_PMD_ORDER);
	hmmdev_move_close(&mv);
	return sum.moved;
}

/* With the locks of the mm and the VMA held for writing. Much may have happened since the fault. */
static void hmmdev_fault_again(struct vm_area_struct *vma, unsigned long addr, struct folio *folio)
{
	if (hmmdev_huge_at(vma, addr) == folio && !hmmdev_fault_whole(vma, addr, folio))
		hmmdev_huge_split_faulting(vma, addr, folio);
}

/* The VMA, which nobody else has a lock of any more; NULL: there is none. */
static struct vm_area_struct *hmmdev_fault_exclude(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);

	if (vma)
		hmmdev_vma_exclude(vma);
	return vma;
}

/*
 * The folio's lock comes after those of the mm and the VMA: who holds one of them may wait for the
 * folio's, or for the folio to be split.
 */
static vm_fault_t hmmdev_fault_unlocked(struct vm_fault *vmf, unsigned long addr,
					struct folio *folio)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	struct vm_area_struct *vma = NULL;
	struct hmmdev_loan loan;
	bool killed;

	folio_unlock(folio);
	hmmdev_loan_begin(&loan, folio);
	mmap_read_unlock(mm);
	killed = mmap_write_lock_killable(mm);
	if (!killed)
		vma = hmmdev_fault_exclude(mm, addr);
	hmmdev_loan_end(&loan);
	folio_lock(folio);
	if (vma)
		hmmdev_fault_again(vma, addr, folio);
	if (!killed)
		mmap_write_unlock(mm);
	return VM_FAULT_RETRY;
}

static vm_fault_t hmmdev_fault_huge(struct vm_fault *vmf)
{
	unsigned int how = vmf->flags & (FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT);
	unsigned long addr = ALIGN_DOWN(vmf->address, HPAGE_PMD_SIZE);
	struct folio *folio = page_folio(vmf->page);

	if (how == FAULT_FLAG_ALLOW_RETRY && !hmmdev_huge_is_shared(folio))
		return hmmdev_fault_unlocked(vmf, addr, folio);
	hmmdev_huge_split_faulting(vmf->vma, addr, folio);
	return 0;
}

vm_fault_t hmmdev_fault(struct vm_fault *vmf)
{
	struct hmmdev_space *space = hmmdev_page_space(vmf->page);
	vm_fault_t ret;

	/* The page may take its reference on the space with it. */
	hmmdev_space_hold(space);
	if (!vmf->pte && folio_test_large(page_folio(vmf->page)))
		ret = hmmdev_fault_huge(vmf);
	else
		ret = hmmdev_fault_page(vmf);
	hmmdev_space_put(space);
	return ret;
}
