// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How ranges come and go (space.h). Everything that can be refused is taken before anything is
 * published, and whatever was taken is embedded in the range, so undoing is freeing.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/core/adopted.h"
#include "daemon/core/world.h"

enum { BASE_PAGE = 4096 /* bytes: what adopted memory is aligned to */ };

/* The huge pages that lie wholly in the range and so have a word of their own. False: none. */
static bool span_of(const struct range *r, uint64_t *ret_first, uint64_t *ret_last)
{
	if (!r->addr || !range_pages(r))
		return false;
	*ret_first = range_first_vpn(r);
	*ret_last = *ret_first + range_pages(r) - 1;
	return true;
}

static bool named(const char *name)
{
	return name && *name;
}

static int choose_policy(struct space *s, const struct range_request *q, struct policy **ret)
{
	struct policy *p =
		named(q->policy) ? world_policy(s->world, q->policy) : world_match(s->world, s);

	if (!p)
		return SPACE_E_POLICY;
	*ret = p;
	return 0;
}

static int choose_tier(struct world *w, const struct range_request *q, uint8_t *ret)
{
	struct tier *t = named(q->prefer) ? world_tier(w, q->prefer) : NULL;

	if (!t && named(q->prefer))
		return SPACE_E_TIER;
	*ret = t ? (uint8_t)t->index : TIER_NOWHERE;
	return 0;
}

/* Charges given back, lists left, memory freed: whatever of it there is. */
static struct range *range_destroy(struct range *r)
{
	struct space *s = r->space;

	if (r->pinned_bytes)
		space_unpin(r, r->pinned_bytes);
	if (r->managed.amount)
		commit_give(s->world, s->account, r->reach, r->managed.amount);
	charge_give(&r->managed);
	charge_give(&r->adopting);
	charge_give(&r->ranges);
	if (r->id) {
		s->n_ranges--;
		*(r->kind == RANGE_MANAGED ? &s->managed_bytes : &s->adopted_bytes) -= r->size;
	}
	pins_done(&r->pins);
	free(r->heat);
	free(r);
	return NULL;
}

/* With its policy, its place and its charge of one range; in no table yet. */
static int range_make(struct space *s, const struct range_request *q, enum range_kind kind,
		      struct range **ret)
{
	struct range *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	r->kind = kind;
	r->space = s;
	r->backing = -1;
	r->flags = q->flags;
	list_init(&r->in_space);
	list_init(&r->in_policy);
	snprintf(r->name, sizeof(r->name), "%s", q->name ? q->name : "");
	rc = choose_policy(s, q, &r->policy);
	if (!rc)
		rc = choose_tier(s->world, q, &r->prefer);
	if (!rc && s->recovering && kind == RANGE_MANAGED)
		charge_force(&r->ranges, s->account, ACCOUNT_RANGES, 1);
	else if (!rc && charge_take(&r->ranges, s->account, ACCOUNT_RANGES, 1))
		rc = SPACE_E_QUOTA;
	if (rc)
		return range_destroy(r), rc;
	range_place(r, s->world);
	*ret = r;
	return 0;
}

/* Into the tables that are found by id and by policy. -ENOMEM. */
static int range_publish(struct range *r)
{
	struct space *s = r->space;
	bool managed = r->kind == RANGE_MANAGED;
	int rc = idmap_put(s->world->ranges, s->world->next_id, r);

	if (rc < 0)
		return rc;
	r->id = s->world->next_id++;
	s->n_ranges++;
	*(managed ? &s->managed_bytes : &s->adopted_bytes) += r->size;
	list_append(&s->ranges, &r->in_space);
	list_append(managed ? &r->policy->ranges : &r->policy->adopted, &r->in_policy);
	r->policy->n_ranges++;
	return 0;
}

static int heat_make(struct range *r)
{
	uint64_t i, pages = range_pages(r);

	r->heat = calloc(pages, sizeof(*r->heat));
	if (!r->heat)
		return -ENOMEM;
	for (i = 0; i < pages; i++)
		r->heat[i].value = HEAT_NEW;
	return 0;
}

static int managed_charge(struct range *r)
{
	struct space *s = r->space;
	int rc;

	if (s->recovering) {
		charge_force(&r->managed, s->account, ACCOUNT_MANAGED, r->size);
		return commit_again(s->world, s->account, r->reach, r->size);
	}
	if (excess_is_over(s->account, s->world))
		return SPACE_E_EXCESS;
	if (charge_take(&r->managed, s->account, ACCOUNT_MANAGED, r->size))
		return SPACE_E_QUOTA;
	rc = commit_take(s->world, s->account, r->reach, r->size);
	if (!rc)
		return 0;
	charge_give(&r->managed);
	if (rc < 0)
		return rc;
	return rc == COMMIT_E_QUOTA ? SPACE_E_QUOTA : SPACE_E_FULL;
}

int space_alloc(struct space *s, const struct range_request *q, struct range **ret)
{
	struct range *r;
	int rc;

	if (!q->size || q->size % LEDGER_PAGE_SIZE || q->size > HMM_LIMIT_RANGE_SIZE)
		return -EINVAL;
	rc = range_make(s, q, RANGE_MANAGED, &r);
	if (rc)
		return rc;
	r->size = q->size;
	rc = managed_charge(r);
	if (!rc)
		rc = heat_make(r);
	if (!rc)
		rc = range_publish(r);
	if (rc)
		return range_destroy(r), rc;
	*ret = r;
	return 0;
}

static void words_set(struct radix *table, uint64_t first, uint64_t last, uint64_t value)
{
	uint64_t vpn;

	for (vpn = first; vpn <= last; vpn++)
		atomic_store_explicit(radix_find(table, vpn), value, memory_order_release);
}

static int cover(struct space *s, struct radix *table, uint64_t first, uint64_t last)
{
	s->lacking = radix_lacks(table, first, last);
	return radix_cover(table, first, last) ? SPACE_E_TABLES : 0;
}

/* Every page has its word. Undone when something is missing. */
static int tables_cover(struct range *r)
{
	struct space *s = r->space;
	uint64_t first = range_first_vpn(r), last = first + range_pages(r) - 1;
	int rc = cover(s, &s->mirror, first, last);

	if (rc)
		return rc;
	rc = cover(s, &s->owners, first, last);
	if (rc)
		radix_uncover(&s->mirror, first, last);
	else if (!s->recovering)
		words_set(&s->mirror, first, last, 0);
	return rc;
}

/* Into the tree, and a managed range into its tables. */
static int tables_enter(struct range *r)
{
	struct space *s = r->space;
	int rc = btree_insert(s->by_addr, r->addr, range_end(r), r);

	if (rc)
		return rc == BTREE_E_OVERLAP ? SPACE_E_OVERLAP : rc;
	rc = r->kind == RANGE_MANAGED ? tables_cover(r) : 0;
	if (rc)
		btree_remove(s->by_addr, r->addr, NULL);
	return rc;
}

int space_words_make(struct range *r, uint64_t vpn, uint64_t pages)
{
	struct radix *mirror = &r->space->mirror;
	uint64_t first, last, end = vpn + pages;

	if (!span_of(r, &first, &last))
		return 0;
	for (vpn = vpn > first ? vpn : first; vpn < end && vpn <= last; vpn = (vpn | (LEDGER_FANOUT - 1)) + 1) {
		r->space->lacking = radix_lacks(mirror, vpn, vpn);
		if (radix_make(mirror, vpn))
			return SPACE_E_TABLES;
	}
	return 0;
}

int space_map(struct space *s, struct range *r, uint64_t addr)
{
	uint64_t first = addr >> LEDGER_PAGE_SHIFT, last = first + range_pages(r) - 1;
	int rc;

	if (r->addr || r->kind != RANGE_MANAGED)
		return SPACE_E_STATE;
	if (!addr || addr % LEDGER_PAGE_SIZE || addr > HMM_LIMIT_ADDRESS - r->size)
		return -EINVAL;
	r->addr = addr;
	rc = tables_enter(r);
	if (rc) {
		r->addr = 0;
		return rc;
	}
	words_set(&s->owners, first, last, (uintptr_t)r);
	return 0;
}

static bool adoptable(uint64_t addr, uint64_t size)
{
	return addr && size && !(addr % BASE_PAGE) && !(size % BASE_PAGE) &&
	       size <= HMM_LIMIT_RANGE_SIZE && addr <= HMM_LIMIT_ADDRESS - size;
}

static int adopt(struct space *s, const struct range_request *q, uint64_t addr, uint64_t size,
		 struct range **ret)
{
	struct range *r;
	int rc;

	if (!adoptable(addr, size))
		return -EINVAL;
	rc = range_make(s, q, RANGE_ADOPTED, &r);
	if (rc)
		return rc;
	r->addr = addr;
	r->size = size;
	rc = charge_take(&r->adopting, s->account, ACCOUNT_ADOPTED, size) ? SPACE_E_QUOTA : 0;
	if (!rc)
		rc = tables_enter(r);
	if (rc)
		return range_destroy(r), rc;
	rc = range_publish(r);
	if (rc < 0) {
		space_range_leave(s, r);
		space_range_free(r, NULL, NULL);
		return rc;
	}
	*ret = r;
	return 0;
}

int space_register(struct space *s, const struct range_request *q, const uint64_t *addrs,
		   const uint64_t *sizes, size_t n, uint64_t *ret_first_id)
{
	uint64_t first_id = s->world->next_id;
	struct range *r;
	size_t i;
	int rc = n ? 0 : -EINVAL;

	for (i = 0; i < n && !rc; i++)
		rc = adopt(s, q, addrs[i], sizes[i], &r);
	if (!rc) {
		*ret_first_id = first_id;
		return 0;
	}
	while (s->world->next_id > first_id) {
		r = idmap_get(s->world->ranges, s->world->next_id - 1);
		space_range_leave(s, r);
		space_range_free(r, NULL, NULL);
		s->world->next_id--;
	}
	return rc;
}

static void owners_clear(struct range *r)
{
	if (r->kind == RANGE_MANAGED && r->addr)
		words_set(&r->space->owners, range_first_vpn(r),
			  range_first_vpn(r) + range_pages(r) - 1, 0);
}

void space_range_leave(struct space *s, struct range *r)
{
	atomic_store(&r->dying, true);
	owners_clear(r);
	if (r->addr)
		btree_remove(s->by_addr, r->addr, NULL);
	if (r->id) {
		idmap_take(s->world->ranges, r->id);
		r->policy->n_ranges--;
	}
	list_remove(&r->in_space);
	list_remove(&r->in_policy);
	if (atomic_load(&r->holders))
		world_let_go(s->world, r);
}

static void words_release(struct range *r, uint64_t first, uint64_t last,
			  void (*release)(void *userdata, uint64_t word), void *userdata)
{
	uint64_t vpn, word;

	for (vpn = first; vpn <= last; vpn++) {
		word = atomic_exchange_explicit(radix_find(&r->space->mirror, vpn), 0,
						memory_order_acq_rel);
		if (word && release)
			release(userdata, word);
	}
}

static void bytes_give(struct range *r)
{
	struct account *a = r->space->account;
	uint64_t bytes;
	unsigned int i;

	for (i = 0; r->kind == RANGE_MANAGED && i < a->n_pools; i++) {
		bytes = atomic_load_explicit(&r->tier_bytes[i], memory_order_relaxed);
		if (!bytes)
			continue;
		if (tier_is_resident(&r->space->world->tiers[i]))
			a->freed += bytes;
		pool_give(&a->pools[i], bytes);
	}
}

void space_range_free(struct range *r, void (*release)(void *userdata, uint64_t word),
		      void *userdata)
{
	struct space *s = r->space;
	uint64_t first, last;

	assert(atomic_load(&r->holders) == 0);
	adopted_unwatch(r);
	if (span_of(r, &first, &last) && r->kind == RANGE_ADOPTED) {
		radix_clear(&s->mirror, first, last);
	} else if (span_of(r, &first, &last)) {
		words_release(r, first, last, release, userdata);
		radix_uncover(&s->mirror, first, last);
		radix_uncover(&s->owners, first, last);
	}
	bytes_give(r);
	range_destroy(r);
}
