// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages that must stay. The flag is set here, on the loop, before anything is moved (pin.c); the
 * operation that follows brings in what is away, and a pin that cannot have all of it is taken back.
 * A page counts once, whether it is pinned, told to stay, or both.
 */
#include <errno.h>

#include "daemon/io/daemon.h"
#include "daemon/io/pin.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/request_driver.h"
#include "daemon/io/session_own.h"

#define HOLDS (PAGE_PINNED | PAGE_STAY)

static radix_word *word_at(const struct span *span, uint64_t i)
{
	return space_word(span->range->space, (span->vpn + i) << LEDGER_PAGE_SHIFT);
}

int span_flag(const struct span *span, uint64_t flag)
{
	uint64_t fresh = 0;
	int r;

	for (uint64_t i = 0; i < span->pages; i++)
		fresh += !(atomic_load(word_at(span, i)) & HOLDS);
	r = fresh ? space_pin(span->range, fresh << LEDGER_PAGE_SHIFT) : 0;
	if (r)
		return r;
	for (uint64_t i = 0; i < span->pages; i++)
		page_flag(word_at(span, i), flag, 0);
	return 0;
}

void span_unflag(const struct span *span, uint64_t flag)
{
	uint64_t gone = 0;

	for (uint64_t i = 0; i < span->pages; i++) {
		radix_word *word = word_at(span, i);
		uint64_t had = atomic_load(word) & HOLDS;

		page_flag(word, 0, flag);
		gone += had && !(had & ~flag);
	}
	if (gone)
		space_unpin(span->range, gone << LEDGER_PAGE_SHIFT);
}

int request_pin_note(struct request *q, struct op *op, enum pin_owner owner, struct range *r, uint64_t addr, uint64_t end)
{
	int rc = op_add_whole(op, &(struct op_whole){ .range = r->id, .addr = addr, .end = end, .owner = (uint8_t)owner,
						      .under_way = r->kind == RANGE_ADOPTED });

	if (!rc)
		return 0;
	pin_undo(r, owner, addr, end);
	op_free(op, q->daemon->world);
	reply_result(q->session, q->id, rc, "a pin");
	return -1;
}

void request_pin(struct request *q)
{
	const Hmmd__Pin *p = q->message->pin;
	struct tier *tier = NULL;
	uint64_t addr, end;
	struct span span;
	struct op *op;
	int r;

	if (request_find_span(q, p->range, p->offset, p->length, &span))
		return;
	if (span.range->kind == RANGE_ADOPTED) {
		request_pin_adopted(q);
		return;
	}
	if (p->tier[0] && request_find_tier(q, p->tier, &tier))
		return;
	if (tier && !tier_is_resident(tier)) {
		session_error(q->session, q->id, EOPNOTSUPP,
			      "tier %s is a device; pinned pages are in memory", p->tier);
		return;
	}
	if (request_op_new(q, MOVE_PIN, tier ? tier->index : atomic_load(&span.range->home), &op))
		return;
	addr = span.vpn << LEDGER_PAGE_SHIFT;
	end = addr + (span.pages << LEDGER_PAGE_SHIFT);
	r = pin_take(span.range, PIN_OF_PROGRAM, addr, end);
	if (r) {
		op_free(op, q->daemon->world);
		reply_result(q->session, q->id, r, "a pin");
		return;
	}
	if (request_pin_note(q, op, PIN_OF_PROGRAM, span.range, addr, end))
		return;
	if (request_op_add(q, op, &span))
		pin_undo(span.range, PIN_OF_PROGRAM, addr, end);
	else
		request_op_start(q, op);
}

static void take_back(struct daemon *d, const struct op_whole *w)
{
	struct range *r = idmap_get(d->world->ranges, w->range);

	if (!r || w->none || atomic_load(&r->dying))
		return;
	if (w->id)
		pin_take_back(d, r, w->addr, w->end, w->id);
	else
		pin_undo(r, (enum pin_owner)w->owner, w->addr, w->end);
}

void pin_ended(struct daemon *d, const struct op *op)
{
	size_t i;

	for (i = 0; i < op->n_wholes && (op->result.busy || op->result.failed); i++)
		take_back(d, &op->wholes[i]);
}

void reply_unpin(struct request *q, int r)
{
	if (r == PIN_E_NONE)
		session_error(q->session, q->id, ENOENT, "Unpin: nothing of this piece is pinned");
	else if (r == PIN_E_PART)
		session_error(q->session, q->id, EINVAL,
			      "Unpin: a pin reaches beyond this piece; it ends as a whole");
	else if (r == PIN_E_BUSY)
		session_error(q->session, q->id, EBUSY,
			      "Unpin: the pin is still under way, or hmmd is busy; try again");
	else if (r)
		reply_result(q->session, q->id, r, "Unpin: the record of what stays pinned");
	else
		reply_ok(q->session, q->id);
}

void request_unpin(struct request *q)
{
	const Hmmd__Unpin *u = q->message->unpin;
	struct span span;
	uint64_t addr;

	if (request_find_span(q, u->range, u->offset, u->length, &span))
		return;
	if (span.range->kind == RANGE_ADOPTED) {
		request_unpin_adopted(q);
		return;
	}
	addr = span.vpn << LEDGER_PAGE_SHIFT;
	reply_unpin(q, pin_drop(q->daemon, span.range, PIN_OF_PROGRAM, addr, addr + (span.pages << LEDGER_PAGE_SHIFT)));
}
