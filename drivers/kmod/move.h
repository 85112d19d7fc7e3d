/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One window of pages on its way: what MIGRATE, EVICT, the fault and the drain have in common. The
 * kernel collects and unmaps the sources (migrate_vma_setup), then
 *	hmmdev_place() finds destinations, to which the bytes are copied,
 *	migrate_vma_pages() passes the pages' identity on,
 *	it is counted what came of each page, and
 *	migrate_vma_finalize() maps the destinations, or the sources where it did not work.
 * An entry of dst that stays 0 leaves its page where it is; nothing else needs to be undone.
 */
#ifndef HMMDEV_MOVE_H
#define HMMDEV_MOVE_H

#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/page-flags.h>

#include "device.h"

/* The arrays of a window, from a pool: a fault must not fail for lack of them. */
struct hmmdev_batch {
	unsigned long src[HMMDEV_MOVE_PAGES];
	unsigned long dst[HMMDEV_MOVE_PAGES];
};

struct hmmdev_move {
	struct hmmdev_space *space;	/* who asked; NULL: pressure or a drain */
	struct hmmdev_device *from;	/* NULL: system memory */
	struct hmmdev_device *to;	/* NULL: system memory */
	int nid;			/* to system memory: the node, NUMA_NO_NODE the policy's */
	unsigned long block_pfn;	/* of the only block that pages are to leave; 0: of any */
	struct vm_area_struct *vma;
	struct page *fault_page;	/* migrate_to_ram: locked by the core */
	unsigned long addr;		/* of page 0 */
	unsigned long npages;
	unsigned long *src;
	unsigned long *dst;
	u32 flags;			/* HMMDEV_MIGRATE_POPULATE, _NO_SPLIT */
	u64 stay_ns;			/* to a device: how long pressure leaves it there */
	u64 start_ns;			/* of this window */
	u64 ns_copy;
	u64 holes;			/* from a device: pages that were never touched */
	struct hmmdev_migrate *sum;	/* where the pages are counted */
	int error;			/* the first that was no lack of memory: -EDQUOT, -EIO */
	bool full;			/* the device had no room for a page */
	bool small;			/* huge pages are split before they are taken */
	bool small_next;		/* the next try of the window should do so */
	DECLARE_BITMAP(left, HMMDEV_MOVE_PAGES); /* pages that the kernel did not give us */
};

int hmmdev_batches_init(void);
void hmmdev_batches_exit(void);
/* Points src and dst to a batch; waits for one rather than fail. */
void hmmdev_move_open(struct hmmdev_move *mv);
void hmmdev_move_close(struct hmmdev_move *mv);

/*
 * All steps for [addr, addr + npages) of the vma, with the mmap lock held; where huge pages may
 * leave a device for writing, and the VMA too (hmmdev_vma_exclude()). There npages may be less
 * afterwards, at a huge page's start: the rest is still to be moved.
 */
int hmmdev_move_vma(struct hmmdev_move *mv);

/*
 * Is it the program's own, neither a file's nor merged with what others have? What samepage merging
 * finds by its frame number must stay where memory can be read.
 */
static inline bool hmmdev_is_own(struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_test_anon(folio) && !folio_test_ksm(folio);
}

/* ---- place.c */
/* Fills dst; counts what stays. */
void hmmdev_place(struct hmmdev_move *mv);
/* Takes the destinations of [i, i + nr) back. */
void hmmdev_unplace(struct hmmdev_move *mv, unsigned long i, unsigned long nr);
/* Counts pages that stay because of rc. */
void hmmdev_move_failed(struct hmmdev_move *mv, unsigned long nr, int rc);

#endif
