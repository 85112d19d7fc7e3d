// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: MIGRATE and EVICT
 *
 * MIGRATE and EVICT over a range, window by window. Between windows the mmap lock is dropped and
 * the VMA looked up again, so a mapping that changes meanwhile costs nothing but its own pages. A
 * window that met a full device or busy pages is tried once more before its counts are added; what
 * is busy then is the caller's to try again.
 *
 * The caller pays for what is moved here; a fault pays for what it brings back (fault.c).
 */
#include <linux/capability.h>
#include <linux/dax.h>
#include <linux/hugetlb.h>
#include <linux/ktime.h>
#include <linux/nodemask.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "census.h"
#include "compat.h"
#include "huge.h"
#include "move.h"
#include "space.h"
#include "sum.h"
#include "window.h"

#define STAY_DEFAULT_NS 5000000ULL	/* 5 ms: some ten times what a huge page's two ways cost */

/* A request on its way. */
struct hmmdev_journey {
	struct hmmdev_space *space;
	struct mm_struct *mm;
	struct hmmdev_device *to;	/* MIGRATE: NULL is a node */
	struct hmmdev_device *only;	/* EVICT: NULL is every device */
	struct hmmdev_migrate *m;
	bool evict;
	bool quiet;	/* gaps in the range are nobody's fault */
	bool exclusive;	/* huge pages may leave: the mmap lock is held for writing */
	bool full;
	int error;
	struct hmmdev_windows ws;
	struct hmmdev_window w;	/* the one that is moved */
	struct hmmdev_move mv;
};

enum {
	VMA_E_OTHER = 1	/* memory that does not move */
};

/* 0, VMA_E_OTHER; -EINVAL: there is none, or one without access. */
static int hmmdev_vma_check(struct vm_area_struct *vma)
{
	if (!vma || !(vma->vm_flags & VM_READ))
		return -EINVAL;
	if (vma->vm_flags & (VM_SHARED | VM_SPECIAL) || is_vm_hugetlb_page(vma) || vma_is_dax(vma))
		return VMA_E_OTHER;
	return 0;
}

/* The whole range, before anything of it is moved. */
static int hmmdev_range_check(struct hmmdev_journey *j)
{
	u64 addr = j->m->addr, end = addr + j->m->len;
	struct vm_area_struct *vma;
	int rc = 0;

	if (mmap_read_lock_killable(j->mm))
		return -EINTR;
	for (; addr < end && rc >= 0; addr = rc < 0 ? end : vma->vm_end) {
		vma = vma_lookup(j->mm, addr);
		rc = hmmdev_vma_check(vma);
	}
	mmap_read_unlock(j->mm);
	return min(rc, 0);
}

static void hmmdev_window_all(struct hmmdev_journey *j)
{
	j->mv.addr = j->w.addr;
	j->mv.npages = hmmdev_window_pages(&j->w);
}

/* In parts where a huge page has to stay (hmmdev_huge_prepare()). */
static int hmmdev_move_and_tell(struct hmmdev_journey *j)
{
	struct hmmdev_move *mv = &j->mv;
	int rc = 0;

	for (; !rc && mv->addr < j->w.end; mv->addr += mv->npages * PAGE_SIZE) {
		mv->npages = (j->w.end - mv->addr) / PAGE_SIZE;
		rc = hmmdev_move_vma(mv);
		if (!rc)
			hmmdev_census_left(mv);
	}
	hmmdev_window_all(j);
	return rc;
}

static int hmmdev_leave_device(struct hmmdev_device *dev, void *arg)
{
	struct hmmdev_journey *j = arg;
	int rc = 0;

	j->mv.from = dev;
	if (j->exclusive && hmmdev_device_used(dev))
		rc = hmmdev_move_and_tell(j);
	j->mv.from = NULL;
	return rc;
}

/* What no device had is where it belongs. */
static int hmmdev_window_evict(struct hmmdev_journey *j)
{
	int rc = j->only ? hmmdev_leave_device(j->only, j) :
			   hmmdev_devices_each(hmmdev_leave_device, j);
	u64 counted = hmmdev_sum_pages(j->mv.sum);

	if (!rc && counted < j->mv.npages)
		j->mv.sum->already += j->mv.npages - counted;
	return rc;
}

static int hmmdev_window_to_device(struct hmmdev_journey *j)
{
	j->mv.to = j->to;
	return hmmdev_move_and_tell(j);
}

/* Off the devices first, then from the other nodes: the first step's pages are there already. */
static int hmmdev_window_to_node(struct hmmdev_journey *j)
{
	struct hmmdev_migrate before = {}, *sum = j->mv.sum;
	int rc;

	j->mv.sum = &before;
	rc = hmmdev_devices_each(hmmdev_leave_device, j);
	j->mv.sum = sum;
	if (before.skip_split)
		sum->skip_split = before.skip_split;
	else if (!rc)
		rc = hmmdev_move_and_tell(j);
	hmmdev_sum_after_devices(sum, &before);
	return rc;
}

/* Only whole windows leave huge pages whole, and coherent memory never takes one. */
static bool hmmdev_window_splits(struct hmmdev_journey *j)
{
	if (j->w.whole && !(j->to && j->to->type == HMMDEV_TYPE_COHERENT))
		return false;
	return hmmdev_census_huge(&j->mv, j->to);
}

static int hmmdev_window_arrive(struct hmmdev_journey *j)
{
	int rc = j->to ? hmmdev_window_to_device(j) : hmmdev_window_to_node(j);

	if (j->mv.sum->skip_uffd)
		hmmdev_space_event(j->space, HMMDEV_EVENT_NEED_POPULATE, j->w.addr,
				   j->w.end - j->w.addr, j->to ? j->to->number : HMMDEV_DEV_NONE,
				   0, 0);
	return rc;
}

/* Such a window has one huge page at most, which the kernel splits before it hands pages over. */
static int hmmdev_window_run(struct hmmdev_journey *j)
{
	bool splits = hmmdev_window_splits(j);
	int rc;

	if (splits && j->mv.flags & HMMDEV_MIGRATE_NO_SPLIT) {
		j->mv.sum->skip_split += j->mv.npages;
		return 0;
	}
	if (j->m->flags & HMMDEV_MIGRATE_DRYRUN) {
		j->mv.to = j->to;
		hmmdev_dryrun(&j->mv, j->evict, j->only);
		return 0;
	}
	rc = j->evict ? hmmdev_window_evict(j) : hmmdev_window_arrive(j);
	if (splits && j->mv.sum->moved) {
		j->mv.sum->split++;
		atomic64_inc(&j->space->count.splits);
	}
	return rc;
}

/* The window ends where the gap at its start does. */
static void hmmdev_window_skip(struct hmmdev_journey *j)
{
	struct vm_area_struct *vma = find_vma(j->mm, j->w.addr);

	if (vma)
		hmmdev_windows_clip(&j->ws, &j->w,
				    vma->vm_start > j->w.addr ? vma->vm_start : vma->vm_end);
}

/* As far as its VMA goes, and one huge page at most where each is to move whole or stay. */
static void hmmdev_window_clip(struct hmmdev_journey *j, struct vm_area_struct *vma)
{
	hmmdev_windows_clip(&j->ws, &j->w, vma->vm_end);
	j->mv.flags = j->m->flags;
	if (hmmdev_ranges_flags(j->space, j->w.addr, j->w.end) & HMMDEV_RANGE_NO_SPLIT)
		j->mv.flags |= HMMDEV_MIGRATE_NO_SPLIT;
	if (!j->to && j->mv.flags & HMMDEV_MIGRATE_NO_SPLIT)
		hmmdev_windows_clip(&j->ws, &j->w, ALIGN(j->w.addr + 1, HMMDEV_HUGE_SIZE));
}

/* The window, with the mmap lock held. */
static int hmmdev_window_locked(struct hmmdev_journey *j, struct hmmdev_migrate *part)
{
	struct vm_area_struct *vma = vma_lookup(j->mm, j->w.addr);
	int rc = hmmdev_vma_check(vma);

	j->mv.error = 0;
	j->mv.full = false;
	j->mv.small_next = false;
	if (rc < 0 && !j->quiet)
		return rc;
	if (rc < 0) {
		hmmdev_window_skip(j);
		return 0;
	}
	hmmdev_window_clip(j, vma);
	if (rc == VMA_E_OTHER) {
		part->skip_shared += hmmdev_window_pages(&j->w);
		return 0;
	}
	if (j->exclusive)
		hmmdev_vma_exclude(vma);
	j->mv.vma = vma;
	hmmdev_window_all(j);
	j->mv.sum = part;
	return hmmdev_window_run(j);
}

/* Is another try of the window likely to move more? Makes room for it, with no lock held. */
static bool hmmdev_window_again(struct hmmdev_journey *j, const struct hmmdev_migrate *part)
{
	u64 bytes = part->skip_nomem * PAGE_SIZE;
	struct hmmdev_user *of = capable(CAP_SYS_RESOURCE) ? NULL : j->space->user;

	if (j->mv.error)
		return false;
	if (j->mv.full && j->m->flags & HMMDEV_MIGRATE_EVICT_OK)
		return hmmdev_evict_oldest(j->to, of, j->mm, bytes, ktime_get_ns()) > 0;
	j->mv.small = j->mv.small_next;
	return part->skip_busy || j->mv.small;
}

/* The batch is not held while room is made, which takes one too. */
static int hmmdev_window_try(struct hmmdev_journey *j, struct hmmdev_migrate *part)
{
	int rc;

	j->exclusive = !j->to && hmmdev_devices_in_use();
	if (hmmdev_mm_lock(j->mm, j->exclusive))
		return -EINTR;
	hmmdev_move_open(&j->mv);
	rc = hmmdev_window_locked(j, part);
	hmmdev_move_close(&j->mv);
	hmmdev_mm_unlock(j->mm, j->exclusive);
	return rc;
}

static int hmmdev_window_move(struct hmmdev_journey *j)
{
	struct hmmdev_migrate part = {}, again = {};
	int rc;

	j->mv.small = false;
	rc = hmmdev_window_try(j, &part);
	if (!rc && hmmdev_window_again(j, &part)) {
		rc = hmmdev_window_try(j, &again);
		hmmdev_sum_again(&again, &part);
		part = rc ? part : again;
	}
	hmmdev_sum_add(j->m, &part);
	j->full |= j->mv.full;
	if (!j->error)
		j->error = j->mv.error;
	return rc;
}

/* After those two errors nothing else would come of the windows that follow. */
static int hmmdev_journey_windows(struct hmmdev_journey *j)
{
	u64 deadline = hmmdev_windows_deadline(ktime_get_ns(), j->m->timeout_ms);
	bool small = j->to && j->to->type == HMMDEV_TYPE_COHERENT;
	int rc = hmmdev_windows_init(&j->ws, j->m->addr, j->m->len,
				     small ? HMMDEV_HUGE_PAGES : HMMDEV_MOVE_PAGES);

	while (!rc && j->error != -EDQUOT && j->error != -ENODEV) {
		j->m->next = j->ws.next;
		if (hmmdev_windows_over(&j->ws, ktime_get_ns(), deadline))
			return -EAGAIN;
		if (j->ws.next != j->ws.start && signal_pending(current))
			return -EINTR;
		if (hmmdev_windows_next(&j->ws, &j->w))
			break;
		rc = hmmdev_window_move(j);
	}
	return rc;
}

/* What the caller is told when the range was gone through: the worst first. */
static int hmmdev_journey_result(const struct hmmdev_journey *j)
{
	const struct hmmdev_migrate *m = j->m;

	if (j->error)
		return j->error;
	if (m->skip_nomem)
		return j->full ? -ENOSPC : -ENOMEM;
	if (m->skip_busy)
		return -EAGAIN;
	return j->evict || m->moved || m->already ? 0 : -ENOENT;
}

static int hmmdev_journey_run(struct hmmdev_journey *j)
{
	int rc = hmmdev_space_get_mm(j->space, &j->mm);

	if (rc)
		return rc;
	hmmdev_sum_clear(j->m);
	j->m->next = j->m->addr;
	j->mv.space = j->space;
	rc = j->quiet ? 0 : hmmdev_range_check(j);
	if (!rc)
		rc = hmmdev_journey_windows(j);
	mmput(j->mm);
	return rc ? rc : hmmdev_journey_result(j);
}

/* -EINVAL: no such node, or one without memory. */
static int hmmdev_node_of(u32 dst, int *ret_nid)
{
	int nid = (int)dst;

	if (nid != NUMA_NO_NODE && (nid < 0 || nid >= MAX_NUMNODES || !node_state(nid, N_MEMORY)))
		return -EINVAL;
	*ret_nid = nid;
	return 0;
}

int hmmdev_migrate(struct hmmdev_space *space, struct hmmdev_migrate *m)
{
	struct hmmdev_journey j = { .space = space, .m = m };
	int rc;

	j.mv.stay_ns = m->timeslice_us ? m->timeslice_us * 1000ULL : STAY_DEFAULT_NS;
	j.mv.nid = NUMA_NO_NODE;
	if (m->dst_kind == HMMDEV_DST_DEV) {
		j.to = hmmdev_device_get_online(m->dst);
		rc = j.to ? 0 : -ENODEV;
	} else {
		rc = hmmdev_node_of(m->dst, &j.mv.nid);
		if (j.mv.nid == NUMA_NO_NODE)
			j.mv.nid = numa_mem_id();
	}
	if (rc)
		return rc;
	rc = hmmdev_journey_run(&j);
	if (j.to)
		hmmdev_device_put(j.to);
	return rc;
}

int hmmdev_evict(struct hmmdev_space *space, struct hmmdev_migrate *m)
{
	struct hmmdev_journey j = { .space = space, .m = m, .evict = true };
	int rc = 0;

	j.mv.nid = NUMA_NO_NODE;
	if (m->dst_kind == HMMDEV_DST_NODE) {
		rc = m->flags & HMMDEV_EVICT_ONE ? -EINVAL : hmmdev_node_of(m->dst, &j.mv.nid);
	} else if (m->flags & HMMDEV_EVICT_ONE) {
		j.only = hmmdev_device_get(m->dst);
		rc = j.only ? 0 : -ENODEV;
	}
	if (rc)
		return rc;
	rc = hmmdev_journey_run(&j);
	if (j.only)
		hmmdev_device_put(j.only);
	return rc;
}

int hmmdev_bring_back(struct hmmdev_space *space, unsigned long addr, unsigned long end)
{
	struct hmmdev_migrate m = { .addr = addr, .len = end - addr };
	struct hmmdev_journey j = { .space = space, .m = &m, .evict = true, .quiet = true };

	j.mv.nid = NUMA_NO_NODE;
	return hmmdev_devices_in_use() ? hmmdev_journey_run(&j) : 0;
}
