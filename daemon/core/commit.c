// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Promises (commit.h). There are few groups: one per uid and set of tiers, and sets come from
 * policies. Checked are the new set and its unions with the others, which is where a new promise
 * can be too much.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/core/world.h"

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t commit_reserve(uint64_t bytes)
{
	uint64_t pages = bytes / LEDGER_PAGE_SIZE, reserve = pages / COMMIT_RESERVE_SHARE;

	if (reserve < 1)
		reserve = pages ? 1 : 0;
	if (reserve > COMMIT_RESERVE_PAGES)
		reserve = COMMIT_RESERVE_PAGES;
	return reserve * LEDGER_PAGE_SIZE;
}

/* What one tier can hold of everybody (a NULL) or of one uid. */
static uint64_t holdable(const struct world *w, const struct account *a, unsigned int tier)
{
	const struct tier *t = &w->tiers[tier];
	uint64_t bytes = tier_promised(t), limit;

	if (t->state != TIER_ONLINE || !tier_is_managed(t))
		return 0;
	if (a) {
		limit = atomic_load_explicit(&a->pools[tier].limit, memory_order_relaxed);
		bytes = limit < bytes ? limit : bytes;
	}
	return bytes & ~(LEDGER_PAGE_SIZE - 1);
}

/* Of it, what may be promised. */
static uint64_t promisable(const struct world *w, const struct account *a, unsigned int tier)
{
	uint64_t bytes = holdable(w, a, tier);

	return tier_is_resident(&w->tiers[tier]) ? bytes : bytes - commit_reserve(bytes);
}

static uint64_t room_of(const struct world *w, const struct account *a, uint32_t reach)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < w->n_tiers; i++)
		if (reach & 1U << i)
			sum = add(sum, promisable(w, a, i));
	return sum;
}

/* What has no other place than these tiers. */
static uint64_t bound_to(const struct world *w, const struct account *a, uint32_t reach)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < w->n_commits; i++)
		if ((!a || w->commits[i].account == a) && !(w->commits[i].reach & ~reach))
			sum = add(sum, w->commits[i].bytes);
	return sum;
}

/*
 * What the uids must have in one class of these tiers (memory or devices), because their own limits
 * in the other class are too small for it.
 */
static uint64_t forced_into(const struct world *w, const struct account *a, uint32_t reach,
			    uint64_t bytes, bool resident)
{
	uint64_t sum = 0, mine, elsewhere;
	unsigned int i;

	LIST_EACH(node, &w->accounts) {
		const struct account *each = container_of(node, struct account, in_world);

		mine = add(bound_to(w, each, reach), each == a ? bytes : 0);
		for (i = 0, elsewhere = 0; mine && i < w->n_tiers; i++)
			if ((reach & 1U << i) && tier_is_resident(&w->tiers[i]) != resident)
				elsewhere = add(elsewhere, holdable(w, each, i));
		sum = add(sum, mine > elsewhere ? mine - elsewhere : 0);
	}
	return sum;
}

/* Of one class: also of memory a reserve stays free for those who are not forced into it. */
static uint64_t room_of_class(const struct world *w, uint32_t reach, bool resident)
{
	uint64_t sum = 0, bytes;
	unsigned int i;

	for (i = 0; i < w->n_tiers; i++) {
		bytes = (reach & 1U << i) && tier_is_resident(&w->tiers[i]) == resident
				? holdable(w, NULL, i)
				: 0;
		sum = add(sum, bytes - commit_reserve(bytes));
	}
	return sum;
}

static bool fits(const struct world *w, const struct account *a, uint32_t reach, uint64_t bytes)
{
	return add(bound_to(w, a, reach), bytes) <= room_of(w, a, reach);
}

/*
 * Both classes, whoever it is that asks. A range that knows no device is in memory for good and
 * needs no reserve.
 */
static bool classes_fit(const struct world *w, const struct account *a, uint32_t reach,
			uint64_t bytes)
{
	if (!room_of_class(w, reach, false) || !room_of_class(w, reach, true))
		return true;
	return forced_into(w, a, reach, bytes, true) <= room_of_class(w, reach, true) &&
	       forced_into(w, a, reach, bytes, false) <= room_of_class(w, reach, false);
}

/* The set itself and every union with another set that is in use. */
static bool fits_everywhere(const struct world *w, const struct account *a, uint32_t reach,
			    uint64_t bytes)
{
	uint32_t last = reach, both;
	size_t i;

	if (!fits(w, a, reach, bytes))
		return false;
	for (i = 0; i < w->n_commits; i++) {
		both = reach | w->commits[i].reach;
		if (both != last && both != reach && !fits(w, a, both, bytes))
			return false;
		last = both;
	}
	return fits(w, a, UINT32_MAX, bytes);
}

static struct commit *find(const struct world *w, const struct account *a, uint32_t reach)
{
	size_t i;

	for (i = 0; i < w->n_commits; i++)
		if (w->commits[i].account == a && w->commits[i].reach == reach)
			return &w->commits[i];
	return NULL;
}

static int book(struct world *w, struct account *a, uint32_t reach, uint64_t bytes)
{
	struct commit *c = find(w, a, reach);

	if (!c) {
		c = realloc(w->commits, (w->n_commits + 1) * sizeof(*c));
		if (!c)
			return -ENOMEM;
		w->commits = c;
		c += w->n_commits++;
		*c = (struct commit){ .account = a, .reach = reach };
	}
	c->bytes += bytes;
	return 0;
}

int commit_take(struct world *w, struct account *a, uint32_t reach, uint64_t bytes)
{
	if (!fits_everywhere(w, a, reach, bytes))
		return fits_everywhere(w, NULL, reach, bytes) ? COMMIT_E_QUOTA : COMMIT_E_FULL;
	if (!fits_everywhere(w, NULL, reach, bytes) || !classes_fit(w, a, reach, bytes))
		return COMMIT_E_FULL;
	return book(w, a, reach, bytes);
}

int commit_again(struct world *w, struct account *a, uint32_t reach, uint64_t bytes)
{
	return book(w, a, reach, bytes);
}

void commit_give(struct world *w, struct account *a, uint32_t reach, uint64_t bytes)
{
	struct commit *c = find(w, a, reach);

	assert(c && c->bytes >= bytes);
	c->bytes -= bytes;
	if (!c->bytes)
		*c = w->commits[--w->n_commits];
}

int commit_move(struct world *w, struct account *a, uint32_t from, uint32_t to, uint64_t bytes)
{
	int rc;

	if (from == to)
		return 0;
	rc = book(w, a, to, bytes);
	if (rc < 0)
		return rc;
	commit_give(w, a, from, bytes);
	return 0;
}

static bool lacks(const struct world *w, const struct account *a, uint32_t reach,
		  struct commit_lack *ret)
{
	*ret = (struct commit_lack) { .account = a,
				      .reach = reach,
				      .needed = bound_to(w, a, reach),
				      .fits = room_of(w, a, reach) };
	return ret->needed > ret->fits;
}

static bool lacks_somewhere(const struct world *w, const struct account *a, uint32_t reach,
			    struct commit_lack *ret)
{
	size_t i;

	if (lacks(w, a, reach, ret))
		return true;
	for (i = 0; i < w->n_commits; i++)
		if (lacks(w, a, reach | w->commits[i].reach, ret))
			return true;
	return lacks(w, a, UINT32_MAX, ret);
}

static bool class_lacks(const struct world *w, uint32_t reach, struct commit_lack *ret)
{
	bool resident = true;

	if (classes_fit(w, NULL, reach, 0))
		return false;
	if (forced_into(w, NULL, reach, 0, true) <= room_of_class(w, reach, true))
		resident = false;
	*ret = (struct commit_lack) { .reach = reach,
				      .needed = forced_into(w, NULL, reach, 0, resident),
				      .fits = room_of_class(w, reach, resident) };
	return true;
}

static bool lacking(const struct world *w, struct commit_lack *ret)
{
	const struct commit *c;

	for (c = w->commits; c < w->commits + w->n_commits; c++)
		if (lacks_somewhere(w, NULL, c->reach, ret) ||
		    lacks_somewhere(w, c->account, c->reach, ret) ||
		    class_lacks(w, c->reach, ret))
			return true;
	return false;
}

bool commit_fits(const struct world *w)
{
	struct commit_lack lack;

	return !lacking(w, &lack);
}

/* All managed ranges, each with the home it would have now. */
static int book_all(struct world *w)
{
	unsigned int i, home;
	int rc = 0;

	for (i = 0; i < w->n_policies; i++)
		LIST_EACH(node, &w->policies[i].ranges) {
			const struct range *r = container_of(node, struct range, in_policy);

			if (rc || !r->managed.amount)
				continue;
			home = range_home(r, w);
			rc = book(w, r->space->account,
				  home == TIER_NOWHERE ? r->reach : r->reach | 1U << home,
				  r->managed.amount);
		}
	return rc;
}

int commit_anew(struct world *w, struct commit_lack *ret)
{
	struct commit *kept = w->commits;
	size_t n = w->n_commits;
	int rc;

	w->commits = NULL;
	w->n_commits = 0;
	rc = book_all(w);
	if (!rc && lacking(w, ret))
		rc = COMMIT_E_FULL;
	free(w->commits);
	w->commits = kept;
	w->n_commits = n;
	return rc;
}
