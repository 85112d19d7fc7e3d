// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages that must stay. The flag is set here, on the loop, before anything is moved: from then on
 * nobody evicts the page, and an eviction under way notices that its word has changed. The
 * operation that follows brings in what is away. A page counts once, whether it is pinned, told to
 * stay, or both.
 */
#include <errno.h>

#include "daemon/io/daemon.h"
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

void request_pin(struct request *q)
{
	const Hmmd__Pin *p = q->message->pin;
	struct tier *tier = NULL;
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
	r = span_flag(&span, PAGE_PINNED);
	if (r) {
		op_free(op, q->daemon->world);
		reply_result(q->session, q->id, r, "a pin");
		return;
	}
	if (request_op_add(q, op, &span)) {
		span_unflag(&span, PAGE_PINNED);
		return;
	}
	request_op_start(q, op);
}

void request_unpin(struct request *q)
{
	const Hmmd__Unpin *u = q->message->unpin;
	struct span span;

	if (request_find_span(q, u->range, u->offset, u->length, &span))
		return;
	if (span.range->kind == RANGE_ADOPTED) {
		request_unpin_adopted(q);
		return;
	}
	span_unflag(&span, PAGE_PINNED);
	reply_ok(q->session, q->id);
}
