// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Pins
 *
 * The kernel pins page by page into an array; the array is scratch for 512 pages and is collapsed
 * at once to runs, one per folio: its first page and how many follow. One atomic per run later lets
 * go of them all. Runs stand in chunks of a page each. What was on a device has come back before;
 * should a page have gone there again meanwhile, it is let go and brought back once more.
 *
 * A pin is its descriptor's until UNPIN, close, or the end of the process, whichever is first:
 * taking it out of the table decides who lets go.
 */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "device.h"
#include "space.h"

#define HMMDEV_PIN_BATCH 512U	/* pages asked for at once: a huge page, 4 KiB of scratch */
#define HMMDEV_PIN_RETURNS 3U	/* times that a page is brought back before it counts as busy */

struct hmmdev_pin_run {
	struct page *first;
	unsigned long npages;
};

struct hmmdev_pin_chunk {
	struct list_head link;
	u32 used;
	struct hmmdev_pin_run runs[];
};

#define HMMDEV_PIN_CHUNK_RUNS \
	((PAGE_SIZE - sizeof(struct hmmdev_pin_chunk)) / sizeof(struct hmmdev_pin_run))

struct hmmdev_pinned {
	struct list_head chunks;
	u64 nruns;
	u64 npages;	/* held */
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
};

static void hmmdev_pin_chunk_free(struct hmmdev_pin_chunk *chunk, bool dirty)
{
	u32 i;

	for (i = 0; i < chunk->used; i++)
		unpin_user_page_range_dirty_lock(chunk->runs[i].first, chunk->runs[i].npages,
						 dirty);
	list_del(&chunk->link);
	kfree(chunk);
}

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
	struct hmmdev_pin_chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, &pinned->chunks, link) {
		hmmdev_pin_chunk_free(chunk, pinned->write);
		cond_resched();
	}
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

static struct hmmdev_pin_run *hmmdev_pin_run_new(struct hmmdev_pinned *pinned)
{
	struct hmmdev_pin_chunk *chunk = NULL;

	if (!list_empty(&pinned->chunks))
		chunk = list_last_entry(&pinned->chunks, struct hmmdev_pin_chunk, link);
	if (!chunk || chunk->used == HMMDEV_PIN_CHUNK_RUNS) {
		chunk = kzalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
		if (!chunk)
			return NULL;
		list_add_tail(&chunk->link, &pinned->chunks);
	}
	return &chunk->runs[chunk->used++];
}

static struct hmmdev_pin_run *hmmdev_pin_run_last(struct hmmdev_pinned *pinned)
{
	struct hmmdev_pin_chunk *chunk;

	if (list_empty(&pinned->chunks))
		return NULL;
	chunk = list_last_entry(&pinned->chunks, struct hmmdev_pin_chunk, link);
	return &chunk->runs[chunk->used - 1];
}

/* A room for one more run, or -ENOMEM; -EOVERFLOW: what is pinned does not suit the caller. */
static int hmmdev_pin_run_begin(struct hmmdev_pin_job *job, struct page *page)
{
	struct hmmdev_pin_run *run;

	if (job->pin->flags & HMMDEV_PIN_HEADS_ONLY &&
	    folio_order(page_folio(page)) < HMMDEV_HUGE_ORDER)
		return -EOVERFLOW;
	if (job->pin->vec_n && job->pinned->nruns == job->pin->vec_n)
		return -EOVERFLOW;
	run = hmmdev_pin_run_new(job->pinned);
	if (!run)
		return -ENOMEM;
	run->first = page;
	run->npages = 0;
	job->pinned->nruns++;
	return 0;
}

/* Takes one pinned page into the books: it continues the last run, or begins one. */
static int hmmdev_pin_collapse_page(struct hmmdev_pin_job *job, struct page *page)
{
	struct hmmdev_pin_run *run = hmmdev_pin_run_last(job->pinned);
	int rc;

	if (!run || page_folio(run->first) != page_folio(page) ||
	    page_to_pfn(run->first) + run->npages != page_to_pfn(page)) {
		rc = hmmdev_pin_run_begin(job, page);
		if (rc)
			return rc;
		run = hmmdev_pin_run_last(job->pinned);
	}
	run->npages++;
	job->pinned->npages++;
	return 0;
}

/* What cannot be taken into the books is let go. */
static int hmmdev_pin_collapse(struct hmmdev_pin_job *job, unsigned long npages)
{
	unsigned long i;
	int rc;

	for (i = 0; i < npages; i++) {
		rc = hmmdev_pin_collapse_page(job, job->scratch[i]);
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
	unsigned int flags = job->pinned->write ? FOLL_WRITE : 0;

	if (job->pin->flags & HMMDEV_PIN_LONGTERM)
		flags |= FOLL_LONGTERM;
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

/* Batches end at huge pages, so that one is never cut. */
static unsigned long hmmdev_pin_batch_pages(u64 addr, u64 end)
{
	u64 batch_end = min(end, round_up(addr + 1, (u64)HMMDEV_PIN_BATCH << PAGE_SHIFT));

	return (batch_end - addr) >> PAGE_SHIFT;
}

static int hmmdev_pin_pages(struct hmmdev_pin_job *job)
{
	u64 addr = job->pin->addr, end = addr + job->pin->len;
	long got;
	int rc = hmmdev_bring_back(job->space, addr, end);

	if (rc == -EAGAIN)
		rc = 0;
	while (!rc && addr < end) {
		if (signal_pending(current))
			return -EINTR;
		got = hmmdev_pin_system(job, addr, hmmdev_pin_batch_pages(addr, end));
		if (got < 0)
			return got;
		rc = hmmdev_pin_collapse(job, got);
		addr += (u64)got << PAGE_SHIFT;
		cond_resched();
	}
	return rc;
}

static int hmmdev_pin_tell_run(struct hmmdev_pin *pin, u64 addr, const struct hmmdev_pin_run *run)
{
	struct hmmdev_pin_ent __user *to = u64_to_user_ptr(pin->vec);
	struct folio *folio = page_folio(run->first);
	struct hmmdev_pin_ent ent = {
		.addr = addr,
		.ntails = run->npages - 1,
		.order = folio_order(folio),
		.nid = folio_nid(folio),
	};

	if (copy_to_user(to + pin->out_n, &ent, sizeof(ent)))
		return -EFAULT;
	pin->out_n++;
	return 0;
}

static int hmmdev_pin_tell(struct hmmdev_pin_job *job)
{
	struct hmmdev_pin_chunk *chunk;
	u64 addr = job->pin->addr;
	u32 i;
	int rc;

	list_for_each_entry(chunk, &job->pinned->chunks, link) {
		for (i = 0; i < chunk->used; i++) {
			rc = hmmdev_pin_tell_run(job->pin, addr, &chunk->runs[i]);
			if (rc)
				return rc;
			addr += (u64)chunk->runs[i].npages << PAGE_SHIFT;
		}
	}
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
		rc = hmmdev_pin_tell(job);
	return rc;
}

static int hmmdev_pin_with_mm(struct hmmdev_pin_job *job)
{
	int rc;

	job->pinned = kzalloc(sizeof(*job->pinned), GFP_KERNEL_ACCOUNT);
	if (!job->pinned)
		return -ENOMEM;
	INIT_LIST_HEAD(&job->pinned->chunks);
	job->pinned->write = job->pin->flags & HMMDEV_PIN_WRITE;
	rc = hmmdev_pin_prepare(job);
	if (!rc) {
		job->pin->npages = job->pinned->npages;
		rc = xa_alloc(&job->space->pins, &job->pin->id, job->pinned, xa_limit_31b,
			      GFP_KERNEL_ACCOUNT);
	}
	if (rc)
		hmmdev_pinned_free(job->space, job->pinned);
	return rc;
}

int hmmdev_pin(struct hmmdev_space *space, struct hmmdev_pin *pin)
{
	struct hmmdev_pin_job job = { .space = space, .pin = pin };
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
	pin->npages = pinned->npages;
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
