// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Pins
 *
 * What one entry of the page table maps as a huge page is pinned by one reference on its head: that
 * holds all of it, for a folio neither moves nor splits under a reference more than its users'. The
 * reference is taken first and the entry read afterwards, so what it says holds from then on. The
 * rest is pinned page by page into an array; that is scratch for 512 pages and is collapsed at once
 * to runs, one per folio. One atomic per run later lets go of them all. What was on a device has
 * come back before; should a page have gone there again meanwhile, it is let go and brought back
 * once more.
 *
 * A pin is its descriptor's until UNPIN, close, or the end of the process, whichever is first:
 * taking it out of the table decides who lets go. That may be never, so every pin is a long-term one
 * to the kernel: its page leaves first where pages have to stay movable, and a file that has to know
 * who writes to it is refused.
 */
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "device.h"
#include "runs.h"
#include "space.h"

#define HMMDEV_PIN_BATCH 512U	/* pages asked for at once: a huge page, 4 KiB of scratch */
#define HMMDEV_PIN_RETURNS 3U	/* times that a page is brought back before it counts as busy */

enum {
	HMMDEV_PIN_E_SMALL = 1	/* no huge page is mapped whole there */
};

struct hmmdev_pinned {
	struct hmmdev_runs runs;
	u64 charged;	/* bytes */
	bool write;
};

/* A PIN at work. */
struct hmmdev_pin_job {
	struct hmmdev_space *space;
	struct mm_struct *mm;
	struct hmmdev_pin *pin;
	struct hmmdev_pinned *pinned;
	struct page **scratch;
	u64 told;	/* address up to which the caller's vector tells */
};

/* The locked memory of a process that has ended is nobody's any more. */
static void hmmdev_pin_unaccount(struct hmmdev_space *space, u64 npages)
{
	struct mm_struct *mm;

	if (hmmdev_space_get_mm(space, &mm))
		return;
	account_locked_vm(mm, npages, false);
	mmput(mm);
}

static void hmmdev_pinned_free(struct hmmdev_space *space, struct hmmdev_pinned *pinned)
{
	hmmdev_runs_release(&pinned->runs, pinned->write);
	hmmdev_pin_unaccount(space, pinned->charged >> PAGE_SHIFT);
	hmmdev_space_uncharge(space, HMMDEV_LIMIT_PIN_BYTES, pinned->charged);
	kfree(pinned);
}

static int hmmdev_pin_charge(struct hmmdev_pin_job *job)
{
	u64 bytes = job->pin->len;
	int rc = hmmdev_space_charge(job->space, HMMDEV_LIMIT_PIN_BYTES, bytes);

	if (rc)
		return rc;
	rc = account_locked_vm(job->mm, bytes >> PAGE_SHIFT, true);
	if (rc)
		hmmdev_space_uncharge(job->space, HMMDEV_LIMIT_PIN_BYTES, bytes);
	else
		job->pinned->charged = bytes;
	return rc;
}

/* Takes what is pinned into the books. -EOVERFLOW: it does not suit the caller. */
static int hmmdev_pin_take(struct hmmdev_pin_job *job, const struct hmmdev_run *run)
{
	struct hmmdev_runs *runs = &job->pinned->runs;

	if (hmmdev_runs_continue(runs, run))
		return 0;
	if (job->pin->flags & HMMDEV_PIN_HEADS_ONLY &&
	    folio_order(page_folio(run->first)) < HMMDEV_HUGE_ORDER)
		return -EOVERFLOW;
	if (job->pin->vec_n && runs->nruns == job->pin->vec_n)
		return -EOVERFLOW;
	return hmmdev_runs_add(runs, run);
}

/* What cannot be taken into the books is let go. */
static int hmmdev_pin_collapse(struct hmmdev_pin_job *job, unsigned long npages)
{
	struct hmmdev_run run;
	unsigned long i;
	int rc;

	for (i = 0; i < npages; i += run.npages) {
		run = hmmdev_run_of(job->scratch + i, npages - i);
		rc = hmmdev_pin_take(job, &run);
		if (rc) {
			unpin_user_pages(job->scratch + i, npages - i);
			return rc;
		}
	}
	return 0;
}

static bool hmmdev_pin_on_device(struct hmmdev_pin_job *job, unsigned long npages)
{
	unsigned long i;

	for (i = 0; i < npages; i++)
		if (hmmdev_page_is_ours(job->scratch[i]))
			return true;
	return false;
}

/* Pages pinned from addr on, in the scratch array. */
static long hmmdev_pin_scratch(struct hmmdev_pin_job *job, u64 addr, unsigned long npages)
{
	unsigned int flags = FOLL_LONGTERM | (job->pinned->write ? FOLL_WRITE : 0);

	if (current->mm == job->mm)
		return pin_user_pages_fast(addr, npages, flags, job->scratch);
	return hmmdev_pin_remote(job->mm, addr, npages, flags, job->scratch);
}

/* The same without pages of a device: they come back first, and again if they go meanwhile. */
static long hmmdev_pin_system(struct hmmdev_pin_job *job, u64 addr, unsigned long npages)
{
	unsigned int returns;
	long got;
	int rc;

	for (returns = 0; returns < HMMDEV_PIN_RETURNS; returns++) {
		got = hmmdev_pin_scratch(job, addr, npages);
		if (got <= 0)
			return got ?: -EFAULT;
		if (!hmmdev_pin_on_device(job, got))
			return got;
		unpin_user_pages(job->scratch, got);
		rc = hmmdev_bring_back(job->space, addr, addr + ((u64)npages << PAGE_SHIFT));
		if (rc && rc != -EAGAIN)
			return rc;
	}
	return -EBUSY;
}

/* The page that a huge entry maps at addr. NULL: there is no such entry. */
static struct page *hmmdev_pin_huge_entry(struct mm_struct *mm, u64 addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d = pgd_present(*pgd) ? p4d_offset(pgd, addr) : NULL;
	pud_t *pud = p4d && p4d_present(*p4d) ? pud_offset(p4d, addr) : NULL;
	pmd_t pmd;

	if (!pud || !pud_present(*pud) || pud_leaf(*pud))
		return NULL;
	pmd = READ_ONCE(*pmd_offset(pud, addr));
	return pmd_present(pmd) && pmd_trans_huge(pmd) ? pmd_page(pmd) : NULL;
}

/*
 * munmap frees page tables under the read lock, but takes the VMA out before: where there is one,
 * tables of that level stay. Not so those that hugetlb shares between processes.
 */
static bool hmmdev_pin_is_whole(struct hmmdev_pin_job *job, u64 addr, struct page *page)
{
	struct vm_area_struct *vma;
	bool whole;

	if (folio_order(page_folio(page)) < HMMDEV_HUGE_ORDER || hmmdev_page_is_ours(page))
		return false;
	mmap_read_lock(job->mm);
	vma = vma_lookup(job->mm, addr);
	whole = vma && vma->vm_end - addr >= HMMDEV_HUGE_SIZE && !is_vm_hugetlb_page(vma) &&
		hmmdev_pin_huge_entry(job->mm, addr) == page;
	mmap_read_unlock(job->mm);
	return whole;
}

/* The huge page at addr by its head. 0, HMMDEV_PIN_E_SMALL, or why not. */
static int hmmdev_pin_head(struct hmmdev_pin_job *job, u64 addr)
{
	struct hmmdev_run run = { .npages = HMMDEV_HUGE_PAGES, .nrefs = 1 };
	int rc = HMMDEV_PIN_E_SMALL;

	if (hmmdev_pin_scratch(job, addr, 1) != 1)
		return rc;
	run.first = job->scratch[0];
	if (hmmdev_pin_is_whole(job, addr, run.first))
		rc = hmmdev_pin_take(job, &run);
	if (rc)
		unpin_user_page(run.first);
	return rc;
}

/* Up to the next huge page, so that none is cut. Returns how many pages, or why not. */
static long hmmdev_pin_next(struct hmmdev_pin_job *job, u64 addr, u64 end)
{
	u64 next = min(end, round_up(addr + 1, (u64)HMMDEV_PIN_BATCH << PAGE_SHIFT));
	int rc = HMMDEV_PIN_E_SMALL;
	long got;

	if (next - addr == HMMDEV_HUGE_SIZE)
		rc = hmmdev_pin_head(job, addr);
	if (rc < 0)
		return rc;
	if (!rc)
		return HMMDEV_HUGE_PAGES;
	got = hmmdev_pin_system(job, addr, (next - addr) >> PAGE_SHIFT);
	if (got < 0)
		return got;
	rc = hmmdev_pin_collapse(job, got);
	return rc ? rc : got;
}

static int hmmdev_pin_pages(struct hmmdev_pin_job *job)
{
	u64 addr = job->pin->addr, end = addr + job->pin->len;
	int rc = hmmdev_bring_back(job->space, addr, end);
	long got;

	if (rc && rc != -EAGAIN)
		return rc;
	for (; addr < end; addr += (u64)got << PAGE_SHIFT) {
		if (signal_pending(current))
			return -EINTR;
		got = hmmdev_pin_next(job, addr, end);
		if (got < 0)
			return got;
		cond_resched();
	}
	return 0;
}

static int hmmdev_pin_tell_run(void *arg, const struct hmmdev_run *run)
{
	struct hmmdev_pin_job *job = arg;
	struct hmmdev_pin_ent __user *to = u64_to_user_ptr(job->pin->vec);
	struct folio *folio = page_folio(run->first);
	struct hmmdev_pin_ent ent = {
		.addr = job->told,
		.ntails = run->npages - 1,
		.order = folio_order(folio),
		.nid = folio_nid(folio),
	};

	if (copy_to_user(to + job->pin->out_n, &ent, sizeof(ent)))
		return -EFAULT;
	job->pin->out_n++;
	job->told += (u64)run->npages << PAGE_SHIFT;
	return 0;
}

/* Everything up to the table; what fails here leaves its traces in job->pinned only. */
static int hmmdev_pin_prepare(struct hmmdev_pin_job *job)
{
	int rc = hmmdev_pin_charge(job);

	if (rc)
		return rc;
	job->scratch = kmalloc_array(HMMDEV_PIN_BATCH, sizeof(*job->scratch), GFP_KERNEL_ACCOUNT);
	if (!job->scratch)
		return -ENOMEM;
	rc = hmmdev_pin_pages(job);
	kfree(job->scratch);
	if (!rc && job->pin->vec_n)
		rc = hmmdev_runs_each(&job->pinned->runs, hmmdev_pin_tell_run, job);
	return rc;
}

static int hmmdev_pin_with_mm(struct hmmdev_pin_job *job)
{
	int rc;

	job->pinned = kzalloc(sizeof(*job->pinned), GFP_KERNEL_ACCOUNT);
	if (!job->pinned)
		return -ENOMEM;
	hmmdev_runs_init(&job->pinned->runs);
	job->pinned->write = job->pin->flags & HMMDEV_PIN_WRITE;
	rc = hmmdev_pin_prepare(job);
	if (!rc) {
		job->pin->npages = job->pinned->runs.npages;
		rc = xa_alloc(&job->space->pins, &job->pin->id, job->pinned, xa_limit_31b,
			      GFP_KERNEL_ACCOUNT);
	}
	if (rc)
		hmmdev_pinned_free(job->space, job->pinned);
	return rc;
}

int hmmdev_pin(struct hmmdev_space *space, struct hmmdev_pin *pin)
{
	struct hmmdev_pin_job job = { .space = space, .pin = pin, .told = pin->addr };
	int rc;

	pin->out_n = 0;
	pin->npages = 0;
	pin->id = 0;
	rc = hmmdev_space_get_mm(space, &job.mm);
	if (rc)
		return rc;
	rc = hmmdev_pin_with_mm(&job);
	mmput(job.mm);
	if (rc) {
		pin->out_n = 0;
		pin->npages = 0;
	}
	return rc;
}

int hmmdev_unpin(struct hmmdev_space *space, struct hmmdev_pin *pin)
{
	struct hmmdev_pinned *pinned = xa_erase(&space->pins, pin->id);

	if (!pinned)
		return -ENOENT;
	pin->npages = pinned->runs.npages;
	hmmdev_pinned_free(space, pinned);
	return 0;
}

void hmmdev_pins_clear(struct hmmdev_space *space)
{
	struct hmmdev_pinned *pinned;
	unsigned long id;

	xa_for_each(&space->pins, id, pinned) {
		pinned = xa_erase(&space->pins, id);
		if (pinned)
			hmmdev_pinned_free(space, pinned);
	}
}
