// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Huge pages that leave a device
 *
 * When a huge entry is unmapped whose page is just leaving private memory, the kernel (7.2, 7.3)
 * takes it for the page itself: a mapping and a reference are dropped that others hold, and the
 * block is given out twice. Small entries are told apart. So a huge page leaves whole only while
 * nobody can unmap it: one address space maps it, whose mmap lock and VMA are held for writing. That
 * keeps out madvise() and the end of a process that is killed as well as munmap(). Every other huge
 * page is split before it leaves.
 *
 * To split it the kernel has to find no reference but those of the page tables and its own: that of
 * a fault is lent for so long (loan.c).
 */
#include <linux/migrate.h>
#include <linux/pagemap.h>

#include "compat.h"
#include "huge.h"
#include "loan.h"
#include "move.h"
#include "space.h"

struct folio *hmmdev_huge_at(struct vm_area_struct *vma, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(vma->vm_mm, addr);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	if (pud_none(*pud) || pud_leaf(*pud))
		return NULL;
	return hmmdev_huge_entry(READ_ONCE(*pmd_offset(pud, addr)));
}

bool hmmdev_huge_is_shared(struct folio *folio)
{
	return hmmdev_mapcount(folio) != 1;
}

/* Another one's lock may mean that entries are just being restored: their number is not known. */
static bool hmmdev_huge_is_alone(struct folio *folio)
{
	bool alone;

	if (!folio_trylock(folio))
		return false;
	alone = !hmmdev_huge_is_shared(folio);
	folio_unlock(folio);
	return alone;
}

/* The kernel splits what it is asked for a part of; the part stays where it is. */
static void hmmdev_huge_split(struct vm_area_struct *vma, unsigned long addr,
			      struct hmmdev_device *dev, struct page *fault_page)
{
	unsigned long src = 0, dst = 0;
	struct migrate_vma args = {
		.vma = vma,
		.src = &src,
		.dst = &dst,
		.start = addr,
		.end = addr + PAGE_SIZE,
		.pgmap_owner = dev,
		.fault_page = fault_page,
		.flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE,
	};

	if (!migrate_vma_setup(&args))
		migrate_vma_finalize(&args);
}

/*
 * Who alone maps it stays alone while its locks are held: looked at once, it is not split afterwards.
 */
u64 *hmmdev_huge_reason_to_stay(struct hmmdev_move *mv)
{
	struct folio *folio = NULL;
	bool shared;

	if (mv->from && mv->flags & HMMDEV_MIGRATE_NO_SPLIT)
		folio = hmmdev_huge_at(mv->vma, mv->addr);
	if (!folio || hmmdev_page_device(&folio->page) != mv->from)
		return NULL;
	if (!folio_trylock(folio))
		return &mv->sum->skip_busy;
	shared = hmmdev_huge_is_shared(folio);
	folio_unlock(folio);
	return shared ? &mv->sum->skip_split : NULL;
}

static bool hmmdev_huge_prepare_at(struct hmmdev_move *mv, unsigned long addr)
{
	struct folio *folio = hmmdev_huge_at(mv->vma, addr);

	if (!folio || hmmdev_page_device(&folio->page) != mv->from)
		return true;
	mmap_assert_write_locked(mv->vma->vm_mm);
	if (mv->fault_page == &folio->page || hmmdev_huge_is_alone(folio))
		return true;
	if (mv->space && hmmdev_inject_hit(mv->space, HMMDEV_INJECT_SPLIT, HPAGE_PMD_ORDER))
		return false;
	hmmdev_huge_split(mv->vma, addr, mv->from, NULL);
	return !hmmdev_huge_at(mv->vma, addr);
}

/* The kernel is told once for a whole window whether it may take huge pages. */
bool hmmdev_huge_prepare(struct hmmdev_move *mv)
{
	unsigned long addr = ALIGN(mv->addr, HPAGE_PMD_SIZE);
	unsigned long end = mv->addr + mv->npages * PAGE_SIZE;

	if (mv->flags & HMMDEV_MIGRATE_NO_SPLIT)
		return true;
	for (; addr + HPAGE_PMD_SIZE <= end; addr += HPAGE_PMD_SIZE) {
		if (hmmdev_huge_prepare_at(mv, addr))
			continue;
		mv->npages = addr > mv->addr ? (addr - mv->addr) / PAGE_SIZE : HPAGE_PMD_NR;
		return addr > mv->addr;
	}
	return true;
}

void hmmdev_huge_split_faulting(struct vm_area_struct *vma, unsigned long addr, struct folio *folio)
{
	struct hmmdev_device *dev = hmmdev_page_device(&folio->page);
	struct hmmdev_loan loan;

	hmmdev_loan_begin(&loan, folio);
	hmmdev_huge_split(vma, addr, dev, &folio->page);
	hmmdev_loan_end(&loan);
}
