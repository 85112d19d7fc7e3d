/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernels that the module builds for differ; here, and only here, the difference is made good.
 * probes.h has a HMMDEV_HAVE_* for what the headers offer. What an older kernel can do in another
 * way gets a function of one name; what it cannot do at all gets a constant 0, so that the code
 * that needs it is compiled everywhere and left out by the compiler.
 */
#ifndef HMMDEV_COMPAT_H
#define HMMDEV_COMPAT_H

#include <linux/err.h>
#include <linux/hmm.h>
#include <linux/huge_mm.h>
#include <linux/kconfig.h>
#include <linux/memremap.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/rmap.h>

#include "probes.h"

#ifdef HMMDEV_HAVE_PFN_COMPOUND
#include <linux/leafops.h>
#include <linux/mmap_lock.h>
#endif

#define HMMDEV_CAN_PRIVATE IS_ENABLED(CONFIG_DEVICE_PRIVATE)
#define HMMDEV_CAN_COHERENT IS_ENABLED(CONFIG_DEVICE_MIGRATION)

/* Huge pages move whole. Without it the flags are 0: nothing asks for them, nothing sees them. */
#ifdef HMMDEV_HAVE_PFN_COMPOUND
#define HMMDEV_CAN_THP IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE)
#define HMMDEV_PFN_COMPOUND ((unsigned long)MIGRATE_PFN_COMPOUND)
#define HMMDEV_SELECT_COMPOUND MIGRATE_VMA_SELECT_COMPOUND

/* The huge page of a private device that the entry stands for, or NULL. */
static inline struct folio *hmmdev_huge_entry(pmd_t pmd)
{
	return pmd_is_device_private_entry(pmd) ? pmd_to_softleaf_folio(pmd) : NULL;
}

static inline int hmmdev_mapcount(const struct folio *folio)
{
	return folio_mapcount(folio);
}

/* These kernels have no mmap_write_trylock() any more. */
static inline bool hmmdev_mmap_write_trylock(struct mm_struct *mm)
{
	if (!down_write_trylock(&mm->mmap_lock))
		return false;
	mm_lock_seqcount_begin(mm);
	return true;
}

/* Keeps out who needs no mmap lock, until that is dropped, which is held for writing. */
#define hmmdev_vma_exclude vma_start_write
#else
#define HMMDEV_CAN_THP 0
#define HMMDEV_PFN_COMPOUND 0UL
#define HMMDEV_SELECT_COMPOUND 0

static inline struct folio *hmmdev_huge_entry(pmd_t pmd)
{
	return NULL;
}

static inline int hmmdev_mapcount(const struct folio *folio)
{
	return 0;
}

static inline bool hmmdev_mmap_write_trylock(struct mm_struct *mm)
{
	return false;
}

static inline void hmmdev_vma_exclude(struct vm_area_struct *vma)
{
}
#endif

#ifndef FOLIO_MAPPING_FLAGS
#define FOLIO_MAPPING_FLAGS PAGE_MAPPING_FLAGS
#define FOLIO_MAPPING_ANON PAGE_MAPPING_ANON
#endif

/* What its mappings are found by; it may be none any more at any moment. */
static inline struct anon_vma *hmmdev_anon_vma(struct folio *folio)
{
	unsigned long mapping = (unsigned long)READ_ONCE(folio->mapping);

	if ((mapping & FOLIO_MAPPING_FLAGS) != FOLIO_MAPPING_ANON)
		return NULL;
	return (struct anon_vma *)(mapping - FOLIO_MAPPING_ANON);
}

/* Which index a private page at the start of that VMA has. */
static inline pgoff_t hmmdev_anon_pgoff(const struct vm_area_struct *vma)
{
#ifdef HMMDEV_HAVE_ANON_PGOFF
	return vma_start_anon_pgoff(vma);
#else
	return vma->vm_pgoff;
#endif
}

/* The declaration is there without CONFIG_DEVICE_PRIVATE too, the function is not. */
#if defined(HMMDEV_HAVE_MAKE_DEVICE_EXCLUSIVE) && IS_ENABLED(CONFIG_DEVICE_PRIVATE)
#define HMMDEV_CAN_EXCLUSIVE 1
#define hmmdev_make_exclusive make_device_exclusive
#else
#define HMMDEV_CAN_EXCLUSIVE 0

static inline struct page *hmmdev_make_exclusive(struct mm_struct *mm, unsigned long addr,
						 void *owner, struct folio **ret_folio)
{
	return ERR_PTR(-EOPNOTSUPP);
}
#endif

/* A fault that waits (for userfaultfd) without the mmap lock. timeout: in jiffies. */
#ifdef HMMDEV_HAVE_RANGE_FAULT_UNLOCKED
#define HMMDEV_CAN_FAULT_UNLOCKED 1
#define hmmdev_range_fault_unlocked hmm_range_fault_unlocked_timeout
#else
#define HMMDEV_CAN_FAULT_UNLOCKED 0

static inline int hmmdev_range_fault_unlocked(struct hmm_range *range, unsigned long timeout)
{
	return -EOPNOTSUPP;
}
#endif

#ifndef HMMDEV_HAVE_PAGE_PGMAP
static inline struct dev_pagemap *page_pgmap(const struct page *page)
{
	return page->pgmap;
}
#endif

/*
 * Pins pages of an mm that need not be the caller's; takes the mmap lock. The older form has one
 * more argument, and takes no `locked` for long-term pins.
 */
static inline long hmmdev_pin_remote(struct mm_struct *mm, unsigned long addr,
				     unsigned long npages, unsigned int gup_flags,
				     struct page **pages)
{
	int locked = 1;
	long pinned;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
#ifdef HMMDEV_HAVE_PIN_REMOTE_VMAS
	pinned = pin_user_pages_remote(mm, addr, npages, gup_flags, pages, NULL,
				       gup_flags & FOLL_LONGTERM ? NULL : &locked);
#else
	pinned = pin_user_pages_remote(mm, addr, npages, gup_flags, pages, &locked);
#endif
	if (locked)
		mmap_read_unlock(mm);
	return pinned;
}

/* A folio for that address, from where the VMA's and the task's policies say. */
static inline struct folio *hmmdev_vma_alloc_folio(gfp_t gfp, unsigned int order,
						   struct vm_area_struct *vma, unsigned long addr)
{
#ifdef HMMDEV_HAVE_VMA_ALLOC_FOLIO_5
	return vma_alloc_folio(gfp, order, vma, addr, false);
#else
	return vma_alloc_folio(gfp, order, vma, addr);
#endif
}

#endif
