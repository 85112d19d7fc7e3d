// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: What a move would do
 *
 * The counts that EVICT or MIGRATE would give, as far as a look tells: what is in swap looks like
 * what was never touched, and whether a page can be had is known to who takes it only. A device sees
 * no private pages but its own, so each of them looks once; the first that sees a page counts it.
 */
#include <linux/mm.h>
#include <linux/userfaultfd_k.h>

#include "census.h"
#include "compat.h"
#include "huge.h"
#include "space.h"

struct hmmdev_dryrun {
	bool evict;
	const struct hmmdev_device *only;	/* EVICT: NULL is every device */
};

static u64 *hmmdev_dryrun_moves(struct hmmdev_migrate *sum, struct page *page)
{
	return folio_maybe_dma_pinned(page_folio(page)) ? &sum->skip_pinned : &sum->moved;
}

static u64 *hmmdev_dryrun_there(struct hmmdev_move *mv, const struct hmmdev_dryrun *run,
				struct page *page)
{
	const struct hmmdev_device *dev = hmmdev_page_device(page);

	if (run->evict ? run->only && dev != run->only : dev == mv->to)
		return &mv->sum->already;
	if (mv->to)
		return &mv->sum->skip_elsewhere;
	if (mv->flags & HMMDEV_MIGRATE_NO_SPLIT && folio_test_large(page_folio(page)) &&
	    hmmdev_huge_is_shared(page_folio(page)))
		return &mv->sum->skip_split;
	return hmmdev_dryrun_moves(mv->sum, page);
}

static u64 *hmmdev_dryrun_empty(struct hmmdev_move *mv)
{
	if (userfaultfd_missing(mv->vma))
		return &mv->sum->skip_uffd;
	return mv->flags & HMMDEV_MIGRATE_POPULATE ? &mv->sum->moved : &mv->sum->skip_empty;
}

/* On no device. What is not anonymous in anonymous memory is a zero page, of either size. */
static u64 *hmmdev_dryrun_here(struct hmmdev_move *mv, const struct hmmdev_dryrun *run,
			       struct page *page)
{
	if (run->evict)
		return &mv->sum->already;
	if (!page || (vma_is_anonymous(mv->vma) && !folio_test_anon(page_folio(page))))
		return hmmdev_dryrun_empty(mv);
	if (!hmmdev_is_own(page))
		return &mv->sum->skip_shared;
	if (!mv->to && page_to_nid(page) == mv->nid)
		return &mv->sum->already;
	return hmmdev_dryrun_moves(mv->sum, page);
}

/* mv->left: what nobody has counted yet. */
static void hmmdev_dryrun_tell(struct hmmdev_move *mv, const struct hmmdev_device *looks, void *arg)
{
	unsigned long i;

	for_each_set_bit(i, mv->left, mv->npages) {
		struct page *page = hmmdev_census_page(mv, i);
		bool there = page && hmmdev_page_is_ours(page);

		if (looks && !there)
			continue;
		__clear_bit(i, mv->left);
		++*(there ? hmmdev_dryrun_there(mv, arg, page) : hmmdev_dryrun_here(mv, arg, page));
	}
}

void hmmdev_dryrun(struct hmmdev_move *mv, bool evict, const struct hmmdev_device *only)
{
	struct hmmdev_dryrun run = { .evict = evict, .only = only };

	bitmap_fill(mv->left, mv->npages);
	if (hmmdev_census_each(mv, hmmdev_dryrun_tell, &run))
		mv->sum->skip_busy += bitmap_weight(mv->left, mv->npages);
}
