// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Where pages are
 *
 * Where the pages of a window are, by a walk of the page table that faults nothing in. It serves
 * what migration itself cannot tell: why the kernel did not hand a page over, what a move would do,
 * and whether a huge page would have to be split. The pages are not held while they are looked at,
 * so what it says about them is a count for people, never a ground to act on a page.
 *
 * The walk shows a device its own private pages only; those of others look like pages in swap.
 */
#include <linux/hmm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>

#include "compat.h"
#include "move.h"
#include "space.h"

#define CENSUS_TRIES 3	/* a range that changes faster than it is read is busy */

/* The batch's src becomes what hmm_range_fault() says. */
static int hmmdev_census_read(struct hmmdev_move *mv)
{
	struct mmu_interval_notifier *notifier = &mv->space->notifier;
	struct hmm_range range = {
		.notifier = notifier,
		.start = mv->addr,
		.end = mv->addr + mv->npages * PAGE_SIZE,
		.hmm_pfns = mv->src,
		.dev_private_owner = mv->from ? mv->from : mv->to,
	};
	int tries, rc = -EBUSY;

	for (tries = 0; tries < CENSUS_TRIES && rc == -EBUSY; tries++) {
		memset(mv->src, 0, mv->npages * sizeof(*mv->src));
		range.notifier_seq = mmu_interval_read_begin(notifier);
		rc = hmm_range_fault(&range);
		if (!rc && mmu_interval_read_retry(notifier, range.notifier_seq))
			rc = -EBUSY;
	}
	return rc;
}

static struct page *hmmdev_census_page(unsigned long pfn)
{
	return pfn & HMM_PFN_VALID && !(pfn & HMM_PFN_ERROR) ? hmm_pfn_to_page(pfn) : NULL;
}

static bool hmmdev_on_device(struct page *page, const struct hmmdev_device *dev)
{
	return dev && hmmdev_page_is_ours(page) && hmmdev_page_device(page) == dev;
}

static u64 *hmmdev_reason_held(struct hmmdev_migrate *sum, struct page *page)
{
	return folio_maybe_dma_pinned(page_folio(page)) ? &sum->skip_pinned : &sum->skip_busy;
}

/* The counter for a page that was to go to a device (or a node) and was not handed over. */
static u64 *hmmdev_left_in(struct hmmdev_move *mv, struct page *page)
{
	if (page && hmmdev_on_device(page, mv->to))
		return &mv->sum->already;
	if (!page && !vma_is_anonymous(mv->vma))
		return &mv->sum->skip_shared;
	if (!page || hmmdev_page_is_ours(page))
		return &mv->sum->skip_elsewhere;
	return folio_test_anon(page_folio(page)) ? hmmdev_reason_held(mv->sum, page) :
						   &mv->sum->skip_shared;
}

/* The same for one that was to leave a device: most were not there, which the caller sums up. */
static u64 *hmmdev_left_out(struct hmmdev_move *mv, struct page *page)
{
	if (page && hmmdev_on_device(page, mv->from))
		return hmmdev_reason_held(mv->sum, page);
	return &mv->holes;
}

void hmmdev_census_left(struct hmmdev_move *mv)
{
	unsigned long i;

	if (bitmap_empty(mv->left, mv->npages))
		return;
	if (hmmdev_census_read(mv)) {
		mv->sum->skip_busy += bitmap_weight(mv->left, mv->npages);
		return;
	}
	for_each_set_bit(i, mv->left, mv->npages) {
		struct page *page = hmmdev_census_page(mv->src[i]);

		++*(mv->from ? hmmdev_left_out(mv, page) : hmmdev_left_in(mv, page));
	}
}

/* What is not anonymous in anonymous memory is a zero page, of either size. */
static bool hmmdev_is_empty(struct hmmdev_move *mv, struct page *page)
{
	return !page || (vma_is_anonymous(mv->vma) && !folio_test_anon(page_folio(page)));
}

static u64 *hmmdev_would_be(struct hmmdev_move *mv, struct page *page)
{
	if (hmmdev_is_empty(mv, page))
		return mv->flags & HMMDEV_MIGRATE_POPULATE ? &mv->sum->moved :
							     &mv->sum->skip_empty;
	if (hmmdev_on_device(page, mv->to) || (!mv->to && page_to_nid(page) == mv->nid))
		return &mv->sum->already;
	if (hmmdev_page_is_ours(page))
		return &mv->sum->skip_elsewhere;
	if (!folio_test_anon(page_folio(page)))
		return &mv->sum->skip_shared;
	return folio_maybe_dma_pinned(page_folio(page)) ? &mv->sum->skip_pinned : &mv->sum->moved;
}

void hmmdev_census_dryrun(struct hmmdev_move *mv)
{
	unsigned long i;

	if (hmmdev_census_read(mv)) {
		mv->sum->skip_busy += mv->npages;
		return;
	}
	for (i = 0; i < mv->npages; i++)
		++*hmmdev_would_be(mv, hmmdev_census_page(mv->src[i]));
}

static bool hmmdev_maps_huge(unsigned long pfn)
{
	return hmmdev_census_page(pfn) && hmm_pfn_to_map_order(pfn) >= HPAGE_PMD_ORDER;
}

bool hmmdev_census_huge(struct hmmdev_move *mv)
{
	unsigned long i;

	if (hmmdev_census_read(mv))
		return true;
	for (i = 0; i < mv->npages; i++)
		if (hmmdev_maps_huge(mv->src[i]))
			return true;
	return false;
}
