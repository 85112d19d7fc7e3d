// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pins (pin.h). The flag in a page's word is set here, on the loop, before anything is moved: from then on nobody
 * evicts the page, and an eviction under way notices that its word has changed. Pins of adopted memory are held
 * by the kernel driver, numbered by it, and last no longer than the client's descriptor.
 */
#include <errno.h>

#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/ledgerfile.h"
#include "daemon/io/pin.h"
#include "daemon/io/request.h"
#include "daemon/io/request_tables.h"
#include "daemon/io/resume.h"

static struct span span_of(struct range *r, uint64_t addr, uint64_t end)
{
	uint64_t vpn = addr >> LEDGER_PAGE_SHIFT;

	return (struct span){ .range = r, .vpn = vpn, .pages = ((end - 1) >> LEDGER_PAGE_SHIFT) - vpn + 1 };
}

static bool anybody(const struct range *r, uint64_t addr, uint64_t end)
{
	size_t cursor = 0;

	return pins_next(&r->pins, &cursor, addr, end) != NULL;
}

/* Adopted memory: PAGE_PINNED on the words of whole huge pages as the pins are now, so that no policy chooses them. */
static void flag(struct range *r, uint64_t addr, uint64_t end)
{
	const struct radix *mirror = &r->space->mirror;
	uint64_t vpn = addr >> LEDGER_PAGE_SHIFT, last = (end - 1) >> LEDGER_PAGE_SHIFT, at;
	uint64_t first = range_first_vpn(r), after = first + range_pages(r);
	bool set;

	vpn = vpn > first ? vpn : first;
	for (; (vpn = radix_next(mirror, vpn, last)) <= last && vpn < after; vpn++) {
		at = vpn << LEDGER_PAGE_SHIFT;
		set = anybody(r, at, at + LEDGER_PAGE_SIZE);
		page_flag(radix_find(mirror, vpn), set ? PAGE_PINNED : 0, set ? 0 : PAGE_PINNED);
	}
}

/* Adopted memory: flag() finds only words that are there. */
static int make_words(struct range *r, uint64_t addr, uint64_t end)
{
	struct span span = span_of(r, addr, end);
	int rc;

	do
		rc = space_words_make(r, span.vpn, span.pages);
	while (rc == SPACE_E_TABLES && !(rc = request_grow_tables(r->space)));
	return rc;
}

/* What nobody has pinned any more is let go and given back. */
static void let_go(struct range *r, uint64_t addr, uint64_t end)
{
	uint64_t at = addr, gap_end;
	struct span span;

	while (pins_gap(&r->pins, &at, end, &gap_end)) {
		span = span_of(r, at, gap_end);
		if (r->kind == RANGE_MANAGED)
			span_unflag(&span, PAGE_PINNED);
		else
			space_unpin(r, gap_end - at);
		at = gap_end;
	}
	if (r->kind != RANGE_MANAGED)
		flag(r, addr, end);
}

static int put(struct range *r, struct pin *p)
{
	struct pin_record rec = { .range = r->id, .addr = p->addr, .end = p->end, .owner = p->owner,
				  .count = p->count, .id = p->id };

	return ledgerfile_put_pin(space_ledger(r->space), &p->place, &rec);
}

static void take_out(struct range *r, struct pin *p)
{
	(void)ledgerfile_drop_pin(space_ledger(r->space), p->place);
	(void)request_records_end(r->space, 0);
	pins_remove(&r->pins, p);
}

static int add_new(struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end)
{
	struct pin *p;
	int rc = request_records_begin(r->space);

	if (!rc)
		rc = pins_add(&r->pins, &(struct pin){ .addr = addr, .end = end, .count = 1, .owner = (uint8_t)owner }, &p);
	if (rc)
		return rc;
	rc = request_records_end(r->space, put(r, p));
	if (rc)
		take_out(r, p);
	return rc;
}

static int recount(struct range *r, struct pin *p, uint32_t count)
{
	uint32_t before = p->count;
	int rc;

	p->count = count;
	rc = put(r, p);
	if (rc)
		p->count = before;
	return rc;
}

/* One more of what is there already, or a new one. The driver gives every pin a number of its own. */
static int add(struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end)
{
	struct pin *p = r->kind == RANGE_MANAGED ? pins_find(&r->pins, owner, addr, end) : NULL;

	if (p)
		return p->count == UINT32_MAX ? -EOVERFLOW : recount(r, p, p->count + 1);
	return add_new(r, owner, addr, end);
}

static int take_managed(struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end)
{
	struct span span = span_of(r, addr, end);
	int rc = span_flag(&span, PAGE_PINNED);

	if (rc)
		return rc;
	rc = add(r, owner, addr, end);
	if (rc)
		let_go(r, addr, end);
	return rc;
}

static uint64_t unpinned(const struct range *r, uint64_t addr, uint64_t end)
{
	uint64_t at = addr, gap_end, sum = 0;

	for (; pins_gap(&r->pins, &at, end, &gap_end); at = gap_end)
		sum += gap_end - at;
	return sum;
}

static int take_adopted(struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end)
{
	uint64_t fresh = unpinned(r, addr, end);
	int rc = fresh ? space_pin(r, fresh) : 0;

	if (rc)
		return rc;
	rc = make_words(r, addr, end);
	if (!rc)
		rc = add(r, owner, addr, end);
	if (rc && fresh)
		space_unpin(r, fresh);
	else if (!rc)
		flag(r, addr, end);
	return rc;
}

int pin_take(struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end)
{
	if (r->kind == RANGE_MANAGED)
		return take_managed(r, owner, addr, end);
	return r->space->watch ? take_adopted(r, owner, addr, end) : -EOPNOTSUPP;
}

static struct pin *begun(const struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end)
{
	struct pin *p;
	size_t cursor = 0;

	while ((p = pins_next(&r->pins, &cursor, addr, end)))
		if (p->owner == owner && p->addr == addr && p->end == end && !p->id)
			return p;
	return NULL;
}

static void undone(struct range *r, struct pin *p)
{
	uint64_t addr = p->addr, end = p->end;

	take_out(r, p);
	/* Where a dying range was there may be another one by now; its own charge it gives back itself. */
	if (!atomic_load(&r->dying))
		let_go(r, addr, end);
}

bool pin_arrived(struct daemon *d, struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end, uint32_t id)
{
	struct pin *p = begun(r, owner, addr, end);

	if (p)
		p->id = id;
	/* The record is there already, so there is room for it. */
	if (p && id && !atomic_load(&r->dying) && !put(r, p))
		return true;
	if (id)
		pin_let_go(d, r, id);
	if (p)
		undone(r, p);
	return false;
}

void pin_take_back(struct daemon *d, struct range *r, uint64_t addr, uint64_t end, uint32_t id)
{
	struct pin *p;
	size_t cursor = 0;

	while ((p = pins_next(&r->pins, &cursor, addr, end)))
		if (p->id == id) {
			undone(r, p);
			pin_let_go(d, r, id);
			return;
		}
}

void pin_undo(struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end)
{
	struct pin *p;

	p = r->kind == RANGE_MANAGED ? pins_find(&r->pins, owner, addr, end) : begun(r, owner, addr, end);
	if (!p || (p->count > 1 && !recount(r, p, p->count - 1)))
		return;
	undone(r, p);
}

/* What is left of it at both ends is on record before it is gone itself. */
static int cut(struct range *r, struct pin *p, uint64_t addr, uint64_t end)
{
	struct pin whole = *p;
	enum pin_owner owner = whole.owner;
	int rc = whole.addr < addr ? add(r, owner, whole.addr, addr) : 0;

	if (!rc && end < whole.end)
		rc = add(r, owner, end, whole.end);
	if (rc)
		return rc;
	p = pins_find(&r->pins, owner, whole.addr, whole.end);
	if (whole.count > 1)
		return recount(r, p, whole.count - 1);
	take_out(r, p);
	return 0;
}

static int drop_managed(struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end)
{
	struct pin *p = pins_find(&r->pins, owner, addr, end);
	uint64_t at = addr, until;
	int rc = 0, any = PIN_E_NONE;

	if (!p)
		p = pins_from(&r->pins, owner, at, end);
	for (; p && !rc; p = at < end ? pins_from(&r->pins, owner, at, end) : NULL) {
		at = p->addr > at ? p->addr : at;
		until = p->end < end ? p->end : end;
		rc = cut(r, p, at, until);
		at = until;
		any = 0;
	}
	let_go(r, addr, end);
	return rc ? rc : any;
}

static int drop_one(struct daemon *d, struct range *r, struct pin *p)
{
	struct move m = { .range = r, .kind = MOVE_UNPIN, .reason = REASON_OWN, .pin = p->id };
	uint64_t addr = p->addr, end = p->end;

	move_set_area(&m, addr, end);
	if (!p->id || !range_hold(r))
		return PIN_E_BUSY;
	if (crew_submit(d->crew, &m)) {
		range_drop(r);
		return PIN_E_BUSY;
	}
	take_out(r, p);
	let_go(r, addr, end);
	return 0;
}

/* Looked at before any of them is dropped: half an unpin cannot be asked for again. */
static int refusal(struct daemon *d, struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end)
{
	struct pin *p;
	size_t cursor = 0, n = 0;

	while ((p = pins_next(&r->pins, &cursor, addr, end))) {
		if (p->owner != owner)
			continue;
		if (p->addr < addr || p->end > end)
			return PIN_E_PART;
		if (!p->id)
			return PIN_E_BUSY;
		n++;
	}
	return n > crew_room(d->crew, r->space) ? PIN_E_BUSY : 0;
}

static int drop_adopted(struct daemon *d, struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end)
{
	struct pin *p = pins_find(&r->pins, owner, addr, end);
	int rc = p ? 0 : refusal(d, r, owner, addr, end), any = PIN_E_NONE;
	uint64_t until;

	if (p)
		return drop_one(d, r, p);
	while (!rc && addr < end && (p = pins_from(&r->pins, owner, addr, end))) {
		until = p->end;
		/* One that begins before the last one's end holds some of its bytes too: it stays. */
		if (p->addr >= addr) {
			rc = drop_one(d, r, p);
			any = 0;
		}
		addr = until;
	}
	return rc ? rc : any;
}

int pin_drop(struct daemon *d, struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end)
{
	return r->kind == RANGE_MANAGED ? drop_managed(r, owner, addr, end) : drop_adopted(d, r, owner, addr, end);
}

/* Of a range that is not what it was: no pin reaches beyond it. */
static void inside_only(struct range *r)
{
	size_t i = 0;

	while (i < r->pins.n)
		if (r->pins.all[i].addr < r->addr || r->pins.all[i].end > range_end(r) ||
		    (r->pins.all[i].addr | r->pins.all[i].end) % LEDGER_PAGE_SIZE)
			take_out(r, &r->pins.all[i]);
		else
			i++;
}

/* Without memory it is pinned for as long as the range is there. */
static void presume_pin(struct range *r, uint64_t addr)
{
	struct pin one = { .addr = addr, .end = addr + LEDGER_PAGE_SIZE, .count = 1, .owner = PIN_OF_OPERATOR }, *p;

	if (!pins_add(&r->pins, &one, &p))
		(void)put(r, p);
}

void pins_settle(struct range *r, bool presume)
{
	uint64_t vpn = range_first_vpn(r), end = vpn + range_pages(r), at, word;
	bool pinned;

	inside_only(r);
	for (; vpn < end; vpn++) {
		at = vpn << LEDGER_PAGE_SHIFT;
		pinned = anybody(r, at, at + LEDGER_PAGE_SIZE);
		word = atomic_load_explicit(space_word(r->space, at), memory_order_relaxed);
		if (presume && !pinned && (word & PAGE_PINNED)) {
			presume_pin(r, at);
			pinned = true;
		}
		word = page_flag(space_word(r->space, at), pinned ? PAGE_PINNED : 0, pinned ? 0 : PAGE_PINNED);
		if (word & (PAGE_PINNED | PAGE_STAY))
			space_pin_again(r, LEDGER_PAGE_SIZE);
	}
}

void pins_settle_adopted(struct range *r)
{
	uint64_t bytes = r->size - unpinned(r, r->addr, range_end(r));
	size_t i;

	if (bytes)
		space_pin_again(r, bytes);
	for (i = 0; i < r->pins.n; i++) {
		(void)make_words(r, r->pins.all[i].addr, r->pins.all[i].end);	/* without them the driver holds it all the same */
		flag(r, r->pins.all[i].addr, r->pins.all[i].end);
	}
}
