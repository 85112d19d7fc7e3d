// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's headers offer, asked by compiling: stable updates move interfaces, so a version
 * number says nothing. probe.sh compiles this file once for every PROBE_*; what compiles is there.
 * Nothing is linked: whether a symbol is exported is not asked here.
 */
#include <linux/hmm.h>
#include <linux/memremap.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/rmap.h>

#ifdef PROBE_PFN_COMPOUND
unsigned long hmmdev_probe = MIGRATE_PFN_COMPOUND | MIGRATE_VMA_SELECT_COMPOUND;
#endif

#ifdef PROBE_FOLIO_FREE
static void hmmdev_free(struct folio *folio)
{
}

struct dev_pagemap_ops hmmdev_probe = { .folio_free = hmmdev_free };
#endif

#ifdef PROBE_FOLIO_SPLIT_CB
static void hmmdev_split(struct folio *head, struct folio *tail)
{
}

struct dev_pagemap_ops hmmdev_probe = { .folio_split = hmmdev_split };
#endif

#ifdef PROBE_ZONE_DEVICE_FOLIO_INIT
void hmmdev_probe(struct folio *folio, struct dev_pagemap *pgmap)
{
	zone_device_folio_init(folio, pgmap, 0);
}
#endif

#ifdef PROBE_MAKE_DEVICE_EXCLUSIVE
struct page *hmmdev_probe(struct mm_struct *mm, struct folio **ret_folio)
{
	return make_device_exclusive(mm, 0, NULL, ret_folio);
}
#endif

#ifdef PROBE_RANGE_FAULT_UNLOCKED
int hmmdev_probe(struct hmm_range *range)
{
	return hmm_range_fault_unlocked_timeout(range, 0);
}
#endif

#ifdef PROBE_PAGE_PGMAP
struct dev_pagemap *hmmdev_probe(struct page *page)
{
	return page_pgmap(page);
}
#endif

#ifdef PROBE_PIN_REMOTE_VMAS
long hmmdev_probe(struct mm_struct *mm, struct page **pages)
{
	return pin_user_pages_remote(mm, 0, 1, 0, pages, NULL, NULL);
}
#endif

#ifdef PROBE_VMA_ALLOC_FOLIO_5
struct folio *hmmdev_probe(struct vm_area_struct *vma)
{
	return vma_alloc_folio(GFP_KERNEL, 0, vma, 0, false);
}
#endif

#ifdef PROBE_ANON_PGOFF
pgoff_t hmmdev_probe(const struct vm_area_struct *vma)
{
	return vma_start_anon_pgoff(vma);
}
#endif
