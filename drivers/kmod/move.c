// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The steps of a window
 *
 * The steps of a window, see move.h. All destinations are found before the first byte is copied, so
 * that the clock is read twice for all copies of a window and not for each page. Pages that the
 * kernel did not hand over (`left`) are counted afterwards by census.c.
 */
#include <linux/ktime.h>
#include <linux/migrate.h>
#include <linux/pagemap.h>
#include <linux/sched.h>

#include "compat.h"
#include "huge.h"
#include "move.h"
#include "space.h"

static int hmmdev_copy_one(struct hmmdev_move *mv, unsigned long i, struct page *from,
			   unsigned int order)
{
	struct page *to = migrate_pfn_to_page(mv->dst[i]);

	cond_resched();
	if (mv->space && hmmdev_inject_hit(mv->space, HMMDEV_INJECT_COPY, order))
		return -EIO;
	return from ? hmmdev_copy(to, from, order) : hmmdev_clear(to, order);
}

/* The page at i, or all of the huge page there. Returns how many pages it was about. */
static unsigned long hmmdev_copy_at(struct hmmdev_move *mv, unsigned long i)
{
	struct page *from = migrate_pfn_to_page(mv->src[i]);
	unsigned int order = mv->dst[i] & HMMDEV_PFN_COMPOUND ? HPAGE_PMD_ORDER : 0;
	unsigned long j, nr = mv->src[i] & HMMDEV_PFN_COMPOUND ? HPAGE_PMD_NR : 1;
	int rc = 0;

	if (!mv->dst[i])
		return nr;
	for (j = 0; j < nr && !rc; j += 1UL << order)
		rc = hmmdev_copy_one(mv, i + j, from ? from + j : NULL, order);
	if (rc) {
		hmmdev_unplace(mv, i, nr);
		hmmdev_move_failed(mv, nr, rc);
		return nr;
	}
	/* The device may have written: what MADV_FREE gave up before is no longer to be dropped. */
	if (mv->from)
		folio_set_dirty(page_folio(from));
	return nr;
}

static void hmmdev_copy_window(struct hmmdev_move *mv)
{
	u64 start_ns = ktime_get_ns();
	unsigned long i;

	for (i = 0; i < mv->npages; i += hmmdev_copy_at(mv, i))
		;
	mv->ns_copy = ktime_get_ns() - start_ns;
}

/* A folio has left its device: its space has it in its books, pressure and drains tell about it. */
static void hmmdev_count_out(struct hmmdev_move *mv, struct page *from, unsigned int order)
{
	struct hmmdev_space *space = hmmdev_page_space(from);
	unsigned long number = page_to_pfn(from) - mv->from->first_pfn;
	u64 home;

	/* Somebody else has dropped the reference that is ours: the kernel's books are broken. */
	if (WARN_ON_ONCE(!space))
		return;
	atomic64_add(1 << order, mv->fault_page ? &space->count.faulted_out :
						  &space->count.moved_out);
	if (mv->space)
		return;
	home = READ_ONCE(mv->from->home[number / HMMDEV_HUGE_PAGES]);
	if (home)
		home += number % HMMDEV_HUGE_PAGES * PAGE_SIZE;
	hmmdev_space_event(space, HMMDEV_EVENT_EVICTED, home, PAGE_SIZE << order,
			   mv->from->number, order, 0);
}

static unsigned long hmmdev_count_one(struct hmmdev_move *mv, unsigned long i)
{
	unsigned int order = mv->dst[i] & HMMDEV_PFN_COMPOUND ? HPAGE_PMD_ORDER : 0;
	unsigned long nr = 1UL << order;

	if (!mv->dst[i])
		return 1;
	if (!(mv->src[i] & MIGRATE_PFN_MIGRATE)) {
		mv->sum->skip_busy += nr;
		return nr;
	}
	mv->sum->moved += nr;
	if (order)
		mv->sum->moved_thp += nr;
	if (mv->from)
		hmmdev_count_out(mv, migrate_pfn_to_page(mv->src[i]), order);
	if (mv->to)
		atomic64_add(nr, &mv->space->count.moved_in);
	return nr;
}

static void hmmdev_count_window(struct hmmdev_move *mv)
{
	unsigned long i;

	for (i = 0; i < mv->npages; i += hmmdev_count_one(mv, i))
		;
}

static void hmmdev_select_source(struct hmmdev_move *mv, struct migrate_vma *args)
{
	struct hmmdev_device *dev = mv->from ? mv->from : mv->to;

	args->pgmap_owner = dev;
	if (!mv->from)
		args->flags = MIGRATE_VMA_SELECT_SYSTEM;
	else if (mv->from->type == HMMDEV_TYPE_PRIVATE)
		args->flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE;
	else
		args->flags = MIGRATE_VMA_SELECT_DEVICE_COHERENT;
	/* A huge coherent page could never be collected again. */
	if (dev && dev->type != HMMDEV_TYPE_PRIVATE)
		return;
	if (!mv->small && (!mv->from || hmmdev_huge_prepare(mv)))
		args->flags |= HMMDEV_SELECT_COMPOUND;
}

static void hmmdev_move_start(struct hmmdev_move *mv)
{
	mv->start_ns = ktime_get_ns();
	mv->ns_copy = 0;
	bitmap_zero(mv->left, mv->npages);
}

static void hmmdev_move_stop(struct hmmdev_move *mv)
{
	mv->sum->ns_copy += mv->ns_copy;
	mv->sum->ns_mm += ktime_get_ns() - mv->start_ns - mv->ns_copy;
}

int hmmdev_move_vma(struct hmmdev_move *mv)
{
	struct migrate_vma args = {
		.vma = mv->vma,
		.src = mv->src,
		.dst = mv->dst,
		.start = mv->addr,
		.fault_page = mv->fault_page,
	};
	u64 *stay;
	int rc;

	hmmdev_move_start(mv);
	stay = hmmdev_huge_reason_to_stay(mv);
	if (stay) {
		*stay += mv->npages;
		return 0;
	}
	hmmdev_select_source(mv, &args);
	args.end = mv->addr + mv->npages * PAGE_SIZE;
	rc = migrate_vma_setup(&args);
	if (rc)
		return rc;
	if (args.cpages) {
		hmmdev_place(mv);
		hmmdev_copy_window(mv);
		migrate_vma_pages(&args);
		hmmdev_count_window(mv);
		migrate_vma_finalize(&args);
	} else {
		bitmap_fill(mv->left, mv->npages);
	}
	hmmdev_move_stop(mv);
	return 0;
}
