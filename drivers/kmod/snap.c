// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Snapshots
 *
 * Where the pages of a range are, asked window by window from hmm_range_fault() with nothing
 * requested, so that nothing is faulted in. Under the entry lock, while the answers are known to be
 * true, each is turned in place into one word that says what the caller may know; the words become
 * runs, and go to the user, after the lock is dropped.
 */
#include <linux/hmm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "device.h"
#include "patience.h"
#include "space.h"

#define HMMDEV_SNAP_PAGES 4096U	/* looked at per hold of the mmap lock: some 100 us if all differ */
#define HMMDEV_SNAP_WINDOW_BYTES ((u64)HMMDEV_SNAP_PAGES << PAGE_SHIFT)
#define HMMDEV_SNAP_GAP_BYTES (1ULL << 43)	/* of a gap at once: its pages fit a run's u32 */

enum {
	HMMDEV_SNAP_E_FULL = 1,
};

struct hmmdev_snap_job {
	struct hmmdev_space *space;
	struct hmmdev_device *dev;	/* NULL: nobody looks */
	struct mm_struct *mm;
	struct hmmdev_snap *snap;
	struct hmm_range range;		/* of the window; its answers, then its words */
	struct hmmdev_snap_ent run;	/* not yet written; npages 0: none */
	unsigned long word;		/* of the run */
};

/* A page's word: equal words make a run. */
static unsigned long hmmdev_snap_pack(enum hmmdev_where where, u16 unit, u32 prot, u8 order)
{
	return (unsigned long)unit << 24 | order << 16 | prot << 8 | where;
}

static void hmmdev_snap_unpack(unsigned long word, struct hmmdev_snap_ent *ret_ent)
{
	ret_ent->where = word & 0xff;
	ret_ent->prot = word >> 8 & 0xff;
	ret_ent->order = word >> 16 & 0xff;
	ret_ent->unit = word >> 24 & 0xffff;
}

static u32 hmmdev_snap_prot(unsigned long answer)
{
	unsigned int shift = hmm_pfn_to_map_order(answer) + PAGE_SHIFT;
	u32 prot = HMMDEV_PROT_READ;

	if (answer & HMM_PFN_WRITE)
		prot |= HMMDEV_PROT_WRITE;
	if (shift == PMD_SHIFT)
		prot |= HMMDEV_PROT_PMD;
	else if (shift == PUD_SHIFT)
		prot |= HMMDEV_PROT_PUD;
	return prot;
}

static enum hmmdev_where hmmdev_snap_where(struct hmmdev_snap_job *job, struct page *page,
					   u16 *ret_unit)
{
	struct hmmdev_device *dev;

	*ret_unit = 0;
	if (is_zero_pfn(page_to_pfn(page)))
		return HMMDEV_WHERE_ZERO;
	if (!is_zone_device_page(page)) {
		*ret_unit = page_to_nid(page);
		return HMMDEV_WHERE_SYS;
	}
	if (!hmmdev_page_is_ours(page))
		return HMMDEV_WHERE_OTHER;
	dev = hmmdev_page_device(page);
	*ret_unit = dev->number;
	return dev == job->dev ? HMMDEV_WHERE_LOCAL : HMMDEV_WHERE_REMOTE;
}

/*
 * Of a huge page on another private device the kernel says ERROR, as of memory without access; but
 * where the mapping is ordinary memory that may be read, it is only that nothing is known.
 */
static unsigned long hmmdev_snap_word(struct hmmdev_snap_job *job, unsigned long answer,
				      bool ordinary)
{
	enum hmmdev_where where;
	u16 unit;

	if (answer & HMM_PFN_ERROR && !ordinary)
		return hmmdev_snap_pack(HMMDEV_WHERE_ERROR, 0, 0, 0);
	if (!(answer & HMM_PFN_VALID))
		return hmmdev_snap_pack(HMMDEV_WHERE_HOLE, 0, 0, 0);
	where = hmmdev_snap_where(job, hmm_pfn_to_page(answer), &unit);
	return hmmdev_snap_pack(where, unit, hmmdev_snap_prot(answer),
				hmm_pfn_to_map_order(answer));
}

/* The run that is being collected goes to the user; its place in vec has been there all along. */
static int hmmdev_snap_flush(struct hmmdev_snap_job *job)
{
	struct hmmdev_snap *snap = job->snap;
	struct hmmdev_snap_ent __user *to = u64_to_user_ptr(snap->vec);

	if (!job->run.npages)
		return 0;
	if (copy_to_user(to + snap->out_n, &job->run, sizeof(job->run)))
		return -EFAULT;
	snap->out_n++;
	snap->next = job->run.addr + ((u64)job->run.npages << PAGE_SHIFT);
	job->run.npages = 0;
	return 0;
}

/* Pages that are alike join the run or begin the next one. HMMDEV_SNAP_E_FULL: no place for it. */
static int hmmdev_snap_add(struct hmmdev_snap_job *job, u64 addr, u32 npages, unsigned long word)
{
	int rc;

	if (job->run.npages && word == job->word && job->run.npages <= U32_MAX - npages) {
		job->run.npages += npages;
		return 0;
	}
	rc = hmmdev_snap_flush(job);
	if (rc)
		return rc;
	if (job->snap->out_n == job->snap->vec_n)
		return HMMDEV_SNAP_E_FULL;
	hmmdev_snap_unpack(word, &job->run);
	job->run.addr = addr;
	job->run.npages = npages;
	job->word = word;
	return 0;
}

static int hmmdev_snap_emit(struct hmmdev_snap_job *job)
{
	u64 addr = job->range.start;
	unsigned long i;
	int rc = 0;

	for (i = 0; addr < job->range.end && !rc; i++, addr += PAGE_SIZE)
		rc = hmmdev_snap_add(job, addr, 1, job->range.hmm_pfns[i]);
	return rc;
}

/* Answers become words. -EBUSY: they are not true any more. */
static int hmmdev_snap_settle(struct hmmdev_snap_job *job, bool ordinary)
{
	unsigned long *answer = job->range.hmm_pfns;
	unsigned long *end = answer + ((job->range.end - job->range.start) >> PAGE_SHIFT);
	int rc = -EBUSY;

	mutex_lock(&job->space->entries);
	if (!mmu_interval_read_retry(job->range.notifier, job->range.notifier_seq)) {
		for (; answer < end; answer++)
			*answer = hmmdev_snap_word(job, *answer, ordinary);
		rc = 0;
	}
	mutex_unlock(&job->space->entries);
	return rc;
}

/* Asks about the next window: a part of one mapping, or all of a gap between mappings. */
static int hmmdev_snap_ask(struct hmmdev_snap_job *job, u64 addr, u64 end, bool *ret_gap,
			   bool *ret_ordinary)
{
	struct vm_area_struct *vma = find_vma(job->mm, addr);

	*ret_gap = !vma || vma->vm_start > addr;
	job->range.start = addr;
	job->range.end = min(end, addr + HMMDEV_SNAP_GAP_BYTES);
	if (*ret_gap) {
		if (vma)
			job->range.end = min_t(u64, job->range.end, vma->vm_start);
		return 0;
	}
	job->range.end = min3(end, (u64)vma->vm_end, addr + HMMDEV_SNAP_WINDOW_BYTES);
	*ret_ordinary = vma_is_anonymous(vma) && vma->vm_flags & VM_READ;
	memset(job->range.hmm_pfns, 0, HMMDEV_SNAP_PAGES * sizeof(*job->range.hmm_pfns));
	return hmm_range_fault(&job->range);
}

static int hmmdev_snap_window(struct hmmdev_snap_job *job, u64 addr, u64 end)
{
	bool gap, ordinary;
	int rc;

	job->range.notifier_seq = mmu_interval_read_begin(job->range.notifier);
	if (mmap_read_lock_killable(job->mm))
		return -EINTR;
	rc = hmmdev_snap_ask(job, addr, end, &gap, &ordinary);
	mmap_read_unlock(job->mm);
	if (!rc && gap)
		return hmmdev_snap_add(job, addr, (job->range.end - addr) >> PAGE_SHIFT,
				       hmmdev_snap_pack(HMMDEV_WHERE_ERROR, 0, 0, 0));
	if (!rc)
		rc = hmmdev_snap_settle(job, ordinary);
	return rc ? rc : hmmdev_snap_emit(job);
}

static int hmmdev_snap_windows(struct hmmdev_snap_job *job)
{
	u64 addr = job->snap->addr, end = addr + job->snap->len;
	struct hmmdev_patience patience;
	int rc = 0;

	hmmdev_patience_start(&patience, 0);
	while (addr < end && !rc) {
		if (fatal_signal_pending(current))
			return -EINTR;
		rc = hmmdev_snap_window(job, addr, end);
		if (rc == -EBUSY && !hmmdev_patience_ends(&patience)) {
			rc = 0;
		} else if (!rc) {
			addr = job->range.end;
			hmmdev_patience_start(&patience, 0);
		}
	}
	return rc == HMMDEV_SNAP_E_FULL ? 0 : rc ?: hmmdev_snap_flush(job);
}

static int hmmdev_snap_with_mm(struct hmmdev_snap_job *job)
{
	int rc;

	job->range.notifier = &job->space->notifier;
	job->range.dev_private_owner = job->dev ? (void *)job->dev : (void *)job->space;
	job->range.hmm_pfns = kvmalloc_array(HMMDEV_SNAP_PAGES, sizeof(*job->range.hmm_pfns),
					     GFP_KERNEL_ACCOUNT);
	if (!job->range.hmm_pfns)
		return -ENOMEM;
	rc = hmmdev_snap_windows(job);
	kvfree(job->range.hmm_pfns);
	return rc;
}

int hmmdev_snapshot(struct hmmdev_space *space, struct hmmdev_snap *snap)
{
	struct hmmdev_snap_job job = { .space = space, .snap = snap };
	int rc;

	snap->out_n = 0;
	snap->next = snap->addr;
	if (!snap->vec_n)
		return -EINVAL;
	if (snap->dev != HMMDEV_DEV_NONE) {
		job.dev = hmmdev_device_get(snap->dev);
		if (!job.dev)
			return -ENODEV;
	}
	rc = hmmdev_space_get_mm(space, &job.mm);
	if (!rc) {
		rc = hmmdev_snap_with_mm(&job);
		mmput(job.mm);
	}
	if (job.dev)
		hmmdev_device_put(job.dev);
	return rc;
}
