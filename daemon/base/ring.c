// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A bounded queue without a lock (ring.h). Each cell carries the ticket for which it is ready: a
 * producer may fill it at ticket t when the cell says t, a consumer may empty it when it says t
 * + 1.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/ring.h"

enum { RING_ELEMENT_MAX = 80 /* bytes: little more than a cache line is copied cheaply */, CACHE_LINE = 64 };

struct cell {
	_Atomic size_t ticket;
	unsigned char data[];
};

struct ring {
	size_t mask, element, stride;
	unsigned char *cells;
	char pad0[CACHE_LINE];		/* producers and consumers do not share a line */
	_Atomic size_t head;		/* next ticket to push */
	char pad1[CACHE_LINE];
	_Atomic size_t tail;		/* next ticket to pop */
	char pad2[CACHE_LINE];
};

static struct cell *cell_at(const struct ring *r, size_t ticket)
{
	return (struct cell *)(void *)(r->cells + (ticket & r->mask) * r->stride);
}

int ring_new(struct ring **ret, size_t count, size_t element)
{
	struct ring *r;
	size_t i;

	if (!count || (count & (count - 1)) || count > SIZE_MAX / 2 || !element ||
	    element > RING_ELEMENT_MAX)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->mask = count - 1;
	r->element = element;
	r->stride = (sizeof(struct cell) + element + 7) & ~(size_t)7;
	r->cells = calloc(count, r->stride);
	if (!r->cells)
		return ring_free(r), -ENOMEM;
	for (i = 0; i < count; i++)
		atomic_init(&cell_at(r, i)->ticket, i);
	*ret = r;
	return 0;
}

struct ring *ring_free(struct ring *r)
{
	if (!r)
		return NULL;
	free(r->cells);
	free(r);
	return NULL;
}

/* Wins the cell that is ready `ahead` tickets after `cursor`; NULL: none is. */
static struct cell *cell_win(struct ring *r, _Atomic size_t *cursor, size_t ahead,
			     size_t *ret_ticket)
{
	size_t ticket = atomic_load_explicit(cursor, memory_order_relaxed);
	struct cell *c;
	ptrdiff_t lag;

	for (;;) {
		c = cell_at(r, ticket);
		lag = (ptrdiff_t)(atomic_load_explicit(&c->ticket, memory_order_acquire) -
				  (ticket + ahead));
		if (lag < 0)
			return NULL;
		if (lag > 0)
			ticket = atomic_load_explicit(cursor, memory_order_relaxed);
		else if (atomic_compare_exchange_weak_explicit(cursor, &ticket, ticket + 1,
							       memory_order_relaxed,
							       memory_order_relaxed))
			break;
	}
	*ret_ticket = ticket;
	return c;
}

bool ring_push(struct ring *r, const void *element)
{
	size_t ticket;
	struct cell *c = cell_win(r, &r->head, 0, &ticket);

	if (!c)
		return false;
	memcpy(c->data, element, r->element);
	atomic_store_explicit(&c->ticket, ticket + 1, memory_order_release);
	return true;
}

bool ring_pop(struct ring *r, void *ret_element)
{
	size_t ticket;
	struct cell *c = cell_win(r, &r->tail, 1, &ticket);

	if (!c)
		return false;
	memcpy(ret_element, c->data, r->element);
	atomic_store_explicit(&c->ticket, ticket + r->mask + 1, memory_order_release);
	return true;
}

size_t ring_count(const struct ring *r)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	size_t n = atomic_load_explicit(&r->head, memory_order_relaxed) - tail;

	return n > r->mask + 1 ? r->mask + 1 : n;
}
