// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a tier can be drained, asked before anything is. What counts is not what lies there now but
 * what was promised: a program may touch all of its memory while the tier takes nothing, and its fault
 * must find room without it. Memory that nobody was promised a place for (adopted) counts by what is
 * seen of it.
 */
#include <errno.h>
#include <string.h>

#include "daemon/core/world.h"

/* Ranges that have bytes in the tier and nowhere to be but there and in `reach`. */
static void name_ranges(const struct world *w, unsigned int tier, uint32_t reach,
			struct drain_lack *ret)
{
	for (unsigned int i = 0; i < w->n_policies; i++)
		LIST_EACH(node, &w->policies[i].ranges) {
			const struct range *r = container_of(node, struct range, in_policy);

			if (!atomic_load_explicit(&r->tier_bytes[tier], memory_order_relaxed) ||
			    (r->kind == RANGE_MANAGED &&
			     (r->reach & ~(reach | 1U << tier))))
				continue;
			if (!ret->ranges++)
				ret->range = r;
		}
}

/* What managed ranges were promised, without the tier. It is out of use for the length of this look only. */
static int promises_fit(struct world *w, unsigned int tier, struct drain_lack *ret)
{
	struct commit_lack lack;
	struct tier *t = &w->tiers[tier];
	enum tier_state state = t->state;
	int rc;

	t->state = TIER_DRAINING;
	rc = commit_anew(w, &lack);
	t->state = state;
	if (rc <= 0)
		return rc;
	*ret = (struct drain_lack) { .needed = lack.needed,
				     .fits = lack.fits,
				     .tiers = lack.reach & ~(1U << tier),
				     .uid = lack.account ? lack.account->uid : UINT32_MAX };
	name_ranges(w, tier, lack.reach, ret);
	return DRAIN_E_ROOM;
}

static uint64_t really_free(const struct tier *t)
{
	uint64_t capacity = tier_capacity(t), used = tier_used(t);

	return used < capacity ? capacity - used : 0;
}

/* Adopted memory goes to nodes alone. */
static int adopted_fits(const struct world *w, unsigned int tier, struct drain_lack *ret)
{
	const struct tier *t = &w->tiers[tier];
	uint64_t fits = 0, bytes;
	unsigned int i;

	bytes = tier_is_managed(t) ? atomic_load_explicit(&t->adopted, memory_order_relaxed)
				   : tier_used(t);
	*ret = (struct drain_lack) { .needed = bytes, .uid = UINT32_MAX };
	for (i = 0; i < w->n_tiers; i++) {
		if (i == tier || !tier_is_resident(&w->tiers[i]) ||
		    w->tiers[i].state != TIER_ONLINE)
			continue;
		ret->tiers |= 1U << i;
		fits = fits + really_free(&w->tiers[i]) < fits ? UINT64_MAX
							       : fits + really_free(&w->tiers[i]);
	}
	ret->fits = fits;
	if (bytes <= fits)
		return 0;
	name_ranges(w, tier, 0, ret);
	return DRAIN_E_ROOM;
}

static uint64_t held_bytes(const struct range *r, unsigned int tier)
{
	const struct radix *mirror = &r->space->mirror;
	uint64_t bytes = 0, vpn = range_first_vpn(r), last = vpn + range_pages(r) - 1, word;

	if (!r->addr || !r->pinned_bytes || !range_pages(r))
		return 0;
	for (; (vpn = radix_next(mirror, vpn, last)) <= last; vpn++) {
		word = atomic_load_explicit(radix_find(mirror, vpn), memory_order_relaxed);
		if (page_word_tier(word) == tier && page_word_state(word) != PAGE_ABSENT &&
		    (word & (r->kind == RANGE_ADOPTED ? PAGE_STAY : PAGE_PINNED | PAGE_STAY)))
			bytes += LEDGER_PAGE_SIZE;
	}
	return bytes;
}

/* From hmmd's own devices pages come into memory, which is where pinned ones belong. */
static int nothing_held(const struct world *w, unsigned int tier, struct drain_lack *ret)
{
	uint64_t bytes;

	*ret = (struct drain_lack) { .uid = UINT32_MAX };
	for (unsigned int i = 0; i < w->n_policies; i++)
		LIST_EACH(node, &w->policies[i].ranges) {
			struct range *r = container_of(node, struct range, in_policy);

			if (!atomic_load_explicit(&r->tier_bytes[tier], memory_order_relaxed) ||
			    (r->kind == RANGE_MANAGED && !tier_is_resident(&w->tiers[tier])))
				continue;
			bytes = held_bytes(r, tier);
			if (bytes && !ret->ranges++)
				ret->range = r;
			ret->needed += bytes;
		}
	return ret->ranges ? DRAIN_E_HELD : 0;
}

int world_may_drain(struct world *w, unsigned int tier, bool keep, struct drain_lack *ret)
{
	int rc;

	*ret = (struct drain_lack) { .uid = UINT32_MAX };
	if (drain_is_last_node(w, tier))
		return DRAIN_E_LAST;
	if (w->tiers[tier].state != TIER_ONLINE)
		return 0;
	rc = promises_fit(w, tier, ret);
	if (!rc)
		rc = adopted_fits(w, tier, ret);
	if (!rc && !keep)
		rc = nothing_held(w, tier, ret);
	return rc;
}
