// SPDX-License-Identifier: GPL-2.0-or-later
/* Pins of a range (pins.h): an array in the order of their beginnings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/pins.h"

enum { FIRST_CAP = 4 };

/* How many begin before addr. */
static size_t below(const struct pins *p, uint64_t addr)
{
	size_t low = 0, high = p->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (p->all[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* None before it reaches beyond addr. */
static size_t first_near(const struct pins *p, uint64_t addr)
{
	return addr > p->longest ? below(p, addr - p->longest) : 0;
}

static int reserve(struct pins *p)
{
	size_t cap = p->cap ? p->cap * 2 : FIRST_CAP;
	struct pin *longer;

	if (p->n < p->cap)
		return 0;
	if (p->n == PINS_MAX)
		return -ENOSPC;
	longer = realloc(p->all, cap * sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	p->all = longer;
	p->cap = cap;
	return 0;
}

int pins_add(struct pins *p, const struct pin *pin, struct pin **ret)
{
	size_t at = below(p, pin->addr);
	int rc = reserve(p);

	if (rc)
		return rc;
	memmove(&p->all[at + 1], &p->all[at], (p->n - at) * sizeof(*p->all));
	p->all[at] = *pin;
	p->n++;
	if (p->longest < pin->end - pin->addr)
		p->longest = pin->end - pin->addr;
	*ret = &p->all[at];
	return 0;
}

void pins_remove(struct pins *p, struct pin *pin)
{
	size_t at = (size_t)(pin - p->all);

	memmove(pin, pin + 1, (p->n - at - 1) * sizeof(*pin));
	p->n--;
	if (!p->n)
		pins_done(p);
}

void pins_done(struct pins *p)
{
	free(p->all);
	*p = (struct pins){ 0 };
}

struct pin *pins_next(const struct pins *p, size_t *cursor, uint64_t addr, uint64_t end)
{
	size_t i = first_near(p, addr);

	for (i = i < *cursor ? *cursor : i; i < p->n && p->all[i].addr < end; i++)
		if (p->all[i].end > addr) {
			*cursor = i + 1;
			return &p->all[i];
		}
	return NULL;
}

struct pin *pins_find(const struct pins *p, enum pin_owner owner, uint64_t addr, uint64_t end)
{
	struct pin *found = NULL;
	size_t i;

	for (i = below(p, addr); i < p->n && p->all[i].addr == addr; i++)
		if (p->all[i].owner == owner && p->all[i].end == end && (!found || p->all[i].id))
			found = &p->all[i];
	return found;
}

struct pin *pins_from(const struct pins *p, enum pin_owner owner, uint64_t addr, uint64_t end)
{
	struct pin *best = NULL, *pin;
	size_t cursor = 0;

	while ((pin = pins_next(p, &cursor, addr, end))) {
		if (pin->owner != owner)
			continue;
		if (pin->addr > addr)
			return best ? best : pin;
		if (pin->addr == addr && pin->end <= end)
			return pin;
		if (!best)
			best = pin;
	}
	return best;
}

bool pins_gap(const struct pins *p, uint64_t *addr, uint64_t end, uint64_t *ret_end)
{
	uint64_t at = *addr;
	struct pin *pin;
	size_t cursor = 0;

	if (at >= end)
		return false;
	while (at < end && (pin = pins_next(p, &cursor, at, end))) {
		if (pin->addr > at) {
			*addr = at;
			*ret_end = pin->addr;
			return true;
		}
		at = pin->end;
	}
	*addr = at;
	*ret_end = end;
	return at < end;
}
