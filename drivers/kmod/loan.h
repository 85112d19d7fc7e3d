/* SPDX-License-Identifier: GPL-2.0-only */
/* The reference that a fault has on its page, lent for as long as it would be in others' way. */
#ifndef HMMDEV_LOAN_H
#define HMMDEV_LOAN_H

#include <linux/list.h>
#include <linux/mm_types.h>

struct hmmdev_device;

struct hmmdev_loan {
	struct list_head link;	/* of the device's loans, under its lock */
	struct hmmdev_device *dev;
	struct folio *folio;
	bool freed;	/* the other references have all gone */
};

/* The caller's reference goes. No device lock held. */
void hmmdev_loan_begin(struct hmmdev_loan *loan, struct folio *folio);
/* He has it again; the page may be mapped by nobody now, or be a small one. */
void hmmdev_loan_end(struct hmmdev_loan *loan);
/* The last reference goes: does the page stay in use for who has lent his? Device lock held. */
bool hmmdev_loan_keeps(struct hmmdev_device *dev, struct folio *folio);

#endif
