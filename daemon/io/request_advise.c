// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Advice: a table from the word to what it does here. Advice that cannot mean anything for the
 * range or on this machine is refused with the reason, never taken silently.
 */
#include <errno.h>

#include "daemon/io/daemon.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/session_own.h"

/* enum hmm_advice of the public header, which the daemon does not include. */
enum advice {
	ADVICE_NORMAL = 0,
	ADVICE_PREFERRED_TIER = 1,
	ADVICE_PREFETCH = 2,
	ADVICE_WILL_NEED = 3,
	ADVICE_COLD = 4,
	ADVICE_SEQUENTIAL = 5,
	ADVICE_RANDOM = 6,
	ADVICE_READ_MOSTLY = 7,
	ADVICE_ACCESSED_BY = 8,
	ADVICE_ATOMIC = 9,
	ADVICE_NEVER_MIGRATE = 10,
	ADVICE_DISCARD = 11,
	ADVICE_LAZY = 12
};

typedef void advise_fn(struct request *q, const struct span *span);

static void not_here(struct request *q, const char *why)
{
	session_error(q->session, q->id, EOPNOTSUPP, "%s", why);
}

static void flag_pages(const struct span *span, uint64_t set, uint64_t clear)
{
	for (uint64_t i = 0; i < span->pages; i++)
		page_flag(space_word(span->range->space, (span->vpn + i) << LEDGER_PAGE_SHIFT), set,
			  clear);
}

static void hint_pages(const struct span *span, bool hot)
{
	uint64_t first = span->vpn - range_first_vpn(span->range);

	for (uint64_t i = 0; i < span->pages; i++)
		heat_hint(&span->range->heat[first + i], hot);
}

static void advise_normal(struct request *q, const struct span *span)
{
	atomic_store(&span->range->advice, ADVICE_NORMAL);
	if (span->range->kind == RANGE_MANAGED) {
		flag_pages(span, 0, PAGE_COLD);
		span_unflag(span, PAGE_STAY);
	}
	reply_ok(q->session, q->id);
}

static void advise_pattern(struct request *q, const struct span *span)
{
	atomic_store(&span->range->advice, q->message->advise->advice);
	reply_ok(q->session, q->id);
}

static void advise_cold(struct request *q, const struct span *span)
{
	flag_pages(span, PAGE_COLD, 0);
	hint_pages(span, false);
	reply_ok(q->session, q->id);
}

/* 0 or -1 (refused). */
static int tier_of_value(struct request *q, struct tier **ret)
{
	struct world *w = q->daemon->world;
	uint64_t index = q->message->advise->value;

	if (index < w->n_tiers) {
		*ret = &w->tiers[index];
		return 0;
	}
	session_error(q->session, q->id, ENOENT, "no tier has index %llu; there are %u",
		      (unsigned long long)index, w->n_tiers);
	return -1;
}

/* A whole range has a home; a piece of it has none of its own. */
static void prefer_memory(struct request *q, const struct span *span, struct tier *t)
{
	struct range *r = span->range;

	if (atomic_load(&r->home) != t->index && span->pages != range_pages(r)) {
		not_here(q, "a preferred tier in memory is for whole ranges");
		return;
	}
	r->prefer = (uint8_t)t->index;
	range_rehome(r, q->daemon->world);
	reply_ok(q->session, q->id);
}

static void advise_preferred(struct request *q, const struct span *span)
{
	struct tier *t;

	if (tier_of_value(q, &t))
		return;
	if (tier_is_resident(t))
		prefer_memory(q, span, t);
	else
		advise_cold(q, span);	/* on a device it is where the coldest go */
}

static void advise_accessed_by(struct request *q, const struct span *span)
{
	struct tier *t;

	if (tier_of_value(q, &t))
		return;
	if (tier_is_resident(t))
		prefer_memory(q, span, t);
	else
		not_here(q, "no processor of that tier can touch memory of this machine");
}

static void advise_prefetch(struct request *q, const struct span *span)
{
	int r;

	flag_pages(span, 0, PAGE_COLD);
	hint_pages(span, true);
	r = op_start_silent(q->daemon, MOVE_FILL, atomic_load(&span->range->home), span);
	if (r)
		reply_result(q->session, q->id, r, "a prefetch");
	else
		reply_ok(q->session, q->id);
}

static void advise_stay(struct request *q, const struct span *span)
{
	int r = span_flag(span, PAGE_STAY);

	if (r)
		reply_result(q->session, q->id, r, "pages that stay");
	else
		reply_ok(q->session, q->id);
}

static void advise_discard(struct request *q, const struct span *span)
{
	struct op *op;

	if (!request_op_new(q, MOVE_DISCARD, 0, &op) && !request_op_add(q, op, span))
		request_op_await(q, op);
}

static void advise_shared(struct request *q, const struct span *span)
{
	(void)span;
	not_here(q, "no device of this machine shares pages with the processor, so READ_MOSTLY and "
		    "ATOMIC mean nothing");
}

static void advise_lazy(struct request *q, const struct span *span)
{
	(void)span;
	not_here(q, "lazy placement is for adopted memory on several NUMA nodes, which this hmmd "
		    "does not do");
}

static const struct {
	advise_fn *fn;
	bool adopted;		/* means something for adopted ranges too */
} advice_table[] = {
	[ADVICE_NORMAL] = { advise_normal, true },
	[ADVICE_PREFERRED_TIER] = { advise_preferred, false },
	[ADVICE_PREFETCH] = { advise_prefetch, false },
	[ADVICE_WILL_NEED] = { advise_prefetch, false },
	[ADVICE_COLD] = { advise_cold, false },
	[ADVICE_SEQUENTIAL] = { advise_pattern, true },
	[ADVICE_RANDOM] = { advise_pattern, true },
	[ADVICE_READ_MOSTLY] = { advise_shared, true },
	[ADVICE_ACCESSED_BY] = { advise_accessed_by, false },
	[ADVICE_ATOMIC] = { advise_shared, true },
	[ADVICE_NEVER_MIGRATE] = { advise_stay, false },
	[ADVICE_DISCARD] = { advise_discard, false },
	[ADVICE_LAZY] = { advise_lazy, true },
};

void request_advise(struct request *q)
{
	const Hmmd__Advise *a = q->message->advise;
	struct span span;

	if (request_find_span(q, a->range, a->offset, a->length, &span))
		return;
	if (span.range->kind == RANGE_ADOPTED && !advice_table[a->advice].adopted)
		not_here(q, "this advice is for managed ranges; the range is adopted");
	else
		advice_table[a->advice].fn(q, &span);
}
