/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pages of the tier go first. */
#ifndef HMMD_CORE_RANK_H
#define HMMD_CORE_RANK_H

#include "daemon/core/pool.h"

struct world;

struct rank_query {
	const struct world *world;
	unsigned int tier;	/* resident */
	uint32_t uid;		/* UINT32_MAX: of everybody */
	bool nodes;		/* also ranges whose pages can go to another node only */
	uint64_t now_us;
};
/*
 * Fills `out` with up to `want`, at most POOL_VICTIMS, pages of a resident tier, the first to go
 * first: those hinted cold, then those of uids above their weighted share when the tier is
 * contended, then the coldest, among equals the oldest. Freshly filled ones only when there is
 * nothing else. The ranges are not held. Returns how many.
 */
unsigned int rank_select(const struct rank_query *q, struct victim *out, unsigned int want);

#endif
