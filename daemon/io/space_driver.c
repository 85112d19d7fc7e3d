// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client's driver (space_driver.h). The descriptor's number never changes once workers may know
 * it: when the client comes back and sends another, that one takes the number over.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/core/adopted.h"
#include "daemon/io/crew.h"
#include "daemon/io/kernel_tier.h"
#include "daemon/io/pin.h"
#include "daemon/io/space_driver_own.h"

enum {
	ROUND_PAGES = 512,   /* huge pages of one client looked at in a second: 1 GiB, some
				milliseconds of a worker */
	BEHIND_PAGES = 16384 /* the same after events were lost */
};

static void on_closed(uv_handle_t *poll)
{
	free(poll->data);
}

void space_driver_detach(struct space *s)
{
	struct space_driver *w = s->watch;

	if (!w)
		return;
	s->watch = NULL;
	list_remove(&w->node);
	uv_close((uv_handle_t *)&w->poll, on_closed);
}

static int take_over(struct space *s, int fd)
{
	int r;

	if (s->driver < 0) {
		s->driver = fd;
		return 0;
	}
	r = dup3(fd, s->driver, O_CLOEXEC) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* The poll watches a number, so it begins when the number is the new descriptor's. */
static int watch(struct daemon *d, struct space *s)
{
	struct space_driver *w = calloc(1, sizeof(*w));
	int r = w ? uv_poll_init(d->loop, &w->poll, s->driver) : -ENOMEM;

	if (r) {
		free(w);
		return r;
	}
	w->poll.data = w;
	w->daemon = d;
	w->space = s;
	list_append(&d->watched_spaces, &w->node);
	s->watch = w;
	r = uv_poll_start(&w->poll, UV_READABLE, driver_event_ready);
	if (r)
		space_driver_detach(s);
	return r;
}

static bool is_adopted(const struct range *r)
{
	return r->kind == RANGE_ADOPTED && !atomic_load(&r->dying);
}

/*
 * A range that the driver has no room for, or has from an earlier daemon, is watched by looking
 * alone.
 */
static void add(struct daemon *d, struct range *r)
{
	struct space *s = r->space;
	uint32_t id = 0;

	if (adopted_watch(r) < 0)
		return;
	if (!driver_range_add(d->driver, s->driver, r->addr, r->size, r->id, &id))
		atomic_load(&r->adopted)->id = id;
	space_driver_look(d, r, r->addr, range_end(r));
}

int space_driver_attach(struct daemon *d, struct space *s, int fd)
{
	int r;

	/* First: a poll must not outlive what its number means. */
	space_driver_detach(s);
	r = take_over(s, fd);
	if (!r)
		r = watch(d, s);
	if (r)
		return r;
	kernel_tiers_limit(d, s->account);
	LIST_EACH(node, &s->ranges) {
		struct range *range = container_of(node, struct range, in_space);

		if (is_adopted(range))
			add(d, range);
	}
	return 0;
}

void space_driver_added(struct daemon *d, struct space *s, uint64_t first, uint64_t n)
{
	struct range *r;

	for (uint64_t id = first; s->watch && id < first + n; id++) {
		r = space_find_id(s, id);
		if (r && is_adopted(r))
			add(d, r);
	}
}

static bool submit(struct daemon *d, const struct move *m)
{
	if (!range_hold(m->range))
		return false;
	if (!crew_submit(d->crew, m))
		return true;
	range_drop(m->range);
	return false;
}

static struct move own_move(struct range *r, uint64_t addr, uint64_t end, enum move_kind kind)
{
	struct move m = { .range = r,
			  .kind = (uint8_t)kind,
			  .reason = REASON_OWN,
			  .tier = atomic_load(&r->home) };

	move_set_area(&m, addr, end);
	return m;
}

bool space_driver_look(struct daemon *d, struct range *r, uint64_t addr, uint64_t end)
{
	struct move m = own_move(r, addr, end, MOVE_LOOK);

	/* Half of the queue is for what somebody asked for. */
	return atomic_load(&r->adopted) && crew_room(d->crew, r->space) > CREW_QUEUE / 2 && submit(d, &m);
}

static bool any_on_device(const struct world *w, struct range *r)
{
	for (unsigned int i = 0; i < w->n_tiers; i++)
		if (!tier_is_resident(&w->tiers[i]) && atomic_load(&r->tier_bytes[i]))
			return true;
	return false;
}

/* The job holds the range, so whoever waits for its end waits for this too. */
void space_driver_leaving(struct daemon *d, struct range *r)
{
	struct move back = own_move(r, r->addr, range_end(r), MOVE_NODE);
	struct adopted *a = atomic_load(&r->adopted);

	if (!a)
		return;
	pins_leave(d, r);
	if (a->id)
		driver_range_del(d->driver, r->space->driver, a->id);
	if (any_on_device(d->world, r))
		submit(d, &back);
}

struct range *space_driver_next(const struct space *s, uint64_t addr)
{
	uint64_t start, end;
	struct range *r;

	while (addr < HMM_LIMIT_ADDRESS && (r = btree_next(s->by_addr, addr, &start, &end))) {
		if (atomic_load(&r->adopted))
			return r;
		addr = end;
	}
	return NULL;
}

/* From the cursor on, as many pages as one round may; at the end it begins anew. */
static void look_round(struct space_driver *w)
{
	uint64_t left = w->behind ? BEHIND_PAGES : ROUND_PAGES, addr, end, most;
	struct range *r;

	while (left && (r = space_driver_next(w->space, w->cursor))) {
		addr = w->cursor > r->addr ? w->cursor : r->addr;
		most = ((addr >> LEDGER_PAGE_SHIFT) + left) << LEDGER_PAGE_SHIFT;
		end = range_end(r) < most ? range_end(r) : most;
		if (!space_driver_look(w->daemon, r, addr, end))
			return;
		left -= ((end - 1) >> LEDGER_PAGE_SHIFT) - (addr >> LEDGER_PAGE_SHIFT) + 1;
		w->cursor = end;
	}
	if (left) {
		w->cursor = 0;
		w->behind = false;
	}
}

void space_drivers_round(struct daemon *d)
{
	LIST_EACH(node, &d->watched_spaces)
		look_round(container_of(node, struct space_driver, node));
}
