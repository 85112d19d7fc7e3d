// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: CPU faults on private memory
 *
 * The CPU touched private memory that is on a device: it comes back, whatever that costs, for there
 * is nothing else to answer but SIGBUS. Who touches pays. A fault without a PTE is about a whole
 * PMD entry and brings the huge page; with one it is about that page, which may still be part of a
 * huge folio (partial unmap, mremap): the core splits it then. The address is the fault's, never
 * derived from the page.
 *
 * After a fork the page may belong to another space than the process that touched it: counts go to
 * the space that put it there, events only when the address means something to it.
 */
#include <linux/time64.h>
#include <linux/pagemap.h>

#include "compat.h"
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

static vm_fault_t hmmdev_fault_move(struct hmmdev_move *mv, unsigned int order)
{
	if (hmmdev_move_vma(mv))
		return VM_FAULT_SIGBUS;
	if (!mv->sum->moved)
		return hmmdev_fault_answer(mv);
	hmmdev_note_fault(mv, order);
	return 0;
}

vm_fault_t hmmdev_fault(struct vm_fault *vmf)
{
	unsigned int order = vmf->pte ? 0 : folio_order(page_folio(vmf->page));
	unsigned long src = 0, dst = 0;
	struct hmmdev_migrate sum = {};
	struct hmmdev_move mv = {
		.space = hmmdev_page_space(vmf->page),
		.from = hmmdev_page_device(vmf->page),
		.nid = NUMA_NO_NODE,
		.vma = vmf->vma,
		.fault_page = vmf->page,
		.addr = ALIGN_DOWN(vmf->address, PAGE_SIZE << order),
		.npages = 1UL << order,
		.src = &src,
		.dst = &dst,
		.sum = &sum,
	};
	vm_fault_t ret;

	/* The page may take its reference on the space with it. */
	hmmdev_space_hold(mv.space);
	if (order)
		hmmdev_move_open(&mv);
	ret = hmmdev_fault_move(&mv, order);
	if (order)
		hmmdev_move_close(&mv);
	hmmdev_space_put(mv.space);
	return ret;
}
