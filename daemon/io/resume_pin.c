// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pins that an earlier daemon has put on record. Those of managed ranges are with their ranges before any page
 * is brought to rest, so no page that somebody has pinned can move in between. Adopted ranges are on no record:
 * their pins wait for the client to name them. They are taken in by address, whatever order they lie in on
 * record: each is then put behind all that are there, and a client cannot make a start slow by its order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/pin.h"
#include "daemon/io/resume_own.h"

struct on_record {
	struct pin_record rec;
	uint32_t place;
};
struct records {
	struct on_record *all;
	size_t n, cap;
};

static int gather(void *userdata, uint32_t place, const struct pin_record *rec)
{
	struct records *x = userdata;
	size_t cap = x->cap ? x->cap * 2 : 64;
	struct on_record *longer;

	if (!rec->range || rec->addr >= rec->end || !rec->count || rec->owner > PIN_OF_OPERATOR)
		return 0;
	if (x->n == x->cap) {
		longer = realloc(x->all, cap * sizeof(*longer));
		if (!longer)
			return -ENOMEM;
		x->all = longer;
		x->cap = cap;
	}
	x->all[x->n++] = (struct on_record){ .rec = *rec, .place = place };
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct on_record *x = a, *y = b;

	return (x->rec.addr > y->rec.addr) - (x->rec.addr < y->rec.addr);
}

static struct pins *set_aside(struct resume *w, uint64_t id)
{
	struct pins *p = w->pins ? idmap_get(w->pins, id) : NULL;

	if (p || (!w->pins && idmap_new(&w->pins) < 0))
		return p;
	p = calloc(1, sizeof(*p));
	if (p && idmap_put(w->pins, id, p) < 0) {
		free(p);
		return NULL;
	}
	return p;
}

static int restore_pin(struct daemon *d, struct resume *w, const struct on_record *x)
{
	const struct pin_record *rec = &x->rec;
	struct range *r = idmap_get(d->world->ranges, rec->range);
	struct pin pin = { .addr = rec->addr, .end = rec->end, .count = rec->count, .id = rec->id, .place = x->place,
			   .owner = (uint8_t)rec->owner }, *added;
	struct pins *into = r && r->space == w->space ? &r->pins : set_aside(w, rec->range);

	return into ? pins_add(into, &pin, &added) : -ENOMEM;
}

void resume_pins(struct daemon *d, struct resume *w, struct ledgerfile *l)
{
	struct records x = { .n = 0 };
	int rc = ledgerfile_each_pin(l, gather, &x), failed = 0;

	if (x.n)
		qsort(x.all, x.n, sizeof(*x.all), by_address);
	for (size_t i = 0; i < x.n && !failed; i++)
		failed = restore_pin(d, w, &x.all[i]);
	free(x.all);
	rc = rc ? rc : failed;
	/* Who has pinned a page that a word says is pinned is not known then: it stays until an operator lets it go. */
	w->presume = rc < 0;
	if (rc < 0)
		daemon_client_event(d, EVENT_ERROR, w->who.client,
				    "client %llu (pid %d): some pins on record cannot be read (%s); what was pinned stays until hmmctl unpin %d", (unsigned long long)w->who.client, (int)w->who.pid,
			     strerror(-rc), (int)w->who.pid);
}

static void forget(struct space *s, const struct pins *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		(void)ledgerfile_drop_pin(space_ledger(s), p->all[i].place);
}

void resume_pins_end(struct resume *w, bool off_record)
{
	size_t cursor = 0;
	struct pins *p;

	while (w->pins && (p = idmap_each(w->pins, &cursor, NULL))) {
		if (off_record)
			forget(w->space, p);
		pins_done(p);
		free(p);
	}
	w->pins = idmap_free(w->pins);
}

/* What was under way when the daemon died has no number, and its program no answer. */
static void without_unnumbered(struct range *r)
{
	size_t i = 0;

	while (i < r->pins.n) {
		if (r->pins.all[i].id && r->pins.all[i].addr >= r->addr && r->pins.all[i].end <= range_end(r)) {
			i++;
			continue;
		}
		(void)ledgerfile_drop_pin(space_ledger(r->space), r->pins.all[i].place);
		pins_remove(&r->pins, &r->pins.all[i]);
	}
}

void resume_adopted(struct daemon *d, struct range *r)
{
	struct resume *w = r ? resume_find(d, r->space) : NULL;
	struct pins *p = w && w->pins && r->space->watch ? idmap_take(w->pins, r->id) : NULL;

	if (!p)
		return;
	r->pins = *p;
	free(p);
	without_unnumbered(r);
	pins_settle_adopted(r);
}
