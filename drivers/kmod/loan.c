// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The reference of a fault
 *
 * The kernel brings a reference on the page to a fault, and neither splits nor moves a page that
 * somebody else has a reference on. While a fault waits, or has the page split, it lends its
 * reference. Whoever unmaps the page meanwhile may drop the last one; the page then stays in use for
 * those who have lent theirs, and is given back when the last of them has had it again.
 */
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/percpu-refcount.h>

#include "device.h"
#include "loan.h"

/* How many loans are about the pages of its block: each page that is freed looks. Device lock held. */
static u32 *hmmdev_lent(struct hmmdev_device *dev, struct folio *folio)
{
	return &dev->lent[(folio_pfn(folio) - dev->first_pfn) / HMMDEV_HUGE_PAGES];
}

/* Marks the loans on that folio. False: there are none. */
static bool hmmdev_loans_mark(struct hmmdev_device *dev, struct folio *folio, bool freed)
{
	struct hmmdev_loan *loan;
	bool any = false;

	list_for_each_entry(loan, &dev->loans, link) {
		if (loan->folio != folio)
			continue;
		loan->freed = freed;
		any = true;
	}
	return any;
}

bool hmmdev_loan_keeps(struct hmmdev_device *dev, struct folio *folio)
{
	lockdep_assert_held(&dev->lock);
	return *hmmdev_lent(dev, folio) && hmmdev_loans_mark(dev, folio, true);
}

void hmmdev_loan_begin(struct hmmdev_loan *loan, struct folio *folio)
{
	struct hmmdev_device *dev = hmmdev_page_device(&folio->page);
	unsigned long flags;

	loan->dev = dev;
	loan->folio = folio;
	loan->freed = false;
	spin_lock_irqsave(&dev->lock, flags);
	list_add(&loan->link, &dev->loans);
	++*hmmdev_lent(dev, folio);
	spin_unlock_irqrestore(&dev->lock, flags);
	folio_put(folio);
}

/* A page that was freed counts anew. Device lock held. */
static bool hmmdev_loan_take_back(struct hmmdev_loan *loan)
{
	struct dev_pagemap *pagemap = &loan->dev->pagemap;

	if (folio_try_get(loan->folio))
		return true;
	if (!loan->freed)
		return false;
	hmmdev_loans_mark(loan->dev, loan->folio, false);
	WARN_ON_ONCE(!percpu_ref_tryget_many(&pagemap->ref, folio_nr_pages(loan->folio)));
	folio_set_count(loan->folio, 1);
	return true;
}

/* False: whoever dropped the last reference has not yet said so. */
static bool hmmdev_loan_try_end(struct hmmdev_loan *loan)
{
	unsigned long flags;
	bool back;

	spin_lock_irqsave(&loan->dev->lock, flags);
	back = hmmdev_loan_take_back(loan);
	if (back) {
		list_del(&loan->link);
		--*hmmdev_lent(loan->dev, loan->folio);
	}
	spin_unlock_irqrestore(&loan->dev->lock, flags);
	return back;
}

void hmmdev_loan_end(struct hmmdev_loan *loan)
{
	while (!hmmdev_loan_try_end(loan))
		cpu_relax();
}
