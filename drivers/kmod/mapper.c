// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Who maps a page
 *
 * Eviction finds pages by number, and the kernel has functions that move them so. They keep nobody
 * from unmapping a page meanwhile, and map it back by an anon_vma that may be gone by then. So a page
 * leaves through the page table of one that maps it, with a lock of that address space held to the
 * end: for as long as its VMA is there, so is whatever the pages in it are found by.
 */
#include <linux/interval_tree_generic.h>
#include <linux/sched/mm.h>

#include "compat.h"
#include "mapper.h"

static unsigned long hmmdev_chain_first(struct anon_vma_chain *chain)
{
	return hmmdev_anon_pgoff(chain->vma);
}

static unsigned long hmmdev_chain_last(struct anon_vma_chain *chain)
{
	return hmmdev_anon_pgoff(chain->vma) + vma_pages(chain->vma) - 1;
}

/* The kernel's own tree, which it keeps, and exports no walk over. */
INTERVAL_TREE_DEFINE(struct anon_vma_chain, rb, unsigned long, rb_subtree_last, hmmdev_chain_first,
		     hmmdev_chain_last, static inline, hmmdev_chains)

/* Under the lock of the anon_vma. */
static struct mm_struct *hmmdev_nth_mm(struct anon_vma *anon_vma, pgoff_t first, pgoff_t last,
				       unsigned int n, unsigned long *ret_addr)
{
	struct anon_vma_chain *chain = hmmdev_chains_iter_first(&anon_vma->rb_root, first, last);

	for (; chain; chain = hmmdev_chains_iter_next(chain, first, last)) {
		struct vm_area_struct *vma = chain->vma;
		pgoff_t start = hmmdev_anon_pgoff(vma);

		if (!atomic_read(&vma->vm_mm->mm_users) || n--)
			continue;
		*ret_addr = vma->vm_start + (max(first, start) - start) * PAGE_SIZE;
		return mmget_not_zero(vma->vm_mm) ? vma->vm_mm : NULL;
	}
	return NULL;
}

/*
 * Is it still given out as such a page? Where a small one has its mapping, a part of a huge one has a
 * count. Device lock held.
 */
static bool hmmdev_is_head(struct hmmdev_device *dev, struct folio *folio, unsigned int order)
{
	u64 number = folio_pfn(folio) - dev->first_pfn, head;
	unsigned int now;

	return !hmmdev_blocks_next_head(dev->blocks, number, number + 1, &head, &now) && now == order;
}

/* A small page that was just given out may still look like a part of the huge one that it was. */
static bool hmmdev_is_mapped(struct folio *folio, unsigned int order)
{
	return order ? folio_mapped(folio) : atomic_read(&folio->page._mapcount) >= 0;
}

/*
 * Nobody has a reference on the page, but it is not given out anew under the device's lock. The order
 * counts: whatever its anon_vma is after it was seen mapped has been one since RCU is read.
 */
static struct anon_vma *hmmdev_mapped_by(struct hmmdev_device *dev, struct folio *folio,
					 unsigned int order)
{
	struct anon_vma *anon_vma = NULL;
	unsigned long flags;

	spin_lock_irqsave(&dev->lock, flags);
	if (hmmdev_is_head(dev, folio, order) && hmmdev_is_mapped(folio, order)) {
		smp_rmb();
		anon_vma = hmmdev_anon_vma(folio);
	}
	spin_unlock_irqrestore(&dev->lock, flags);
	return anon_vma;
}

/*
 * As the kernel's own walk begins: an anon_vma is none any more only when nothing maps its pages,
 * and its memory is one's for as long as RCU is read. It may be another one's by then.
 */
struct mm_struct *hmmdev_mapper(struct hmmdev_device *dev, struct folio *folio, unsigned int order,
				unsigned int n, unsigned long *ret_addr)
{
	struct mm_struct *mm = NULL;
	struct anon_vma *anon_vma;
	struct rw_semaphore *lock;
	pgoff_t first;

	rcu_read_lock();
	anon_vma = hmmdev_mapped_by(dev, folio, order);
	lock = anon_vma ? &READ_ONCE(anon_vma->root)->rwsem : NULL;
	if (lock && down_read_trylock(lock)) {
		first = READ_ONCE(folio->index);
		if (hmmdev_mapped_by(dev, folio, order) == anon_vma &&
		    &READ_ONCE(anon_vma->root)->rwsem == lock)
			mm = hmmdev_nth_mm(anon_vma, first, first + (1UL << order) - 1, n, ret_addr);
		up_read(lock);
	}
	rcu_read_unlock();
	return mm;
}

unsigned long hmmdev_in_a_row(struct folio *folio, unsigned long most)
{
	const void *mapping = READ_ONCE(folio->mapping);
	pgoff_t index = READ_ONCE(folio->index);
	struct folio *next;
	unsigned long i;

	for (i = 1; i < most; i++) {
		next = (struct folio *)(&folio->page + i);
		if (READ_ONCE(next->mapping) != mapping || READ_ONCE(next->index) != index + i)
			break;
	}
	return i;
}
