// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a client's messages must look like. Whether a range, a tier or a policy of that name exists,
 * and whether this client may have it, is decided where they are kept.
 */
#include <errno.h>

#include "proto/ledger.h"
#include "proto/validate_field.h"

static const char tier_rule[] = "tier is not 1 to 31 bytes of printable UTF-8";

int check_hello(const Hmmd__Message *m, struct invalid *why)
{
	const Hmmd__Hello *h = m->hello;

	return check_that(h->version_min > 0 && h->version_min <= h->version_max,
			  "version_min is 0 or above version_max", why) ||
	       check_name(h->name, HMM_LIMIT_NAME, "name is not at most 63 bytes of printable UTF-8",
			  why);
}

int check_alloc(const Hmmd__Message *m, struct invalid *why)
{
	return check_size(m->alloc->size, LEDGER_PAGE_SIZE, why) ||
	       check_options(m->alloc->options, why);
}

int check_map_range(const Hmmd__Message *m, struct invalid *why)
{
	return check_that(m->map_range->range > 0, "range is 0", why) ||
	       check_area(m->map_range->addr, LEDGER_PAGE_SIZE, LEDGER_PAGE_SIZE, why);
}

int check_register(const Hmmd__Message *m, struct invalid *why)
{
	const Hmmd__Register *reg = m->register_;

	if (check_that(reg->n_addr == reg->n_size, "addr and size are not as many", why) ||
	    check_that(reg->n_addr > 0, "no addr", why) ||
	    check_or(reg->n_addr <= HMM_LIMIT_BATCH, E2BIG, "more than 4096 ranges", why))
		return VALIDATE_E_FIELD;
	for (size_t i = 0; i < reg->n_addr; i++)
		if (check_area(reg->addr[i], reg->size[i], VALIDATE_BASE_PAGE, why))
			return VALIDATE_E_FIELD;
	return check_options(reg->options, why);
}

int check_free(const Hmmd__Message *m, struct invalid *why)
{
	const Hmmd__Free *f = m->free;

	if (check_that(f->n_range > 0, "no range", why) ||
	    check_or(f->n_range <= HMM_LIMIT_BATCH, E2BIG, "more than 4096 ranges", why))
		return VALIDATE_E_FIELD;
	for (size_t i = 0; i < f->n_range; i++)
		if (check_that(f->range[i] > 0, "range is 0", why))
			return VALIDATE_E_FIELD;
	return 0;
}

static int check_resume_range(const Hmmd__ResumeRange *r, bool has_file, struct invalid *why)
{
	uint64_t align = r->managed ? LEDGER_PAGE_SIZE : VALIDATE_BASE_PAGE;

	return check_that(r->range > 0, "range is 0", why) ||
	       check_that(!r->same_file || (r->managed && has_file), "same_file, but no file before it", why) ||
	       check_area(r->addr, r->size, align, why) || check_options(r->options, why);
}

int check_resume(const Hmmd__Message *m, struct invalid *why)
{
	const Hmmd__Resume *r = m->resume;
	size_t files = 0;

	if (check_or(r->n_range <= HMM_LIMIT_RESUME, E2BIG, "more than 1024 ranges", why) ||
	    check_that(r->n_range > 0 || r->last, "no range, and not the last frame", why))
		return VALIDATE_E_FIELD;
	for (size_t i = 0; i < r->n_range; i++) {
		if (check_resume_range(r->range[i], files > 0, why))
			return VALIDATE_E_FIELD;
		files += r->range[i]->managed && !r->range[i]->same_file;
	}
	return check_or(files <= HMM_LIMIT_FDS, E2BIG, "more than 32 files of managed ranges", why);
}

/* A span that somebody asks something for; nothing is asked for no byte. */
static int check_request_span(uint64_t range, uint64_t offset, uint64_t length, struct invalid *why)
{
	return check_span(range, offset, length, VALIDATE_BASE_PAGE, why) ||
	       check_that(length > 0, "length is 0", why);
}

int check_advise(const Hmmd__Message *m, struct invalid *why)
{
	const Hmmd__Advise *a = m->advise;

	return check_request_span(a->range, a->offset, a->length, why) ||
	       check_that(a->advice <= VALIDATE_ADVICE_LAST, "advice is unknown", why);
}

int check_migrate(const Hmmd__Message *m, struct invalid *why)
{
	const Hmmd__Migrate *g = m->migrate;

	return check_request_span(g->range, g->offset, g->length, why) ||
	       check_named(g->tier, HMM_LIMIT_TIER_NAME, tier_rule, why) ||
	       check_that(g->flags == 0, "flags is not 0", why);
}

int check_pin(const Hmmd__Message *m, struct invalid *why)
{
	return check_request_span(m->pin->range, m->pin->offset, m->pin->length, why) ||
	       check_name(m->pin->tier, HMM_LIMIT_TIER_NAME, tier_rule, why);
}

int check_unpin(const Hmmd__Message *m, struct invalid *why)
{
	return check_request_span(m->unpin->range, m->unpin->offset, m->unpin->length, why);
}

int check_exclusive(const Hmmd__Message *m, struct invalid *why)
{
	return check_request_span(m->exclusive->range, m->exclusive->offset, m->exclusive->length,
				  why);
}

int check_query(const Hmmd__Message *m, struct invalid *why)
{
	return check_named(m->query->topic, HMM_LIMIT_NAME,
			   "topic is not 1 to 63 bytes of printable UTF-8", why) ||
	       check_name(m->query->arg, HMM_LIMIT_VALUE,
			  "arg is not at most 255 bytes of printable UTF-8", why);
}

/* What verbs need; addr and end are 0 for everything. */
static int check_control_area(const Hmmd__Control *c, struct invalid *why)
{
	if (check_that(c->pid > 0, "pid is not above 0", why))
		return VALIDATE_E_FIELD;
	if (c->addr == 0 && c->end == 0)
		return 0;
	return check_that(c->addr < c->end, "end is not above addr", why) ||
	       check_that(c->addr % VALIDATE_BASE_PAGE == 0 && c->end % VALIDATE_BASE_PAGE == 0,
			  "addr or end is not a multiple of the base page size, 4K", why) ||
	       check_or(c->end <= HMM_LIMIT_ADDRESS, ERANGE, "end is beyond the user addresses",
			why);
}

static int check_control_strings(const Hmmd__Control *c, struct invalid *why)
{
	return check_name(c->tier, HMM_LIMIT_TIER_NAME, tier_rule, why) ||
	       check_name(c->name, HMM_LIMIT_NAME, "name is not at most 63 bytes of printable UTF-8",
			  why) ||
	       check_name(c->key, HMM_LIMIT_VALUE, "key is not at most 255 bytes of printable UTF-8",
			  why) ||
	       check_name(c->value, HMM_LIMIT_VALUE,
			  "value is not at most 255 bytes of printable UTF-8", why);
}

int check_control(const Hmmd__Message *m, struct invalid *why)
{
	/* enum hmm_control_verb */
	enum { MIGRATE = 1, PIN = 2, UNPIN = 3, DRAIN = 4, UNDRAIN = 5, POLICY_SET = 6 };
	enum { KEEP = 1U };	/* HMM_CONTROL_KEEP */
	const Hmmd__Control *c = m->control;

	if (check_or(c->verb >= MIGRATE && c->verb <= VALIDATE_VERB_LAST, ENOTSUP,
		     "verb is unknown", why) ||
	    check_control_strings(c, why))
		return VALIDATE_E_FIELD;
	if (c->verb <= UNPIN && check_control_area(c, why))
		return VALIDATE_E_FIELD;
	if ((c->verb == MIGRATE || c->verb == DRAIN || c->verb == UNDRAIN) &&
	    check_that(c->tier[0] != '\0', tier_rule, why))
		return VALIDATE_E_FIELD;
	if (check_that(!(c->flags & ~(c->verb == DRAIN ? KEEP : 0)), "flags are unknown", why))
		return VALIDATE_E_FIELD;
	if (c->verb == POLICY_SET &&
	    check_that(c->name[0] && c->key[0], "name or key is empty", why))
		return VALIDATE_E_FIELD;
	return 0;
}

int check_zap_done(const Hmmd__Message *m, struct invalid *why)
{
	return check_that(m->zap_done->zap > 0, "zap is 0", why);
}
