/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the mover share and nobody else needs. */
#ifndef HMMD_MECH_MOVER_OWN_H
#define HMMD_MECH_MOVER_OWN_H

#include "daemon/core/space.h"
#include "daemon/mech/mover.h"

struct page_at {
	struct range *range;
	radix_word *word;
	uint64_t seen;			/* the word as last read or made by us */
	struct mech_page page;
};

/* -EINVAL: not a page of a managed range. */
int page_at(struct range *r, uint64_t vpn, struct page_at *ret);
/*
 * For a page that we own: takes it to its next state; nobody else can have changed it but for its
 * flags, which do not stand in the way.
 */
void page_settle(struct page_at *a, enum page_state to, unsigned int tier, uint32_t slot);
struct pool *mover_pool(const struct range *r, unsigned int tier);
/* The kernel refused a huge page, and somebody has seen to it that it need not. */
bool mover_more(struct mover *m, int r);
/* An outcome for what the kernel said: MOVER_E_NO_MEMORY, MOVER_E_GONE, MOVER_E_BUSY, else the -errno. */
int mover_outcome_of(int r);
/* The slot's bytes: in place, or read into the staging buffer. An I/O error marks the device. */
int mover_load(struct mover *m, unsigned int tier, uint32_t slot, const void **ret_src);
/* FILLING, ours: puts the contents in place and ends RESIDENT, POISONED or, when that failed, DEVICE. Keeps the books of the tiers. */
int mover_finish_fill(struct mover *m, struct page_at *a, unsigned int home);
/* Its last step: the contents are in place. */
int mover_filled(struct mover *m, struct page_at *a, unsigned int home);

#endif
