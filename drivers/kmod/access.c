// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Filling mirrors
 *
 * What a device lacks of a range is asked from the kernel by hmm_range_fault(), window by window.
 * Between asking and storing, the tables of the mirror grow: that allocates, so it cannot be done
 * under the entry lock, and what it does is undone by an unmap, so storing checks and starts again.
 * An entry is stored only under the entry lock after the notifier's sequence has been found
 * unchanged; from then on the notifier will take it away in time.
 */
#include <linux/hmm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/userfaultfd_k.h>

#include "compat.h"
#include "device.h"
#include "patience.h"
#include "space.h"
#include "window.h"

struct hmmdev_fill {
	struct hmmdev_space *space;
	struct mm_struct *mm;
	struct hmmdev_mirror *mirror;
	struct hmm_range range;	/* the gap at work */
	u32 access;		/* HMMDEV_ACCESS_* */
};

int hmmdev_mirror_of(struct hmmdev_space *space, u32 number, struct hmmdev_mirror **ret_mirror)
{
	unsigned int bits = space->mm->task_size > 1UL << 48 ? 57 : 48;
	struct hmmdev_mirror *mirror;
	int rc = 0;

	if (number >= HMMDEV_MAX_DEVICES)
		return -ENODEV;
	mutex_lock(&space->populate);
	mirror = space->mirror[number];
	if (!mirror)
		rc = hmmdev_mirror_new(bits, &mirror);
	if (!rc) {
		mutex_lock(&space->entries);
		space->mirror[number] = mirror;
		mutex_unlock(&space->entries);
		*ret_mirror = mirror;
	}
	mutex_unlock(&space->populate);
	return rc;
}

int hmmdev_mirror_grow(struct hmmdev_space *space, struct hmmdev_mirror *mirror, u64 first,
		       u64 last, unsigned int level)
{
	struct hmmdev_mirror_stash stash = {};
	u64 missing;
	int rc;

	mutex_lock(&space->populate);
	do {
		mutex_lock(&space->entries);
		rc = hmmdev_mirror_link(mirror, first, last, level, &stash, &missing);
		mutex_unlock(&space->entries);
		if (rc == HMMDEV_MIRROR_E_MISSING)
			rc = hmmdev_mirror_stash_fill(&stash, missing) ?: -EAGAIN;
	} while (rc == -EAGAIN);
	hmmdev_mirror_stash_free(&stash);
	mutex_unlock(&space->populate);
	return rc;
}

static u64 hmmdev_fill_first(const struct hmmdev_fill *fill)
{
	return fill->range.start >> PAGE_SHIFT;
}

static u64 hmmdev_fill_pages(const struct hmmdev_fill *fill)
{
	return (fill->range.end - fill->range.start) >> PAGE_SHIFT;
}

/* The entry that the kernel's answer for page i makes; it stands for one page or for 512. */
static struct hmmdev_entry hmmdev_fill_entry(const struct hmmdev_fill *fill, u64 i)
{
	unsigned long answer = fill->range.hmm_pfns[i];
	u64 pfn = answer & ~(unsigned long)HMM_PFN_FLAGS;
	unsigned int order = min_t(unsigned int, hmm_pfn_to_map_order(answer), HMMDEV_HUGE_ORDER);

	return hmmdev_entry_make(pfn, answer & HMM_PFN_WRITE ? HMMDEV_ENTRY_WRITE : 0, order);
}

static bool hmmdev_fill_huge_at(const struct hmmdev_fill *fill, u64 i)
{
	struct hmmdev_entry entry = hmmdev_fill_entry(fill, i);

	return hmmdev_entry_order(entry) == HMMDEV_HUGE_ORDER &&
	       IS_ALIGNED(hmmdev_entry_pfn(entry), HMMDEV_HUGE_PAGES) &&
	       IS_ALIGNED(hmmdev_fill_first(fill) + i, HMMDEV_HUGE_PAGES) &&
	       i + HMMDEV_HUGE_PAGES <= hmmdev_fill_pages(fill);
}

/* Page i and those after it up to the next 2 MiB of addresses, or to the end. */
static u64 hmmdev_fill_step(const struct hmmdev_fill *fill, u64 i)
{
	u64 first = hmmdev_fill_first(fill) + i;

	return min(hmmdev_fill_pages(fill) - i, round_up(first + 1, HMMDEV_HUGE_PAGES) - first);
}

static int hmmdev_fill_grow(struct hmmdev_fill *fill)
{
	u64 i, step, first;
	int rc;

	for (i = 0; i < hmmdev_fill_pages(fill); i += step) {
		step = hmmdev_fill_step(fill, i);
		first = hmmdev_fill_first(fill) + i;
		rc = hmmdev_mirror_grow(fill->space, fill->mirror, first, first + step - 1,
					hmmdev_fill_huge_at(fill, i) ? 1 : 0);
		if (rc)
			return rc;
	}
	return 0;
}

static int hmmdev_fill_set(struct hmmdev_fill *fill)
{
	u64 i, step, vpn;
	int rc = 0;

	for (i = 0; i < hmmdev_fill_pages(fill) && !rc; i += step) {
		vpn = hmmdev_fill_first(fill) + i;
		if (hmmdev_fill_huge_at(fill, i)) {
			step = HMMDEV_HUGE_PAGES;
			rc = hmmdev_mirror_set_huge(fill->mirror, vpn, hmmdev_fill_entry(fill, i));
		} else {
			step = 1;
			rc = hmmdev_mirror_set(fill->mirror, vpn, hmmdev_fill_entry(fill, i));
		}
	}
	return rc;
}

/* -EBUSY: what was asked is no longer true, or an unmap has taken tables away. */
static int hmmdev_fill_store(struct hmmdev_fill *fill)
{
	int rc = -EBUSY;

	mutex_lock(&fill->space->entries);
	if (!mmu_interval_read_retry(fill->range.notifier, fill->range.notifier_seq))
		rc = hmmdev_fill_set(fill);
	mutex_unlock(&fill->space->entries);
	return rc == HMMDEV_MIRROR_E_MISSING ? -EBUSY : rc;
}

static int hmmdev_fill_ask(struct hmmdev_fill *fill)
{
	struct hmm_range *range = &fill->range;
	int rc;

	memset(range->hmm_pfns, 0, hmmdev_fill_pages(fill) * sizeof(*range->hmm_pfns));
	if (fill->access & HMMDEV_ACCESS_UNLOCKED)
		return hmmdev_range_fault_unlocked(range,
						   msecs_to_jiffies(HMMDEV_PATIENCE_MS));
	range->notifier_seq = mmu_interval_read_begin(range->notifier);
	if (mmap_read_lock_killable(fill->mm))
		return -EINTR;
	rc = hmm_range_fault(range);
	mmap_read_unlock(fill->mm);
	return rc;
}

static int hmmdev_fill_try(struct hmmdev_fill *fill)
{
	int rc = hmmdev_fill_ask(fill);

	if (!rc)
		rc = hmmdev_fill_grow(fill);
	if (!rc)
		rc = hmmdev_fill_store(fill);
	return rc;
}

/* A fault that failed where userfaultfd would have had to answer: somebody has to populate. */
static void hmmdev_fill_tell_missing(struct hmmdev_fill *fill)
{
	VMA_ITERATOR(vmi, fill->mm, fill->range.start);
	struct vm_area_struct *vma;

	mmap_read_lock(fill->mm);
	for_each_vma_range(vmi, vma, fill->range.end) {
		u64 addr = max(vma->vm_start, fill->range.start);
		u64 end = min(vma->vm_end, fill->range.end);

		if (userfaultfd_missing(vma))
			hmmdev_space_event(fill->space, HMMDEV_EVENT_NEED_POPULATE, addr,
					   end - addr, HMMDEV_DEV_NONE, 0, 0);
	}
	mmap_read_unlock(fill->mm);
}

static int hmmdev_fill_gap(struct hmmdev_fill *fill, u64 addr, u64 end)
{
	struct hmmdev_patience patience;
	int rc;

	fill->range.start = addr;
	fill->range.end = end;
	hmmdev_patience_start(&patience, 0);
	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		rc = hmmdev_fill_try(fill);
	} while (rc == -EBUSY && !hmmdev_patience_ends(&patience));
	if (rc == -EFAULT)
		hmmdev_fill_tell_missing(fill);
	return rc;
}

static bool hmmdev_entry_allows(struct hmmdev_entry entry, u32 access)
{
	return !(access & HMMDEV_ACCESS_WRITE) || hmmdev_entry_write(entry);
}

/* How far the mirror is in one state, usable or not, from addr on. Under entries. */
static u64 hmmdev_fill_run(const struct hmmdev_fill *fill, u64 addr, u64 end, bool *ret_usable)
{
	struct hmmdev_entry entry;
	u64 at = addr;
	bool usable;

	for (; at < end; at += PAGE_SIZE) {
		usable = !hmmdev_mirror_get(fill->mirror, at >> PAGE_SHIFT, &entry) &&
			 hmmdev_entry_allows(entry, fill->access);
		if (at == addr)
			*ret_usable = usable;
		else if (usable != *ret_usable)
			break;
	}
	return at;
}

static int hmmdev_fill_window(struct hmmdev_fill *fill, const struct hmmdev_window *window)
{
	u64 at = window->addr, end;
	bool usable;
	int rc = 0;

	for (; at < window->end && !rc; at = end) {
		mutex_lock(&fill->space->entries);
		end = hmmdev_fill_run(fill, at, window->end, &usable);
		mutex_unlock(&fill->space->entries);
		if (!usable)
			rc = hmmdev_fill_gap(fill, at, end);
	}
	return rc;
}

static int hmmdev_fill_windows(struct hmmdev_fill *fill, u64 addr, u64 end)
{
	struct hmmdev_windows windows;
	struct hmmdev_window window;
	int rc = hmmdev_windows_init(&windows, addr, end - addr, HMMDEV_WINDOW_MAX_PAGES);

	while (!rc && !hmmdev_windows_next(&windows, &window))
		rc = hmmdev_fill_window(fill, &window);
	return rc;
}

int hmmdev_mirror_fill(struct hmmdev_space *space, struct mm_struct *mm, struct hmmdev_device *dev,
		       u64 addr, u64 end, u32 access)
{
	bool write = access & HMMDEV_ACCESS_WRITE;
	struct hmmdev_fill fill = {
		.space = space,
		.mm = mm,
		.access = access,
		.range = {
			.notifier = &space->notifier,
			.default_flags = HMM_PFN_REQ_FAULT | (write ? HMM_PFN_REQ_WRITE : 0),
			.dev_private_owner = dev,
		},
	};
	int rc = hmmdev_mirror_of(space, dev->number, &fill.mirror);

	if (rc)
		return rc;
	fill.range.hmm_pfns = kvmalloc_array(min_t(u64, (end - addr) >> PAGE_SHIFT,
						   HMMDEV_WINDOW_MAX_PAGES),
					     sizeof(*fill.range.hmm_pfns), GFP_KERNEL_ACCOUNT);
	if (!fill.range.hmm_pfns)
		return -ENOMEM;
	rc = hmmdev_fill_windows(&fill, addr, end);
	kvfree(fill.range.hmm_pfns);
	return rc;
}
