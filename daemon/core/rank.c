// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who goes first (rank.h). Two passes over words and temperatures, which lie side by side: the
 * first makes a histogram of rank buckets (class and temperature) and finds the bucket in which the
 * wanted number is reached; the second takes all below it, and of that bucket the oldest, by a
 * bounded heap.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/adopted.h"
#include "daemon/core/rank.h"
#include "daemon/core/world.h"

enum { CLASS_COLD, CLASS_OVER, CLASS_NORMAL, CLASS_FRESH, CLASSES };
enum { BUCKETS = CLASSES * HEAT_BUCKETS, NO_BUCKET = BUCKETS };
/*
 * Without a tracker nothing is heard of a page while it is in memory. What was learnt when it came
 * in is held against it less and less: one sample without a touch for so many windows, so that
 * every page is looked at again some time by being let go.
 */
enum { FADE_WINDOWS = 64 };
#define USEC_PER_MSEC 1000ULL

struct candidate {
	uint64_t key;		/* rank bucket, then youth: the smallest goes first */
	struct victim victim;
};

struct ranking {
	const struct world *w;
	unsigned int tier;
	uint32_t uid;
	uint64_t now_us;
	uint32_t now_ms;
	bool contended, nodes;
	uint64_t weights;		/* of all uids that use the tier */
	uint32_t histogram[BUCKETS];
	uint32_t cut;			/* the bucket in which the wanted number is reached */
	uint32_t below;			/* pages in buckets before it */
	unsigned int want, n, n_heap;
	/*
	 * From the front those of the cut, a heap with the youngest on top; from the back those
	 * below it.
	 */
	struct candidate found[POOL_VICTIMS];
};

/* What of a page's rank is the same for its whole range. */
struct range_rank {
	struct range *range;
	bool by_heat, over_share;
	uint64_t fade_us;		/* 0: its temperatures are measured, not remembered */
	uint64_t min_residency_us;
};

static bool over_share(const struct ranking *k, const struct account *a)
{
	uint64_t used = atomic_load_explicit(&a->pools[k->tier].used, memory_order_relaxed);
	uint64_t share = tier_capacity(&k->w->tiers[k->tier]) / k->weights * a->weight;

	return k->contended && used > share;
}

static void weigh(struct ranking *k)
{
	k->contended = k->uid == UINT32_MAX &&
		       (k->w->tiers[k->tier].relieving || tier_above_high(&k->w->tiers[k->tier]));
	LIST_EACH(node, &k->w->accounts) {
		const struct account *a = container_of(node, struct account, in_world);

		if (atomic_load_explicit(&a->pools[k->tier].used, memory_order_relaxed))
			k->weights += a->weight;
	}
	if (!k->weights)
		k->weights = 1;
}

static unsigned int heat_now(const struct ranking *k, const struct range_rank *rr,
			     const struct heat *h)
{
	if (!rr->by_heat)
		return HEAT_NEW;
	return rr->fade_us ? heat_faded(h->value, heat_age_us(h, k->now_us) / rr->fade_us)
			   : h->value;
}

static uint32_t bucket_of(const struct ranking *k, const struct range_rank *rr, uint64_t word,
			  const struct heat *h)
{
	unsigned int class = CLASS_NORMAL;

	if (!page_movable(word) || page_word_tier(word) != k->tier)
		return NO_BUCKET;
	if (word & PAGE_COLD)
		class = CLASS_COLD;
	else if (!heat_settled(h, k->now_us, rr->min_residency_us))
		class = CLASS_FRESH;
	else if (rr->over_share)
		class = CLASS_OVER;
	return class * HEAT_BUCKETS + (heat_now(k, rr, h) >> HEAT_SHIFT);
}

static uint64_t key_of(const struct ranking *k, uint32_t bucket, const struct heat *h)
{
	return (uint64_t)bucket << 32 | (UINT32_MAX - (k->now_ms - h->since_ms));
}

static void sift_down(struct candidate *heap, unsigned int n, unsigned int i)
{
	struct candidate moving = heap[i];
	unsigned int child;

	for (; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && heap[child + 1].key > heap[child].key)
			child++;
		if (heap[child].key <= moving.key)
			break;
		heap[i] = heap[child];
	}
	heap[i] = moving;
}

/* Keeps the oldest of the cut bucket. */
static void heap_offer(struct ranking *k, const struct candidate *c)
{
	unsigned int room = k->want - k->below, i;

	if (k->n_heap == room) {
		if (c->key >= k->found[0].key)
			return;
		k->found[0] = *c;
		sift_down(k->found, room, 0);
		return;
	}
	k->found[k->n_heap++] = *c;
	if (k->n_heap == room)
		for (i = room / 2; i-- > 0;)
			sift_down(k->found, room, i);
}

typedef void page_fn(struct ranking *k, const struct range_rank *rr, uint64_t vpn, uint64_t word,
		     const struct heat *h);

static void count_page(struct ranking *k, const struct range_rank *rr, uint64_t vpn, uint64_t word,
		       const struct heat *h)
{
	uint32_t bucket = bucket_of(k, rr, word, h);

	if (bucket != NO_BUCKET && !adopted_held(rr->range, vpn, k->now_us))
		k->histogram[bucket]++;
}

static void take_page(struct ranking *k, const struct range_rank *rr, uint64_t vpn, uint64_t word,
		      const struct heat *h)
{
	uint32_t bucket = bucket_of(k, rr, word, h);
	struct candidate c;

	if (bucket == NO_BUCKET || bucket > k->cut || adopted_held(rr->range, vpn, k->now_us))
		return;
	c.key = key_of(k, bucket, h);
	c.victim = (struct victim){ rr->range, vpn, word };
	if (bucket == k->cut)
		heap_offer(k, &c);
	else if (k->n < k->below) /* a page that changed between the passes may be one too many */
		k->found[k->want - ++k->n] = c;
}

static void walk_range(struct ranking *k, const struct range_rank *rr, page_fn *fn)
{
	struct range *r = rr->range;
	uint64_t vpn = range_first_vpn(r), last = vpn + range_pages(r) - 1, end;
	const radix_word *words;
	const struct heat *heat;

	for (; range_pages(r) && (vpn = radix_next(&r->space->mirror, vpn, last)) <= last;) {
		words = radix_find(&r->space->mirror, vpn) - ledger_index(vpn, 0);
		end = (vpn | (LEDGER_FANOUT - 1)) < last ? vpn | (LEDGER_FANOUT - 1) : last;
		for (; vpn <= end; vpn++) {
			heat = range_heat(r, vpn);
			if (heat)
				fn(k, rr, vpn,
				   atomic_load_explicit(&words[ledger_index(vpn, 0)], memory_order_relaxed), heat);
		}
	}
}

/* A page that nothing can take is no victim, however cold. */
static bool has_way_out(const struct ranking *k, const struct range *r)
{
	const struct pool *pools = r->space->account->pools;
	unsigned int i;

	for (i = 0; i < r->n_lower; i++)
		if (pool_free_bytes(&pools[r->lower[i]]) >= LEDGER_PAGE_SIZE)
			return true;
	for (i = 0; k->nodes && i < k->w->n_tiers; i++)
		if (i != k->tier && tier_is_resident(&k->w->tiers[i]) && (r->reach & 1U << i) &&
		    pool_free_bytes(&pools[i]) >= LEDGER_PAGE_SIZE)
			return true;
	return false;
}

static bool concerns(const struct ranking *k, const struct range *r)
{
	/* Who only wants room for a managed page cannot move adopted memory. */
	return range_can_move(r) && (k->nodes || r->kind == RANGE_MANAGED) &&
	       (k->uid == UINT32_MAX || r->space->uid == k->uid) &&
	       atomic_load_explicit(&r->tier_bytes[k->tier], memory_order_relaxed) &&
	       has_way_out(k, r);
}

static void walk(struct ranking *k, page_fn *fn)
{
	const struct policy *p;
	struct range_rank rr;
	unsigned int i;

	for (i = 0; i < k->w->n_policies; i++) {
		p = &k->w->policies[i];
		rr.by_heat = p->config.engine == ENGINE_TIERED;
		rr.min_residency_us = p->config.min_residency_us;
		LIST_EACH(node, &p->ranges) {
			rr.range = container_of(node, struct range, in_policy);
			if (!concerns(k, rr.range))
				continue;
			rr.fade_us = range_is_tracked(rr.range)
					     ? 0
					     : rr.range->space->window.us * FADE_WINDOWS;
			rr.over_share = over_share(k, rr.range->space->account);
			walk_range(k, &rr, fn);
		}
	}
}

/* Fresh pages count only when there are no others. Returns how many pages will be taken. */
static unsigned int find_cut(struct ranking *k)
{
	uint32_t bucket, end = BUCKETS, total = 0;

	for (bucket = 0; bucket < BUCKETS; bucket++) {
		if (bucket == CLASS_FRESH * HEAT_BUCKETS && total)
			end = bucket;
		if (bucket == end)
			break;
		total += k->histogram[bucket];
	}
	if (k->want > total)
		k->want = total;
	for (bucket = 0; bucket < end && k->below + k->histogram[bucket] < k->want; bucket++)
		k->below += k->histogram[bucket];
	k->cut = bucket;
	return k->want;
}

static int by_key(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static unsigned int hand_out(struct ranking *k, struct victim *out)
{
	unsigned int i, n = k->n_heap + k->n;

	memmove(k->found + k->n_heap, k->found + k->want - k->n, k->n * sizeof(*k->found));
	qsort(k->found, n, sizeof(*k->found), by_key);
	for (i = 0; i < n; i++)
		out[i] = k->found[i].victim;
	return n;
}

unsigned int rank_select(const struct rank_query *q, struct victim *out, unsigned int want)
{
	struct ranking k = { .w = q->world,
			     .tier = q->tier,
			     .uid = q->uid,
			     .nodes = q->nodes,
			     .now_us = q->now_us,
			     .now_ms = (uint32_t)(q->now_us / USEC_PER_MSEC),
			     .want = want };

	if (k.want > POOL_VICTIMS)
		k.want = POOL_VICTIMS;
	weigh(&k);
	walk(&k, count_page);
	if (!find_cut(&k))
		return 0;
	walk(&k, take_page);
	return hand_out(&k, out);
}
