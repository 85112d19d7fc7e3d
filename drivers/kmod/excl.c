// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Exclusive access
 *
 * make_device_exclusive() takes one page at a time away from the CPU and leaves it locked. The
 * entry goes into the mirror under the entry lock, if nothing has happened to the address since
 * before the page was taken; only then is the page unlocked. "Nothing" leaves out the notice of our
 * own taking, which the space's notifier must not overlook (it invalidates whoever else looks at
 * the page), so ACQUIRE watches the range with a notifier of its own that does.
 *
 * The mirror remembers what is exclusive: any invalidation of such an entry is the end of it, and
 * is told. RELEASE forgets the entries and faults the pages back.
 */
#include <linux/hmm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "device.h"
#include "patience.h"
#include "space.h"
#include "window.h"

#define HMMDEV_EXCL_WINDOW HMMDEV_HUGE_SIZE	/* released at once: some 10 us of the entry lock */
#define HMMDEV_EXCL_STEP (4ULL << 30)	/* looked through at once: 1 ms, if all is small */

struct hmmdev_excl_job {
	struct mmu_interval_notifier notifier;
	struct hmmdev_space *space;
	struct hmmdev_device *dev;
	struct hmmdev_mirror *mirror;
	struct mm_struct *mm;
	struct hmmdev_excl *excl;
};

static bool hmmdev_excl_invalidate(struct mmu_interval_notifier *notifier,
				   const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct hmmdev_excl_job *job = container_of(notifier, struct hmmdev_excl_job, notifier);

	if (range->event == MMU_NOTIFY_EXCLUSIVE && range->owner == job->mirror)
		return true;
	if (mmu_notifier_range_blockable(range))
		mutex_lock(&job->space->entries);
	else if (!mutex_trylock(&job->space->entries))
		return false;
	mmu_interval_set_seq(notifier, cur_seq);
	mutex_unlock(&job->space->entries);
	return true;
}

static const struct mmu_interval_notifier_ops hmmdev_excl_notifier_ops = {
	.invalidate = hmmdev_excl_invalidate,
};

/* Is the address mapped by an entry of the PMD level, which taking a page of it splits? */
static bool hmmdev_excl_splits(struct hmmdev_excl_job *job, u64 addr)
{
	unsigned long answer = 0;
	struct hmm_range range = {
		.notifier = &job->notifier,
		.notifier_seq = mmu_interval_read_begin(&job->notifier),
		.start = addr,
		.end = addr + PAGE_SIZE,
		.hmm_pfns = &answer,
	};
	int rc;

	mmap_read_lock(job->mm);
	rc = hmm_range_fault(&range);
	mmap_read_unlock(job->mm);
	return !rc && answer & HMM_PFN_VALID && hmm_pfn_to_map_order(answer) == HMMDEV_HUGE_ORDER;
}

static int hmmdev_excl_vma_check(struct hmmdev_excl_job *job, u64 addr)
{
	struct vm_area_struct *vma = vma_lookup(job->mm, addr);

	if (!vma || !(vma->vm_flags & VM_READ))
		return -EINVAL;
	if (is_vm_hugetlb_page(vma) || vma->vm_flags & (VM_SHARED | VM_IO | VM_PFNMAP))
		return -EOPNOTSUPP;
	return vma->vm_flags & VM_WRITE ? 0 : -EPERM;
}

static int hmmdev_excl_take(struct hmmdev_excl_job *job, u64 addr, struct page **ret_page,
			    struct folio **ret_folio)
{
	int rc;

	if (mmap_read_lock_killable(job->mm))
		return -EINTR;
	rc = hmmdev_excl_vma_check(job, addr);
	if (!rc) {
		*ret_page = hmmdev_make_exclusive(job->mm, addr, job->mirror, ret_folio);
		rc = PTR_ERR_OR_ZERO(*ret_page);
	}
	mmap_read_unlock(job->mm);
	return rc;
}

/* -EBUSY: the page was taken back meanwhile, or an unmap has taken the table away. */
static int hmmdev_excl_store(struct hmmdev_excl_job *job, u64 addr, struct page *page,
			     unsigned long seq)
{
	struct hmmdev_entry entry = hmmdev_entry_make(page_to_pfn(page),
						      HMMDEV_ENTRY_WRITE | HMMDEV_ENTRY_EXCL, 0);
	int rc = -EBUSY;

	mutex_lock(&job->space->entries);
	if (!mmu_interval_read_retry(&job->notifier, seq))
		rc = hmmdev_mirror_set(job->mirror, addr >> PAGE_SHIFT, entry);
	mutex_unlock(&job->space->entries);
	return rc == HMMDEV_MIRROR_E_MISSING ? -EBUSY : rc;
}

static int hmmdev_excl_try(struct hmmdev_excl_job *job, u64 addr)
{
	unsigned long seq = mmu_interval_read_begin(&job->notifier);
	struct folio *folio;
	struct page *page;
	int rc = hmmdev_mirror_grow(job->space, job->mirror, addr >> PAGE_SHIFT,
				    addr >> PAGE_SHIFT, 0);

	if (rc)
		return rc;
	rc = hmmdev_excl_take(job, addr, &page, &folio);
	if (rc)
		return rc;
	rc = hmmdev_excl_store(job, addr, page, seq);
	folio_unlock(folio);
	folio_put(folio);
	return rc;
}

static u64 hmmdev_excl_count(struct hmmdev_excl_job *job, u64 addr, u64 end)
{
	u64 pages;

	mutex_lock(&job->space->entries);
	pages = hmmdev_mirror_count(job->mirror, addr >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT).excl;
	mutex_unlock(&job->space->entries);
	return pages;
}

/*
 * A try that came too late leaves the page taken from the CPU but not given to the device. The next
 * one would first undo that, which is an invalidation and so the end of that try too: undo it
 * before.
 */
static int hmmdev_excl_page(struct hmmdev_excl_job *job, u64 addr)
{
	struct hmmdev_patience patience;
	int rc;

	if (hmmdev_excl_count(job, addr, addr + PAGE_SIZE))
		return 0;
	hmmdev_patience_start(&patience, job->excl->timeout_ms);
	while ((rc = hmmdev_excl_try(job, addr)) == -EBUSY && !hmmdev_patience_ends(&patience)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		rc = hmmdev_mirror_fill(job->space, job->mm, job->dev, addr, addr + PAGE_SIZE,
					HMMDEV_ACCESS_WRITE);
		if (rc)
			return rc;
	}
	return rc;
}

static int hmmdev_excl_pages(struct hmmdev_excl_job *job)
{
	struct hmmdev_excl *e = job->excl;
	bool splits;
	int rc = 0;

	for (; e->next < e->addr + e->len; e->next += PAGE_SIZE, e->pages++) {
		splits = (e->next == e->addr || IS_ALIGNED(e->next, HMMDEV_HUGE_SIZE)) &&
			 hmmdev_excl_splits(job, e->next);
		rc = hmmdev_excl_page(job, e->next);
		if (rc)
			break;
		e->splits += splits;
	}
	atomic64_add(e->splits, &job->space->count.splits);
	return rc;
}

static int hmmdev_excl_acquire_work(struct hmmdev_excl_job *job)
{
	struct hmmdev_excl *e = job->excl;
	int rc;

	if (hmmdev_ranges_flags(job->space, e->addr, e->addr + e->len) & HMMDEV_RANGE_NO_SPLIT)
		return -EOPNOTSUPP;
	rc = mmu_interval_notifier_insert(&job->notifier, job->mm, e->addr, e->len,
					  &hmmdev_excl_notifier_ops);
	if (rc)
		return rc;
	rc = hmmdev_excl_pages(job);
	mmu_interval_notifier_remove(&job->notifier);
	return rc;
}

/* Under entries. */
static bool hmmdev_excl_has(struct hmmdev_excl_job *job, u64 addr)
{
	struct hmmdev_entry entry;

	return !hmmdev_mirror_get(job->mirror, addr >> PAGE_SHIFT, &entry) &&
	       hmmdev_entry_excl(entry);
}

/* Forgets the first run of exclusive pages of the window; pages, 0: there is none. */
static u64 hmmdev_excl_forget(struct hmmdev_excl_job *job, const struct hmmdev_window *window,
			      u64 *ret_addr)
{
	u64 addr = window->addr, end;

	while (addr < window->end && !hmmdev_excl_has(job, addr))
		addr += PAGE_SIZE;
	for (end = addr; end < window->end && hmmdev_excl_has(job, end); end += PAGE_SIZE)
		;
	if (end > addr)
		hmmdev_mirror_clear(job->mirror, addr >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT);
	*ret_addr = addr;
	return (end - addr) >> PAGE_SHIFT;
}

/* What cannot be faulted back is no longer mapped, which ends it too. */
static int hmmdev_excl_release_window(struct hmmdev_excl_job *job,
				      const struct hmmdev_window *window)
{
	u64 addr, pages;
	int rc = 0;

	do {
		mutex_lock(&job->space->entries);
		pages = hmmdev_excl_forget(job, window, &addr);
		mutex_unlock(&job->space->entries);
		if (pages)
			rc = hmmdev_mirror_fill(job->space, job->mm, job->dev, addr,
						addr + (pages << PAGE_SHIFT), 0);
		job->excl->pages += pages;
	} while (pages && (!rc || rc == -EFAULT));
	return rc == -EFAULT ? 0 : rc;
}

/* The next window of [addr, end), from its first exclusive page on. False: there is none. */
static bool hmmdev_excl_next(struct hmmdev_excl_job *job, u64 addr, u64 end,
			     struct hmmdev_window *ret_window)
{
	u64 next, vpn;
	int rc = HMMDEV_MIRROR_E_NONE;

	for (; rc && addr < end && !fatal_signal_pending(current); addr = next) {
		next = min(end, addr + HMMDEV_EXCL_STEP);
		mutex_lock(&job->space->entries);
		rc = hmmdev_mirror_next_excl(job->mirror, addr >> PAGE_SHIFT,
					     (next - 1) >> PAGE_SHIFT, &vpn);
		mutex_unlock(&job->space->entries);
		cond_resched();
	}
	if (rc)
		return false;
	ret_window->addr = vpn << PAGE_SHIFT;
	ret_window->end = min(end, ret_window->addr + HMMDEV_EXCL_WINDOW);
	return true;
}

/* By what is exclusive, not by addresses: a range may be as large as an address space. */
static int hmmdev_excl_release_work(struct hmmdev_excl_job *job)
{
	struct hmmdev_excl *e = job->excl;
	u64 end = e->addr + e->len;
	struct hmmdev_window window;
	int rc = 0;

	while (!rc && e->next < end && hmmdev_excl_next(job, e->next, end, &window)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		rc = hmmdev_excl_release_window(job, &window);
		e->next = rc ? window.addr : window.end;
	}
	if (fatal_signal_pending(current))
		return -EINTR;
	if (!rc)
		e->next = end;
	return rc;
}

static int hmmdev_excl_check_work(struct hmmdev_excl_job *job)
{
	job->excl->next = job->excl->addr + job->excl->len;
	job->excl->pages = hmmdev_excl_count(job, job->excl->addr, job->excl->next);
	return 0;
}

static int hmmdev_excl_with_mm(struct hmmdev_excl_job *job,
			       int (*work)(struct hmmdev_excl_job *job))
{
	int rc = hmmdev_mirror_of(job->space, job->dev->number, &job->mirror);

	if (rc)
		return rc;
	if (mutex_lock_killable(&job->space->exclusive))
		return -EINTR;
	rc = work(job);
	mutex_unlock(&job->space->exclusive);
	return rc;
}

/* What the three calls have in common around their work. */
static int hmmdev_excl_run(struct hmmdev_space *space, struct hmmdev_excl *e,
			   int (*work)(struct hmmdev_excl_job *job))
{
	struct hmmdev_excl_job job = { .space = space, .excl = e };
	int rc;

	e->pages = 0;
	e->splits = 0;
	e->next = e->addr;
	if (!HMMDEV_CAN_EXCLUSIVE)
		return -EOPNOTSUPP;
	job.dev = hmmdev_device_get(e->dev);
	if (!job.dev)
		return -ENODEV;
	rc = hmmdev_space_get_mm(space, &job.mm);
	if (!rc) {
		rc = hmmdev_excl_with_mm(&job, work);
		mmput(job.mm);
	}
	hmmdev_device_put(job.dev);
	return rc;
}

int hmmdev_excl_acquire(struct hmmdev_space *space, struct hmmdev_excl *e)
{
	return hmmdev_excl_run(space, e, hmmdev_excl_acquire_work);
}

int hmmdev_excl_release(struct hmmdev_space *space, struct hmmdev_excl *e)
{
	return hmmdev_excl_run(space, e, hmmdev_excl_release_work);
}

int hmmdev_excl_check(struct hmmdev_space *space, struct hmmdev_excl *e)
{
	return hmmdev_excl_run(space, e, hmmdev_excl_check_work);
}
