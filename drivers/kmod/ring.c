// SPDX-License-Identifier: GPL-2.0-only
/* The ring of events: two counters that only grow, their difference is what is inside. */
#include "ring.h"

#define RING_MAX 65536U /* 4 MiB of records; a reader that is further behind has lost the thread */

struct hmmdev_ring {
	u32 mask;
	u32 head;	/* records ever put in, modulo 2^32 */
	u32 tail;	/* records ever taken out */
	bool ended;	/* MM_EXIT is in */
	u64 seq;	/* of the next event */
	u64 lost;
	struct hmmdev_event record[];
};

int hmmdev_ring_new(u32 count, struct hmmdev_ring **ret_ring)
{
	struct hmmdev_ring *r;

	if (count <= HMMDEV_RING_RESERVED || count > RING_MAX || count & (count - 1))
		return -EINVAL;
	r = hmmdev_zalloc(sizeof(*r) + count * sizeof(r->record[0]));
	if (!r)
		return -ENOMEM;
	r->mask = count - 1;
	*ret_ring = r;
	return 0;
}

void hmmdev_ring_free(struct hmmdev_ring *r)
{
	hmmdev_zfree(r);
}

static u32 ring_room(const struct hmmdev_ring *r)
{
	return r->mask + 1 - hmmdev_ring_count(r);
}

/* The newest record that no reader has, or NULL. */
static struct hmmdev_event *ring_newest(struct hmmdev_ring *r)
{
	return r->head == r->tail ? NULL : &r->record[(r->head - 1) & r->mask];
}

/* Two of a kind whose places touch: both are `size` bytes from `addr`. */
static bool joins(const struct hmmdev_event *a, const struct hmmdev_event *b)
{
	return a->type == HMMDEV_EVENT_INVALIDATE && b->type == a->type && a->order == b->order &&
	       a->cookie == b->cookie && a->dev == b->dev && a->nid == b->nid &&
	       a->arg == b->arg && a->addr <= b->addr + b->size && b->addr <= a->addr + a->size;
}

static void join(struct hmmdev_event *to, const struct hmmdev_event *from)
{
	u64 to_end = to->addr + to->size, from_end = from->addr + from->size;

	if (from->addr < to->addr)
		to->addr = from->addr;
	to->size = (from_end > to_end ? from_end : to_end) - to->addr;
}

static void put(struct hmmdev_ring *r, const struct hmmdev_event *event, u64 seq)
{
	struct hmmdev_event *to = &r->record[r->head++ & r->mask];

	*to = *event;
	to->len = sizeof(*to);
	to->seq = seq;
	to->reserved = 0;
}

static void lose(struct hmmdev_ring *r, const struct hmmdev_event *event)
{
	struct hmmdev_event *newest = ring_newest(r);

	if (!newest || newest->type != HMMDEV_EVENT_OVERFLOW) {
		put(r, &(struct hmmdev_event){ .type = HMMDEV_EVENT_OVERFLOW, .nid = -1 }, 0);
		newest = ring_newest(r);
	}
	newest->ts_ns = event->ts_ns;
	newest->seq = r->seq++;
	newest->arg += newest->arg != U32_MAX;
	r->lost++;
}

int hmmdev_ring_push(struct hmmdev_ring *r, const struct hmmdev_event *event)
{
	struct hmmdev_event *newest = ring_newest(r);
	bool last = event->type == HMMDEV_EVENT_MM_EXIT;

	if (r->ended)
		return HMMDEV_RING_E_ENDED;
	if (newest && joins(newest, event)) {
		join(newest, event);
		return HMMDEV_RING_E_JOINED;
	}
	if (!last && ring_room(r) <= HMMDEV_RING_RESERVED) {
		lose(r, event);
		return HMMDEV_RING_E_LOST;
	}
	put(r, event, r->seq++);
	r->ended = last;
	return 0;
}

u32 hmmdev_ring_pop(struct hmmdev_ring *r, struct hmmdev_event *ret_events, u32 max)
{
	u32 n;

	for (n = 0; n < max && r->tail != r->head; n++)
		ret_events[n] = r->record[r->tail++ & r->mask];
	return n;
}

u32 hmmdev_ring_count(const struct hmmdev_ring *r)
{
	return r->head - r->tail;
}

u64 hmmdev_ring_lost(const struct hmmdev_ring *r)
{
	return r->lost;
}
