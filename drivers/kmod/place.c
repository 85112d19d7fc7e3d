// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Destinations
 *
 * Where the pages of a window go. A huge page gets a huge destination or, where it may be split,
 * 512 small ones: all or none, for the core cannot insert half of an untouched huge page, and a
 * huge page is not split for a part of it. Nothing is copied here.
 */
#include <linux/gfp.h>
#include <linux/mempolicy.h>
#include <linux/migrate.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/userfaultfd_k.h>

#include "compat.h"
#include "move.h"
#include "space.h"

/* Locked pages wait for it: reclaim once, then make do with small ones. */
#define HUGE_GFP (GFP_TRANSHUGE | __GFP_NORETRY)
#define SMALL_GFP (GFP_HIGHUSER_MOVABLE | __GFP_NOWARN)

/*
 * A program's own fault has no other answer, and it can die of it. All others, who touches another
 * one's memory among them, may hold the lock of one that would have to die: they never wait for
 * that, and the page stays where it is.
 */
static gfp_t hmmdev_gfp(const struct hmmdev_move *mv, unsigned int order)
{
	if (order)
		return HUGE_GFP;
	if (mv->fault_page && mv->vma->vm_mm == current->mm)
		return SMALL_GFP;
	return SMALL_GFP | __GFP_RETRY_MAYFAIL;
}

static u64 hmmdev_page_addr(const struct hmmdev_move *mv, unsigned long i)
{
	return mv->addr + i * PAGE_SIZE;
}

/* Neither the VMA nor the task says from which node memory has to come. */
static bool hmmdev_no_policy(const struct hmmdev_move *mv)
{
#ifdef CONFIG_NUMA
	return !current->mempolicy && !mv->vma->vm_policy;
#else
	return true;
#endif
}

static struct folio *hmmdev_node_folio(const struct hmmdev_move *mv, unsigned int order)
{
	struct folio *folio = order ? hmmdev_pool_take(mv->nid) : NULL;
	gfp_t gfp = hmmdev_gfp(mv, order) | __GFP_THISNODE;

	return folio ? folio : __folio_alloc_node(gfp, order, mv->nid);
}

/*
 * A read-only entry may be one of several, after a fork; a writable one is the only one, and so is
 * each that leaves a device (huge.c).
 */
static bool hmmdev_may_be_shared(const struct hmmdev_move *mv, unsigned long i)
{
	return !mv->from && migrate_pfn_to_page(mv->src[i]) && !(mv->src[i] & MIGRATE_PFN_WRITE);
}

static struct folio *hmmdev_policy_folio(struct hmmdev_move *mv, unsigned long i,
					 unsigned int order)
{
	gfp_t gfp = hmmdev_gfp(mv, order);
	struct folio *folio = NULL;

	if (order && hmmdev_no_policy(mv))
		folio = hmmdev_pool_take(numa_mem_id());
	if (folio)
		return folio;
	return hmmdev_vma_alloc_folio(gfp, order, mv->vma, hmmdev_page_addr(mv, i));
}

/* A page that nobody asked for fails as its own space was told. */
static bool hmmdev_system_fails(struct hmmdev_move *mv, unsigned long i, unsigned int order)
{
	struct page *from = migrate_pfn_to_page(mv->src[i]);
	struct hmmdev_space *space = mv->space;

	if (!space && from)
		space = hmmdev_page_space(from);
	return space && hmmdev_inject_hit(space, HMMDEV_INJECT_SYSTEM_ALLOC, order);
}

static struct page *hmmdev_system_page(struct hmmdev_move *mv, unsigned long i, unsigned int order)
{
	struct folio *folio;

	if (hmmdev_system_fails(mv, i, order))
		return NULL;
	if (mv->nid == NUMA_NO_NODE)
		folio = hmmdev_policy_folio(mv, i, order);
	else
		folio = hmmdev_node_folio(mv, order);
	if (!folio)
		return NULL;
	folio_lock(folio);
	return folio_page(folio, 0);
}

/* How long pressure leaves the page there, longer when its block came back early before. */
static u64 hmmdev_stay_until(struct hmmdev_move *mv, u64 addr)
{
	struct hmmdev_space *space = mv->space;
	unsigned long flags;
	u64 until_ns;

	spin_lock_irqsave(&space->thrash_lock, flags);
	until_ns = hmmdev_thrash_placed(space->thrash, addr, mv->start_ns, mv->stay_ns);
	spin_unlock_irqrestore(&space->thrash_lock, flags);
	return until_ns;
}

static struct page *hmmdev_device_page(struct hmmdev_move *mv, unsigned long i, unsigned int order,
				       int *ret_error)
{
	u64 addr = hmmdev_page_addr(mv, i), until_ns = hmmdev_stay_until(mv, addr);
	struct page *page;

	page = hmmdev_folio_take(mv->to, mv->space, addr, order, until_ns, ret_error);
	if (!page && *ret_error == -ENOSPC)
		mv->full = true;
	return page;
}

void hmmdev_unplace(struct hmmdev_move *mv, unsigned long i, unsigned long nr)
{
	struct folio *folio;

	for (; nr; nr--, i++) {
		if (!mv->dst[i])
			continue;
		folio = page_folio(migrate_pfn_to_page(mv->dst[i]));
		mv->dst[i] = 0;
		folio_unlock(folio);
		folio_put(folio);
	}
}

void hmmdev_move_failed(struct hmmdev_move *mv, unsigned long nr, int rc)
{
	bool broken = rc == -EIO || rc == -ENODEV;

	*(broken ? &mv->sum->skip_busy : &mv->sum->skip_nomem) += nr;
	if (rc != -ENOSPC && !mv->error)
		mv->error = rc;
}

/* A destination for page i. -ENOSPC: none of that order. */
static int hmmdev_place_page(struct hmmdev_move *mv, unsigned long i, unsigned int order)
{
	struct page *page;
	int rc = -ENOSPC;

	if (mv->to)
		page = hmmdev_device_page(mv, i, order, &rc);
	else
		page = hmmdev_system_page(mv, i, order);
	if (!page)
		return rc;
	mv->dst[i] = migrate_pfn(page_to_pfn(page)) | (order ? HMMDEV_PFN_COMPOUND : 0);
	return 0;
}

static bool hmmdev_has_room(struct hmmdev_move *mv)
{
	return !mv->to || mv->to->bytes - hmmdev_device_used(mv->to) >= HMMDEV_HUGE_SIZE;
}

/* The huge page at i in small ones: the core splits it when it sees them. */
static int hmmdev_place_split(struct hmmdev_move *mv, unsigned long i, struct page *from)
{
	unsigned long j;
	int rc = hmmdev_has_room(mv) ? 0 : -ENOSPC;

	for (j = 0; j < HPAGE_PMD_NR && !rc; j++)
		rc = hmmdev_place_page(mv, i + j, 0);
	if (rc) {
		hmmdev_unplace(mv, i, j);
		return rc;
	}
	mv->sum->split += !!from;
	if (from && !mv->from)
		atomic64_inc(&mv->space->count.splits);
	return 0;
}

/*
 * The core splits the page table of one address space when it splits a huge page on its way; the
 * huge entry of another would then stand for a small page. What may be shared has to be split
 * before it is taken from the page tables (see `small`), in another try. What a fault holds cannot be
 * split on its way, and stays whole for hmmdev_huge_split_faulting().
 */
static bool hmmdev_may_split(struct hmmdev_move *mv, unsigned long i)
{
	if (mv->fault_page || mv->flags & HMMDEV_MIGRATE_NO_SPLIT)
		return false;
	if (!hmmdev_may_be_shared(mv, i))
		return true;
	mv->small_next = true;
	return false;
}

/* Eviction by block leaves the pages of other blocks their time. */
static bool hmmdev_is_due(const struct hmmdev_move *mv, const struct page *page)
{
	return !mv->block_pfn || page_to_pfn(page) - mv->block_pfn < HMMDEV_HUGE_PAGES;
}

/*
 * Why the page at i stays, before anything is tried. NULL: it is to move. The kernel hands over
 * what was never touched whatever is asked for: holes come up on the way back from a device too.
 */
static u64 *hmmdev_reason_to_stay(struct hmmdev_move *mv, struct page *from)
{
	if (mv->from && from)
		return hmmdev_is_due(mv, from) ? NULL : &mv->sum->skip_busy;
	if (mv->from)
		return &mv->holes;
	if (!from && userfaultfd_missing(mv->vma))
		return &mv->sum->skip_uffd;
	if (!from)
		return mv->flags & HMMDEV_MIGRATE_POPULATE ? NULL : &mv->sum->skip_empty;
	if (!hmmdev_is_own(from))
		return &mv->sum->skip_shared;
	return !mv->to && page_to_nid(from) == mv->nid ? &mv->sum->already : NULL;
}

/* Returns how many pages it was about. */
static unsigned long hmmdev_place_one(struct hmmdev_move *mv, unsigned long i)
{
	struct page *from = migrate_pfn_to_page(mv->src[i]);
	bool huge = mv->src[i] & HMMDEV_PFN_COMPOUND;
	unsigned long nr = huge ? HPAGE_PMD_NR : 1;
	u64 *stay;
	int rc;

	if (!(mv->src[i] & MIGRATE_PFN_MIGRATE)) {
		__set_bit(i, mv->left);
		return 1;
	}
	stay = hmmdev_reason_to_stay(mv, from);
	if (stay) {
		*stay += nr;
		return nr;
	}
	rc = hmmdev_place_page(mv, i, huge ? HPAGE_PMD_ORDER : 0);
	if (rc == -ENOSPC && huge && hmmdev_may_split(mv, i))
		rc = hmmdev_place_split(mv, i, from);
	if (rc)
		hmmdev_move_failed(mv, nr, rc);
	return nr;
}

void hmmdev_place(struct hmmdev_move *mv)
{
	unsigned long i;

	for (i = 0; i < mv->npages; i += hmmdev_place_one(mv, i))
		cond_resched();
}
