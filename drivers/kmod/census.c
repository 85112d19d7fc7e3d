// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Where pages are
 *
 * Where the pages of a window are, by a walk of the page table that faults nothing in. It serves
 * what migration itself cannot tell: why the kernel did not hand a page over, what a move would do
 * (dryrun.c), and whether a huge page would have to be split. No reference is taken on the pages: the
 * notifier waits for the entry lock before anybody unmaps them, and while that is held and the walk
 * is true they are mapped. Afterwards what was said about them is a count for people, never a ground
 * to act on a page.
 *
 * The walk shows a device its own private pages only; those of others look like pages in swap.
 */
#include <linux/hmm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>

#include "census.h"
#include "compat.h"
#include "move.h"
#include "space.h"

#define CENSUS_TRIES 3	/* a range that changes faster than it is read is busy */

int hmmdev_census_open(struct hmmdev_move *mv, const struct hmmdev_device *looks)
{
	struct mmu_interval_notifier *notifier = &mv->space->notifier;
	struct hmm_range range = {
		.notifier = notifier,
		.start = mv->addr,
		.end = mv->addr + mv->npages * PAGE_SIZE,
		.hmm_pfns = mv->src,
		.dev_private_owner = (void *)looks,
	};
	int tries, rc = -EBUSY;

	for (tries = 0; tries < CENSUS_TRIES && rc == -EBUSY; tries++) {
		memset(mv->src, 0, mv->npages * sizeof(*mv->src));
		range.notifier_seq = mmu_interval_read_begin(notifier);
		rc = hmm_range_fault(&range);
		if (rc)
			continue;
		mutex_lock(&mv->space->entries);
		if (!mmu_interval_read_retry(notifier, range.notifier_seq))
			return 0;
		mutex_unlock(&mv->space->entries);
		rc = -EBUSY;
	}
	return rc;
}

void hmmdev_census_close(struct hmmdev_move *mv)
{
	mutex_unlock(&mv->space->entries);
}

struct page *hmmdev_census_page(const struct hmmdev_move *mv, unsigned long i)
{
	unsigned long pfn = mv->src[i];

	return pfn & HMM_PFN_VALID && !(pfn & HMM_PFN_ERROR) ? hmm_pfn_to_page(pfn) : NULL;
}

static int hmmdev_census_as(struct hmmdev_move *mv, const struct hmmdev_device *dev,
			    hmmdev_census_fn *tell, void *arg)
{
	int rc = hmmdev_census_open(mv, dev);

	if (rc)
		return rc;
	tell(mv, dev, arg);
	hmmdev_census_close(mv);
	return 0;
}

struct hmmdev_censuses {
	struct hmmdev_move *mv;
	hmmdev_census_fn *tell;
	void *arg;
};

static int hmmdev_census_used(struct hmmdev_device *dev, void *arg)
{
	struct hmmdev_censuses *c = arg;

	return hmmdev_device_used(dev) ? hmmdev_census_as(c->mv, dev, c->tell, c->arg) : 0;
}

int hmmdev_census_each(struct hmmdev_move *mv, hmmdev_census_fn *tell, void *arg)
{
	struct hmmdev_censuses c = { .mv = mv, .tell = tell, .arg = arg };
	int rc = hmmdev_devices_each(hmmdev_census_used, &c);

	return rc ? rc : hmmdev_census_as(mv, NULL, tell, arg);
}

bool hmmdev_on_device(struct page *page, const struct hmmdev_device *dev)
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
	return hmmdev_is_own(page) ? hmmdev_reason_held(mv->sum, page) : &mv->sum->skip_shared;
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
	if (hmmdev_census_open(mv, mv->from ? mv->from : mv->to)) {
		mv->sum->skip_busy += bitmap_weight(mv->left, mv->npages);
		return;
	}
	for_each_set_bit(i, mv->left, mv->npages) {
		struct page *page = hmmdev_census_page(mv, i);

		++*(mv->from ? hmmdev_left_out(mv, page) : hmmdev_left_in(mv, page));
	}
	hmmdev_census_close(mv);
}

static void hmmdev_find_huge(struct hmmdev_move *mv, const struct hmmdev_device *looks, void *arg)
{
	bool *found = arg;
	unsigned long i;

	for (i = 0; i < mv->npages && !*found; i++)
		*found = hmmdev_census_page(mv, i) &&
			 hmm_pfn_to_map_order(mv->src[i]) >= HPAGE_PMD_ORDER;
}

bool hmmdev_census_huge(struct hmmdev_move *mv, const struct hmmdev_device *to)
{
	bool found = false;
	int rc = to ? hmmdev_census_as(mv, NULL, hmmdev_find_huge, &found) :
		      hmmdev_census_each(mv, hmmdev_find_huge, &found);

	return rc || found;
}
