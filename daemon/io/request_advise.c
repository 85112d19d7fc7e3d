// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Advice: a table from the word to what it does here. Advice that cannot mean anything for the
 * range or on this machine is refused with the reason, never taken silently.
 */
#include <errno.h>

#include "daemon/core/adopted.h"
#include "daemon/io/daemon.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/request_tables.h"
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

/* Its pages that are ranked: adopted memory may begin and end inside others, or be unwatched. */
static struct span ranked(const struct span *span)
{
	struct range *r = span->range;
	uint64_t first = range_first_vpn(r), end = first + range_pages(r);

	if (first < span->vpn)
		first = span->vpn;
	if (end > span->vpn + span->pages)
		end = span->vpn + span->pages;
	return (struct span){ r, first, (r->heat || atomic_load(&r->adopted)) && end > first ? end - first : 0 };
}

/* Of adopted memory those that are there: the rest has neither word nor temperature. */
typedef void page_fn(radix_word *word, struct heat *heat);

static void each_page(const struct span *span, page_fn *fn)
{
	struct span s = ranked(span);
	const struct radix *mirror = &s.range->space->mirror;
	uint64_t last = s.vpn + s.pages - 1;

	for (uint64_t vpn = s.vpn; s.pages && (vpn = radix_next(mirror, vpn, last)) <= last; vpn++) {
		struct heat *heat = range_heat(s.range, vpn);

		if (heat)
			fn(radix_find(mirror, vpn), heat);
	}
}

static void make_cold(radix_word *word, struct heat *heat)
{
	page_flag(word, PAGE_COLD, 0);
	heat_hint(heat, false);
}

static void make_hot(radix_word *word, struct heat *heat)
{
	page_flag(word, 0, PAGE_COLD);
	heat_hint(heat, true);
}

/* Where nobody tells whether it is touched, what was said about it would stand for ever. */
static void make_normal(radix_word *word, struct heat *heat)
{
	if (!(atomic_load(word) & PAGE_COLD))
		return;
	page_flag(word, 0, PAGE_COLD);
	heat->value = HEAT_NEW;
}

static bool is_adopted(const struct span *span)
{
	return span->range->kind == RANGE_ADOPTED;
}

static void advise_normal(struct request *q, const struct span *span)
{
	atomic_store(&span->range->advice, ADVICE_NORMAL);
	each_page(span, make_normal);
	range_prefer_end(span->range, q->daemon->world, span->vpn, span->pages);
	if (is_adopted(span))
		adopted_stay_end(span->range, span->vpn, span->pages);
	else
		span_unflag(span, PAGE_STAY);
	reply_ok(q->session, q->id);
}

static void advise_pattern(struct request *q, const struct span *span)
{
	atomic_store(&span->range->advice, q->message->advise->advice);
	reply_ok(q->session, q->id);
}

static void advise_cold(struct request *q, const struct span *span)
{
	each_page(span, make_cold);
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

static void prefer_memory(struct request *q, const struct span *span, struct tier *t)
{
	if (range_prefer(span->range, q->daemon->world, t->index, span->vpn, span->pages))
		not_here(q, "a preferred tier in memory is for whole ranges");
	else
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

	each_page(span, make_hot);
	r = op_start_silent(q->daemon, is_adopted(span) ? MOVE_NODE : MOVE_FILL,
			    atomic_load(&span->range->home), span);
	if (r)
		reply_result(q->session, q->id, r, "a prefetch");
	else
		reply_ok(q->session, q->id);
}

static void advise_stay(struct request *q, const struct span *span)
{
	int r;

	do
		r = is_adopted(span) ? adopted_stay(span->range, span->vpn, span->pages)
				     : span_flag(span, PAGE_STAY);
	while (r == SPACE_E_TABLES && !(r = request_grow_tables(span->range->space)));
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

/* What advice needs of an adopted range, each with what stands before it. */
enum needs {
	NEEDS_NOTHING,
	NEEDS_SIGHT,	/* hmmd knows where it is, and so moves it by itself */
	NEEDS_RANKED,	/* huge pages that a policy compares with others */
	NEEDS_MANAGED
};

static const struct {
	advise_fn *fn;
	enum needs needs;
} advice_table[] = {
	[ADVICE_NORMAL] = { advise_normal, NEEDS_NOTHING },
	[ADVICE_PREFERRED_TIER] = { advise_preferred, NEEDS_RANKED },
	[ADVICE_PREFETCH] = { advise_prefetch, NEEDS_SIGHT },
	[ADVICE_WILL_NEED] = { advise_prefetch, NEEDS_SIGHT },
	[ADVICE_COLD] = { advise_cold, NEEDS_RANKED },
	[ADVICE_SEQUENTIAL] = { advise_pattern, NEEDS_NOTHING },
	[ADVICE_RANDOM] = { advise_pattern, NEEDS_NOTHING },
	[ADVICE_READ_MOSTLY] = { advise_shared, NEEDS_NOTHING },
	[ADVICE_ACCESSED_BY] = { advise_accessed_by, NEEDS_RANKED },
	[ADVICE_ATOMIC] = { advise_shared, NEEDS_NOTHING },
	[ADVICE_NEVER_MIGRATE] = { advise_stay, NEEDS_RANKED },
	[ADVICE_DISCARD] = { advise_discard, NEEDS_MANAGED },
	[ADVICE_LAZY] = { advise_lazy, NEEDS_NOTHING },
};

/* NULL: it can be followed. */
static const char *why_not(const struct span *span, enum needs needs)
{
	if (needs == NEEDS_MANAGED)
		return "hmmd drops nothing that the program itself has mapped; madvise(2) does";
	if (needs >= NEEDS_SIGHT && !atomic_load(&span->range->adopted))
		return "without the kernel driver hmmd does not see where adopted memory is, and "
		       "moves none by itself; hmmctl doctor says what is missing";
	if (needs >= NEEDS_RANKED && !ranked(span).pages)
		return "no whole huge page of the range is there; less is moved only when asked "
		       "for";
	return NULL;
}

void request_advise(struct request *q)
{
	const Hmmd__Advise *a = q->message->advise;
	const char *why = NULL;
	struct span span;

	if (request_find_span(q, a->range, a->offset, a->length, &span))
		return;
	if (is_adopted(&span))
		why = why_not(&span, advice_table[a->advice].needs);
	if (why)
		not_here(q, why);
	else
		advice_table[a->advice].fn(q, &span);
}
