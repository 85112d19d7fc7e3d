// SPDX-License-Identifier: GPL-2.0-or-later
/* Books of adopted memory (adopted.h). */
#include <errno.h>
#include <stdlib.h>

#include "daemon/core/adopted.h"
#include "daemon/core/world.h"

enum { BASE_PAGE = 4096, COUNT_BITS = 10, TIER_BITS = 6 };
#define USEC_PER_MSEC 1000ULL

_Static_assert(LEDGER_PAGE_SIZE / BASE_PAGE < 1 << COUNT_BITS,
	       "a full page does not fit its count");
_Static_assert((unsigned int)HMM_LIMIT_TIERS <= (unsigned int)ADOPTED_NO_TIER,
	       "a tier does not fit");

static uint32_t pack(const struct adopted_seen *s)
{
	return s->memory | (uint32_t)s->device << COUNT_BITS | (uint32_t)s->node << 2 * COUNT_BITS |
	       (uint32_t)s->dev << (2 * COUNT_BITS + TIER_BITS);
}

static struct adopted_seen unpack(uint32_t word)
{
	return (struct adopted_seen) {
		.memory = word & ((1U << COUNT_BITS) - 1),
		.device = word >> COUNT_BITS & ((1U << COUNT_BITS) - 1),
		.node = word >> 2 * COUNT_BITS & ((1U << TIER_BITS) - 1),
		.dev = (uint8_t)(word >> (2 * COUNT_BITS + TIER_BITS)),
	};
}

static struct adopted_chunk *chunk_at(const struct range *r, uint64_t vpn)
{
	struct adopted *a = atomic_load_explicit(&r->adopted, memory_order_acquire);

	if (!a || vpn < a->first || vpn - a->first >= a->n)
		return NULL;
	return atomic_load_explicit(&a->chunks[(vpn - a->first) / ADOPTED_CHUNK], memory_order_acquire);
}

static unsigned int place_in_chunk(const struct range *r, uint64_t vpn)
{
	return (vpn - (r->addr >> LEDGER_PAGE_SHIFT)) % ADOPTED_CHUNK;
}

static struct adopted_page *page_at(const struct range *r, uint64_t vpn)
{
	struct adopted_chunk *c = chunk_at(r, vpn);

	return c ? &c->pages[place_in_chunk(r, vpn)] : NULL;
}

/* Whoever is first makes it for all. NULL: the range is not watched, or there is no memory. */
static struct adopted_page *page_make(const struct range *r, uint64_t vpn)
{
	struct adopted *a = atomic_load_explicit(&r->adopted, memory_order_acquire);
	struct adopted_chunk *c, *none = NULL;
	unsigned int i;

	if (!a || vpn < a->first || vpn - a->first >= a->n || chunk_at(r, vpn))
		return page_at(r, vpn);
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	for (i = 0; i < ADOPTED_CHUNK; i++)
		c->heat[i].value = HEAT_NEW;
	if (!atomic_compare_exchange_strong(&a->chunks[(vpn - a->first) / ADOPTED_CHUNK], &none, c))
		free(c);
	return page_at(r, vpn);
}

struct heat *range_heat(const struct range *r, uint64_t vpn)
{
	uint64_t first = range_first_vpn(r);
	struct adopted_chunk *c;

	if (vpn < first || vpn - first >= range_pages(r))
		return NULL;
	if (r->kind == RANGE_MANAGED)
		return &r->heat[vpn - first];
	c = chunk_at(r, vpn);
	return c ? &c->heat[place_in_chunk(r, vpn)] : NULL;
}

int adopted_watch(struct range *r)
{
	uint64_t first = r->addr >> LEDGER_PAGE_SHIFT;
	uint64_t n = ((range_end(r) - 1) >> LEDGER_PAGE_SHIFT) - first + 1;
	struct adopted *a;

	if (atomic_load(&r->adopted))
		return 0;
	a = calloc(1, sizeof(*a) + ((n - 1) / ADOPTED_CHUNK + 1) * sizeof(a->chunks[0]));
	if (!a)
		return -ENOMEM;
	a->first = first;
	a->n = n;
	atomic_store_explicit(&r->adopted, a, memory_order_release);
	list_remove(&r->in_policy);
	list_append(&r->policy->ranges, &r->in_policy);
	return 0;
}

void adopted_unwatch(struct range *r)
{
	struct adopted *a = atomic_load(&r->adopted);
	const struct adopted_seen nothing = { .node = ADOPTED_NO_TIER, .dev = ADOPTED_NO_TIER };
	uint64_t i, j;

	for (i = 0; a && i <= (a->n - 1) / ADOPTED_CHUNK; i++) {
		for (j = 0; atomic_load(&a->chunks[i]) && j < ADOPTED_CHUNK; j++)
			adopted_book(r, a->first + i * ADOPTED_CHUNK + j, &nothing, NULL);
		free(atomic_load(&a->chunks[i]));
		atomic_store(&a->chunks[i], NULL);
	}
	atomic_store(&r->adopted, NULL);
	free(a);
}

static void node_bytes(struct range *r, unsigned int tier, uint64_t was, uint64_t now)
{
	if (tier == ADOPTED_NO_TIER || was == now)
		return;
	atomic_fetch_add_explicit(&r->tier_bytes[tier], now - was, memory_order_relaxed);
	atomic_fetch_add_explicit(&r->space->world->tiers[tier].adopted, now - was,
				  memory_order_relaxed);
}

/* How much of these bytes is paid for already. */
static uint64_t from_room(struct adopted_room *room, unsigned int tier, uint64_t bytes)
{
	if (!room || room->tier != tier)
		return 0;
	if (bytes > room->bytes)
		bytes = room->bytes;
	room->bytes -= bytes;
	return bytes;
}

static void device_bytes(struct range *r, unsigned int tier, uint64_t was, uint64_t now,
			 struct adopted_room *room)
{
	struct pool *pool = tier == ADOPTED_NO_TIER ? NULL : &r->space->account->pools[tier];

	if (!pool || was == now)
		return;
	atomic_fetch_add_explicit(&r->tier_bytes[tier], now - was, memory_order_relaxed);
	if (now > was)
		pool_force(pool, now - was - from_room(room, tier, now - was));
	else
		pool_give(pool, was - now);
}

/* Bytes that left one place while the other got as many. */
static void count_move(struct range *r, unsigned int from, uint64_t less, unsigned int to,
		       uint64_t more)
{
	struct pool *pools = r->space->account->pools;
	uint64_t bytes = less < more ? less : more;

	if (!bytes || from == ADOPTED_NO_TIER || to == ADOPTED_NO_TIER)
		return;
	pool_count(&pools[from], 0, bytes);
	pool_count(&pools[to], bytes, 0);
}

static uint64_t less(uint64_t was, uint64_t now)
{
	return was > now ? was - now : 0;
}

static void rebook(struct range *r, const struct adopted_seen *was, const struct adopted_seen *now,
		   struct adopted_room *room)
{
	uint64_t m0 = (uint64_t)was->memory * BASE_PAGE, m1 = (uint64_t)now->memory * BASE_PAGE;
	uint64_t d0 = (uint64_t)was->device * BASE_PAGE, d1 = (uint64_t)now->device * BASE_PAGE;

	count_move(r, was->node, less(m0, m1), now->dev, less(d1, d0));
	count_move(r, was->dev, less(d0, d1), now->node, less(m1, m0));
	if (was->node == now->node) {
		node_bytes(r, now->node, m0, m1);
	} else {
		count_move(r, was->node, m0, now->node, m1);
		node_bytes(r, was->node, m0, 0);
		node_bytes(r, now->node, 0, m1);
	}
	if (was->dev == now->dev) {
		device_bytes(r, now->dev, d0, d1, room);
	} else {
		device_bytes(r, was->dev, d0, 0, NULL);
		device_bytes(r, now->dev, 0, d1, room);
	}
}

/* The word names the tier that has most of the page; hand: PAGE_HAND, of what is there. */
static void set_word(radix_word *word, const struct adopted_seen *s, bool hand)
{
	unsigned int tier = s->device > s->memory ? s->dev : s->node;
	enum page_state to =
		(s->memory || s->device) && tier != ADOPTED_NO_TIER ? PAGE_ADOPTED : PAGE_ABSENT;
	uint64_t seen = word ? atomic_load_explicit(word, memory_order_acquire) : 0;

	if (!word)
		return;
	if (to == PAGE_ABSENT)
		tier = 0;
	while ((page_word_state(seen) != to || page_word_tier(seen) != tier) &&
	       page_allowed(page_word_state(seen), to))
		if (page_step(word, &seen, to, tier, 0))
			break;
	hand = hand && to == PAGE_ADOPTED;
	if (hand != !!(seen & PAGE_HAND))
		page_flag(word, hand ? PAGE_HAND : 0, hand ? 0 : PAGE_HAND);
}

static bool has_word(const struct range *r, uint64_t vpn)
{
	return vpn >= range_first_vpn(r) && vpn - range_first_vpn(r) < range_pages(r);
}

void adopted_book(struct range *r, uint64_t vpn, const struct adopted_seen *now,
		  struct adopted_room *room)
{
	struct adopted_page *p = now->memory || now->device ? page_make(r, vpn) : page_at(r, vpn);
	struct adopted_seen was;

	if (!p)
		return;
	was = unpack(atomic_exchange(&p->seen, pack(now)));
	rebook(r, &was, now, room);
}

struct adopted_seen adopted_last(const struct range *r, uint64_t vpn)
{
	const struct adopted_page *p = page_at(r, vpn);

	return unpack(p ? atomic_load(&p->seen) : 0);
}

int adopted_words(struct range *r, uint64_t vpn, uint64_t pages)
{
	struct adopted_seen seen;
	radix_word *word;
	int rc = 0;

	for (; pages; vpn++, pages--) {
		if (!has_word(r, vpn))
			continue;
		seen = adopted_last(r, vpn);
		word = space_word(r->space, vpn << LEDGER_PAGE_SHIFT);
		if (!word && (seen.memory || seen.device) && !rc) {
			rc = space_words_make(r, vpn, 1);
			word = space_word(r->space, vpn << LEDGER_PAGE_SHIFT);
		}
		set_word(word, &seen, false);
	}
	return rc;
}

void adopted_forget(struct range *r, uint64_t vpn, uint64_t end)
{
	const struct adopted_seen nothing = { .node = ADOPTED_NO_TIER, .dev = ADOPTED_NO_TIER };
	uint64_t first = r->addr >> LEDGER_PAGE_SHIFT;

	for (; vpn < end; vpn++) {
		struct adopted_chunk *c = chunk_at(r, vpn);

		if (!c) {
			vpn += ADOPTED_CHUNK - 1 - (vpn - first) % ADOPTED_CHUNK;
			continue;
		}
		adopted_book(r, vpn, &nothing, NULL);
		adopted_words(r, vpn, 1);
		c->heat[place_in_chunk(r, vpn)].hand = 0;
	}
}

int adopted_moved(struct range *r, uint64_t vpn, uint64_t pages, unsigned int tier, bool hand)
{
	const struct adopted_seen seen = { .memory = 1, .node = (uint8_t)tier, .dev = ADOPTED_NO_TIER };
	int rc = space_words_make(r, vpn, pages);

	for (; pages && !rc; vpn++, pages--)
		if (has_word(r, vpn))
			set_word(space_word(r->space, vpn << LEDGER_PAGE_SHIFT), &seen, hand);
	return rc;
}

void adopted_unknown(struct range *r, uint64_t vpn, uint64_t pages)
{
	for (; pages; vpn++, pages--)
		if (has_word(r, vpn))
			set_word(space_word(r->space, vpn << LEDGER_PAGE_SHIFT), &(struct adopted_seen){ 0 }, false);
}

void adopted_settle(struct range *r, uint64_t vpn, uint64_t pages, uint64_t now_us)
{
	struct adopted_seen seen;
	struct heat *heat;
	bool away;

	for (; pages; vpn++, pages--) {
		heat = range_heat(r, vpn);
		if (!heat)
			continue;
		seen = adopted_last(r, vpn);
		away = seen.device > seen.memory;
		if (!seen.memory && !seen.device)
			heat->hand = 0;
		if (away && !heat->away)
			heat_evicted(heat, now_us);
		else if (!away && (heat->away || !heat->since_ms))
			heat_brought(heat, now_us);
	}
}

static uint32_t milliseconds(uint64_t now_us)
{
	return (uint32_t)(now_us / USEC_PER_MSEC);
}

/* Long after the last time it is a new affair. */
void adopted_thrash(struct range *r, uint64_t vpn, uint64_t now_us)
{
	struct adopted_page *p = page_at(r, vpn);
	uint32_t now_ms = milliseconds(now_us);

	if (!p)
		return;
	if (!p->hold_ms || now_ms - p->held_ms > 4 * p->hold_ms)
		p->hold_ms = ADOPTED_HOLD_MS;
	else if (p->hold_ms < ADOPTED_HOLD_MOST_MS)
		p->hold_ms *= 2;
	p->held_ms = now_ms;
}

bool adopted_held(const struct range *r, uint64_t vpn, uint64_t now_us)
{
	const struct adopted_page *p = page_at(r, vpn);

	return p && p->hold_ms && milliseconds(now_us) - p->held_ms < p->hold_ms;
}

uint64_t adopted_word(const struct range *r, uint64_t vpn)
{
	const radix_word *word = has_word(r, vpn) ? radix_find(&r->space->mirror, vpn) : NULL;

	return word ? atomic_load_explicit(word, memory_order_relaxed) : 0;
}

/* Of those that have a word, or would have one. */
static uint64_t not_staying(const struct range *r, uint64_t vpn, uint64_t end)
{
	uint64_t first = range_first_vpn(r), last = first + range_pages(r) - 1, n, at;

	if (!range_pages(r))
		return 0;
	if (first < vpn)
		first = vpn;
	if (last > end - 1)
		last = end - 1;
	n = last < first ? 0 : last - first + 1;
	for (at = first; n && (at = radix_next(&r->space->mirror, at, last)) <= last; at++)
		n -= !!(adopted_word(r, at) & PAGE_STAY);
	return n;
}

int adopted_stay(struct range *r, uint64_t vpn, uint64_t pages)
{
	uint64_t end = vpn + pages, fresh = not_staying(r, vpn, end), at;
	int rc;

	rc = fresh ? space_pin(r, fresh << LEDGER_PAGE_SHIFT) : 0;
	if (rc)
		return rc;
	rc = space_words_make(r, vpn, pages);
	if (rc) {
		space_unpin(r, fresh << LEDGER_PAGE_SHIFT);
		return rc;
	}
	for (at = vpn; at < end; at++)
		if (has_word(r, at))
			page_flag(radix_find(&r->space->mirror, at), PAGE_STAY, 0);
	return 0;
}

void adopted_stay_end(struct range *r, uint64_t vpn, uint64_t pages)
{
	uint64_t gone = 0, last = vpn + pages - 1;

	for (; (vpn = radix_next(&r->space->mirror, vpn, last)) <= last; vpn++) {
		if (!(adopted_word(r, vpn) & PAGE_STAY))
			continue;
		page_flag(radix_find(&r->space->mirror, vpn), 0, PAGE_STAY);
		gone++;
	}
	if (gone)
		space_unpin(r, gone << LEDGER_PAGE_SHIFT);
}
