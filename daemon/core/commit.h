/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What managed ranges were promised. A range is charged with its whole size when it is allocated,
 * so that no fault can ever hang for want of a place: for every set of tiers, all that may be
 * nowhere else must fit into it, for everybody and for each uid within its own limits. Loop thread
 * only.
 */
#ifndef HMMD_CORE_COMMIT_H
#define HMMD_CORE_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct world;

/*
 * Room of a device tier that is never promised: in a full machine a page comes in only after
 * another went out, and that one needs a slot while the first still has its own. One slot for each
 * mover of two users; movers beyond that find none for a moment and try again. Small devices give up at most a
 * sixteenth, but at least one slot.
 */
enum { COMMIT_RESERVE_PAGES = 8, COMMIT_RESERVE_SHARE = 16 };
enum { COMMIT_E_FULL = 1, COMMIT_E_QUOTA = 2 };

struct commit {
	struct account *account;
	uint32_t reach;		/* bit mask of tiers */
	uint64_t bytes;
};

uint64_t commit_reserve(uint64_t bytes); /* of a device tier or a limit of this size, in bytes */
/*
 * 0, COMMIT_E_FULL (the tiers are promised away), COMMIT_E_QUOTA (this uid's limits in them are),
 * -ENOMEM.
 */
int commit_take(struct world *w, struct account *a, uint32_t reach, uint64_t bytes);
/*
 * The same promise over other tiers, when a range gets another home; it was kept before, so it is
 * not refused. -ENOMEM.
 */
int commit_move(struct world *w, struct account *a, uint32_t from, uint32_t to, uint64_t bytes);
/* It was promised by an earlier daemon, whatever the limits are now. -ENOMEM. */
int commit_again(struct world *w, struct account *a, uint32_t reach, uint64_t bytes);
void commit_give(struct world *w, struct account *a, uint32_t reach, uint64_t bytes);
/* Whether all that is promised fits the limits as they are now. */
bool commit_fits(const struct world *w);
/* What does not fit: bytes that may be in these tiers alone, and how many of them can. */
struct commit_lack {
	const struct account *account;	/* whose own limits are too small; NULL: the tiers are */
	uint32_t reach;
	uint64_t needed, fits;
};
/*
 * Whether the promises would still fit if every range got the home that the states of the tiers allow now.
 * Changes nothing. 0, COMMIT_E_FULL (*ret says what is lacking), -ENOMEM.
 */
int commit_anew(struct world *w, struct commit_lack *ret);

#endif
