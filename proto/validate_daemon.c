// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a daemon's messages must look like: a client trusts the daemon with its memory but not with
 * its own stack and heap. Numbers that only get shown (kinds, units) are not bounded, so that a
 * newer daemon may have more of them.
 */
#include <errno.h>

#include "proto/ledger.h"
#include "proto/validate_field.h"

enum { HUGE_PAGE_SMALLEST = 64 * 1024 };	/* bytes; arm64 */
#define HUGE_PAGE_LARGEST (1ULL << 30)		/* bytes */

static const char tier_rule[] = "tier is not 1 to 31 bytes of printable UTF-8";

int check_hello_reply(const Hmmd__Message *m, struct invalid *why)
{
	const Hmmd__HelloReply *h = m->hello_reply;
	uint64_t huge = h->huge_page_size;

	return check_that(h->version > 0, "version is 0", why) ||
	       check_that(h->client > 0, "client is 0", why) ||
	       check_that((huge & (huge - 1)) == 0 && huge >= HUGE_PAGE_SMALLEST &&
				  huge <= HUGE_PAGE_LARGEST,
			  "huge_page_size is not a size of huge pages", why) ||
	       check_that(h->backing <= HMMD__BACKING__BACKING_BASE, "backing is unknown", why) ||
	       check_that(!(h->features & HMMD__FEATURE__FEATURE_LEDGER) || h->ledger_root > 0,
			  "ledger_root is the header", why);
}

int check_alloc_reply(const Hmmd__Message *m, struct invalid *why)
{
	const Hmmd__AllocReply *a = m->alloc_reply;

	return check_that(a->range > 0, "range is 0", why) ||
	       check_that(a->offset % LEDGER_PAGE_SIZE == 0, "offset is not a multiple of the huge page", why) ||
	       check_that(a->file || !a->offset, "an offset in a file of its own", why) ||
	       check_that(a->offset <= HMM_LIMIT_FILE - LEDGER_PAGE_SIZE, "offset is beyond every file", why);
}

int check_register_reply(const Hmmd__Message *m, struct invalid *why)
{
	const Hmmd__RegisterReply *reg = m->register_reply;

	return check_that(reg->first_range > 0 && reg->first_range <= UINT64_MAX - HMM_LIMIT_BATCH,
			  "first_range is 0 or wraps", why) ||
	       check_that(reg->count > 0 && reg->count <= HMM_LIMIT_BATCH, "count is not 1 to 4096",
			  why);
}

int check_op_started(const Hmmd__Message *m, struct invalid *why)
{
	return check_that(m->op_started->op > 0, "op is 0", why);
}

int check_op_done(const Hmmd__Message *m, struct invalid *why)
{
	const Hmmd__OpDone *d = m->op_done;
	uint64_t sum;

	return check_that(d->op > 0, "op is 0", why) ||
	       check_that(!__builtin_add_overflow(d->moved, d->already_there, &sum) &&
				  !__builtin_add_overflow(sum, d->busy, &sum) &&
				  !__builtin_add_overflow(sum, d->failed, &sum) && sum == d->asked,
			  "asked is not moved + already_there + busy + failed", why);
}

int check_tiers_reply(const Hmmd__Message *m, struct invalid *why)
{
	const Hmmd__TiersReply *t = m->tiers_reply;

	if (check_or(t->n_tier <= HMM_LIMIT_TIERS, E2BIG, "more than 32 tiers", why))
		return VALIDATE_E_FIELD;
	for (size_t i = 0; i < t->n_tier; i++)
		if (check_named(t->tier[i]->name, HMM_LIMIT_TIER_NAME, tier_rule, why))
			return VALIDATE_E_FIELD;
	return 0;
}

static int check_row(const Hmmd__Row *row, size_t n_columns, struct invalid *why)
{
	if (check_that(row->n_cell == n_columns, "row has not as many cells as there are columns",
		       why))
		return VALIDATE_E_FIELD;
	for (size_t i = 0; i < row->n_cell; i++)
		if (row->cell[i]->value_case == HMMD__CELL__VALUE_TEXT &&
		    check_text(row->cell[i]->text, why))
			return VALIDATE_E_FIELD;
	return 0;
}

int check_query_reply(const Hmmd__Message *m, struct invalid *why)
{
	const Hmmd__QueryReply *q = m->query_reply;

	if (check_or(q->n_column <= HMM_LIMIT_COLUMNS, E2BIG, "more than 40 columns", why) ||
	    check_or(q->n_row <= HMM_LIMIT_ROWS, E2BIG, "more than 256 rows", why))
		return VALIDATE_E_FIELD;
	for (size_t i = 0; i < q->n_column; i++)
		if (check_named(q->column[i]->name, HMM_LIMIT_NAME,
				"column name is not 1 to 63 bytes of printable UTF-8", why))
			return VALIDATE_E_FIELD;
	for (size_t i = 0; i < q->n_row; i++)
		if (check_row(q->row[i], q->n_column, why))
			return VALIDATE_E_FIELD;
	return 0;
}

int check_error(const Hmmd__Message *m, struct invalid *why)
{
	return check_that(m->error->code > 0 && m->error->code <= VALIDATE_ERRNO_LAST,
			  "code is no errno", why) ||
	       check_text(m->error->text, why);
}

int check_zap(const Hmmd__Message *m, struct invalid *why)
{
	const Hmmd__Zap *z = m->zap;

	if (check_that(z->zap > 0, "zap is 0", why) ||
	    check_that(z->n_range == z->n_offset && z->n_range == z->n_length,
		       "range, offset and length are not as many", why) ||
	    check_that(z->n_range > 0, "no range", why) ||
	    check_or(z->n_range <= HMM_LIMIT_SPANS, E2BIG, "more than 512 spans", why))
		return VALIDATE_E_FIELD;
	for (size_t i = 0; i < z->n_range; i++)
		if (check_span(z->range[i], z->offset[i], z->length[i], LEDGER_PAGE_SIZE, why) ||
		    check_that(z->length[i] > 0, "length is 0", why))
			return VALIDATE_E_FIELD;
	return 0;
}

int check_moved(const Hmmd__Message *m, struct invalid *why)
{
	return check_span(m->moved->range, m->moved->offset, m->moved->length, VALIDATE_BASE_PAGE,
			  why) ||
	       check_named(m->moved->tier, HMM_LIMIT_TIER_NAME, tier_rule, why);
}

int check_lost(const Hmmd__Message *m, struct invalid *why)
{
	return check_span(m->lost->range, m->lost->offset, m->lost->length, VALIDATE_BASE_PAGE,
			  why) ||
	       check_text(m->lost->text, why);
}

int check_pressure(const Hmmd__Message *m, struct invalid *why)
{
	return check_named(m->pressure->tier, HMM_LIMIT_TIER_NAME, tier_rule, why);
}

int check_notice(const Hmmd__Message *m, struct invalid *why)
{
	return check_text(m->notice->text, why);
}
