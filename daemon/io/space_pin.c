// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pins of adopted memory: held by the kernel driver, numbered by it, charged here. A pin lasts as
 * long as the client's descriptor; what an earlier daemon pinned is held until then, because its
 * numbers ended with it.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/io/crew.h"
#include "daemon/io/log.h"
#include "daemon/io/space_driver_own.h"

struct pin {
	struct list_node node;
	uint64_t range, addr, end;
	uint32_t id; /* of the driver; 0: under way */
};

/* PAGE_PINNED on the words of whole huge pages, so that no policy chooses them. */
static void flag(struct range *r, uint64_t addr, uint64_t end, bool set)
{
	uint64_t first = range_first_vpn(r), vpn;

	for (vpn = addr >> LEDGER_PAGE_SHIFT; vpn <= (end - 1) >> LEDGER_PAGE_SHIFT; vpn++)
		if (vpn >= first && vpn - first < range_pages(r))
			page_flag(space_word(r->space, vpn << LEDGER_PAGE_SHIFT),
				  set ? PAGE_PINNED : 0, set ? 0 : PAGE_PINNED);
}

static void unpin(struct space_driver *w, struct range *r, struct pin *p)
{
	list_remove(&p->node);
	space_unpin(r, p->end - p->addr);
	flag(r, p->addr, p->end, false);
	LIST_EACH(node, &w->pins) {
		const struct pin *other = container_of(node, struct pin, node);

		if (other->range == r->id && other->addr < p->end && p->addr < other->end)
			flag(r, other->addr, other->end, true);
	}
	free(p);
}

void space_pins_forget(struct space_driver *w)
{
	LIST_EACH_SAFE(node, next, &w->pins) {
		list_remove(node);
		free(container_of(node, struct pin, node));
	}
}

int space_pin_begin(struct range *r, uint64_t addr, uint64_t end)
{
	struct space_driver *w = r->space->watch;
	struct pin *p = w ? malloc(sizeof(*p)) : NULL;
	int rc;

	if (!p)
		return w ? -ENOMEM : -EOPNOTSUPP;
	rc = space_pin(r, end - addr);
	if (rc) {
		free(p);
		return rc;
	}
	*p = (struct pin) { .range = r->id, .addr = addr, .end = end };
	list_append(&w->pins, &p->node);
	flag(r, addr, end, true);
	return 0;
}

static struct pin *find_begun(struct space_driver *w, const struct range *r, uint64_t addr,
			      uint64_t end)
{
	LIST_EACH(node, &w->pins) {
		struct pin *p = container_of(node, struct pin, node);

		if (p->range == r->id && p->addr == addr && p->end == end && !p->id)
			return p;
	}
	return NULL;
}

/* The client may have gone meanwhile: then the charge goes with its range. */
void space_pin_done(struct range *r, uint64_t addr, uint64_t end, uint32_t id)
{
	struct space_driver *w = r->space->watch;
	struct pin *p = w ? find_begun(w, r, addr, end) : NULL;

	if (p && id)
		p->id = id;
	else if (p)
		unpin(w, r, p);
}

static int drop(struct daemon *d, struct space_driver *w, struct range *r, struct pin *p)
{
	struct move m = { .range = r, .kind = MOVE_UNPIN, .reason = REASON_OWN, .pin = p->id };

	move_set_area(&m, p->addr, p->end);
	if (!p->id || !range_hold(r))
		return SPACE_PIN_E_BUSY;
	if (crew_submit(d->crew, &m)) {
		range_drop(r);
		return SPACE_PIN_E_BUSY;
	}
	unpin(w, r, p);
	return 0;
}

int space_pins_drop(struct daemon *d, struct range *r, uint64_t addr, uint64_t end)
{
	struct space_driver *w = r->space->watch;
	int rc = 0;

	if (!w)
		return 0;
	LIST_EACH(node, &w->pins) {
		const struct pin *p = container_of(node, struct pin, node);

		if (p->range == r->id && p->addr < end && addr < p->end &&
		    (p->addr < addr || p->end > end))
			return SPACE_PIN_E_PART;
	}
	LIST_EACH_SAFE(node, next, &w->pins) {
		struct pin *p = container_of(node, struct pin, node);

		if (p->range == r->id && p->addr < end && addr < p->end && drop(d, w, r, p))
			rc = SPACE_PIN_E_BUSY;
	}
	return rc;
}
