// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Device folios
 *
 * Device folios: what a block of device memory is while somebody's page lives in it. The folio
 * knows the space that put it there (zone_device_data), with a reference; after a fork other
 * address spaces map it too, but that one stays charged for it.
 *
 * A page that was a tail of a freed huge folio still points to the old head, so nothing is read
 * from a page before it is initialised: the pagemap comes from the device, the page from its
 * number. Blocks are carved from their first page on, which ends the old head's order.
 */
#include <linux/module.h>
#include <linux/pagemap.h>

#include "compat.h"
#include "device.h"
#include "loan.h"
#include "space.h"

static u64 hmmdev_page_number(struct hmmdev_device *dev, const struct page *page)
{
	return page_to_pfn(page) - dev->first_pfn;
}

struct hmmdev_space *hmmdev_page_space(const struct page *page)
{
	return compound_head(page)->zone_device_data;
}

bool hmmdev_block_is_of(struct hmmdev_device *dev, u64 block, const struct hmmdev_user *user)
{
	u64 at = block, end = block + HMMDEV_HUGE_PAGES, head;
	struct hmmdev_space *space;
	unsigned int order;
	unsigned long flags;
	bool is_of = true;

	spin_lock_irqsave(&dev->lock, flags);
	for (; is_of && !hmmdev_blocks_next_head(dev->blocks, at, end, &head, &order);
	     at = head + (1ULL << order)) {
		space = READ_ONCE(pfn_to_page(dev->first_pfn + head)->zone_device_data);
		is_of = space && space->user == user;
	}
	spin_unlock_irqrestore(&dev->lock, flags);
	return is_of;
}

/* The module stays for as long as any page is in use. Device lock held. */
static void hmmdev_account_use(struct hmmdev_device *dev)
{
	struct hmmdev_blocks_count count;
	bool in_use;

	hmmdev_blocks_count(dev->blocks, &count);
	in_use = count.free_bytes != count.bytes;
	if (in_use == dev->in_use)
		return;
	dev->in_use = in_use;
	if (in_use)
		__module_get(THIS_MODULE);
	else
		module_put(THIS_MODULE);
}

/* A page in use has a space, for who goes through them under the lock (hmmdev_block_is_of()). */
static int hmmdev_number_take(struct hmmdev_device *dev, struct hmmdev_space *space, u64 addr,
			      unsigned int order, u64 until_ns, u64 *ret_page)
{
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&dev->lock, flags);
	rc = hmmdev_blocks_take(dev->blocks, order, until_ns, ret_page);
	if (!rc) {
		dev->home[*ret_page / HMMDEV_HUGE_PAGES] = order ? addr : 0;
		pfn_to_page(dev->first_pfn + *ret_page)->zone_device_data = space;
		hmmdev_account_use(dev);
	}
	spin_unlock_irqrestore(&dev->lock, flags);
	if (rc == HMMDEV_BLOCKS_E_FULL)
		return -ENOSPC;
	return rc == HMMDEV_BLOCKS_E_RETIRED ? -ENODEV : rc;
}

static void hmmdev_folio_start(struct page *page, struct hmmdev_device *dev, unsigned int order)
{
#if defined(HMMDEV_HAVE_ZONE_DEVICE_FOLIO_INIT)
	zone_device_folio_init((struct folio *)page, &dev->pagemap, order);
#else
	zone_device_page_init(page);
#endif
}

struct page *hmmdev_folio_take(struct hmmdev_device *dev, struct hmmdev_space *space, u64 addr,
			       unsigned int order, u64 until_ns, int *ret_error)
{
	u64 bytes = PAGE_SIZE << order, number;
	struct page *page;

	*ret_error = -ENOSPC;
	if (hmmdev_inject_hit(space, HMMDEV_INJECT_DEVICE_ALLOC, order))
		return NULL;
	*ret_error = hmmdev_space_charge_dev(space, bytes);
	if (*ret_error)
		return NULL;
	hmmdev_space_hold(space);
	*ret_error = hmmdev_number_take(dev, space, addr, order, until_ns, &number);
	if (*ret_error) {
		hmmdev_space_uncharge_dev(space, bytes);
		hmmdev_space_put(space);
		return NULL;
	}
	page = pfn_to_page(dev->first_pfn + number);
	hmmdev_folio_start(page, dev, order);
	return page;
}

/* The last reference is gone: any context, also under the page table's lock. */
void hmmdev_folio_free(struct folio *folio)
{
	struct page *page = folio_page(folio, 0);
	struct hmmdev_device *dev = hmmdev_page_device(page);
	struct hmmdev_space *space = page->zone_device_data;
	unsigned int order = folio_order(folio);
	unsigned long flags;

	spin_lock_irqsave(&dev->lock, flags);
	if (hmmdev_loan_keeps(dev, folio)) {
		spin_unlock_irqrestore(&dev->lock, flags);
		return;
	}
	page->zone_device_data = NULL;
	WARN_ON_ONCE(hmmdev_blocks_give(dev->blocks, hmmdev_page_number(dev, page), order));
	hmmdev_account_use(dev);
	spin_unlock_irqrestore(&dev->lock, flags);
	hmmdev_space_uncharge_dev(space, PAGE_SIZE << order);
	hmmdev_space_put(space);
}

/* All of its pages are in use at once, and so each has its space by then. Device lock held. */
static int hmmdev_block_split(struct hmmdev_device *dev, struct page *head,
			      struct hmmdev_space *space)
{
	int rc = hmmdev_blocks_split(dev->blocks, hmmdev_page_number(dev, head));
	unsigned long i;

	for (i = 1; !rc && i < HMMDEV_HUGE_PAGES; i++)
		(head + i)->zone_device_data = space;
	return rc;
}

/*
 * The core has split a huge folio: called for each new folio and, last, with none. The block is
 * carved before the first of them can be freed. Atomic context.
 */
void hmmdev_folio_split(struct folio *head, struct folio *tail)
{
	struct page *page = folio_page(head, 0);
	struct hmmdev_device *dev = hmmdev_page_device(page);
	struct hmmdev_space *space = page->zone_device_data;
	unsigned long flags;
	int rc;

	if (!tail)
		return;
	hmmdev_space_hold(space);
	tail->page.mapping = page->mapping;
#ifdef HMMDEV_HAVE_FOLIO_SPLIT_CB
	tail->pgmap = head->pgmap;
#endif
	spin_lock_irqsave(&dev->lock, flags);
	rc = hmmdev_block_split(dev, page, space);
	spin_unlock_irqrestore(&dev->lock, flags);
	if (!rc)
		atomic64_inc(&space->count.splits);
}
