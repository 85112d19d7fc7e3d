// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What hmmctl asks for: other clients' pages, tiers, policies, the configuration. For control peers
 * only.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "daemon/io/daemon.h"
#include "daemon/io/drain.h"
#include "daemon/io/pin.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/request_move.h"
#include "daemon/io/schedule.h"
#include "daemon/io/session_own.h"

/* enum hmm_control_verb of the public header, which the daemon does not include. */
enum verb {
	VERB_MIGRATE = 1,
	VERB_PIN = 2,
	VERB_UNPIN = 3,
	VERB_DRAIN = 4,
	VERB_UNDRAIN = 5,
	VERB_POLICY_SET = 6,
	VERB_RELOAD = 7
};

typedef int span_fn(struct request *q, struct op *op, const struct span *span);

/* The part of the range that the request is about; false: none. */
static bool clip(const Hmmd__Control *c, struct range *r, struct span *ret)
{
	uint64_t start = r->addr, end = range_end(r);

	if (c->end) {
		start = c->addr > start ? c->addr : start;
		end = c->end < end ? c->end : end;
	}
	if (!r->addr || start >= end || atomic_load(&r->dying))
		return false;
	ret->range = r;
	ret->vpn = start >> LEDGER_PAGE_SHIFT;
	ret->pages = ((end - 1) >> LEDGER_PAGE_SHIFT) - ret->vpn + 1;
	return true;
}

struct walk {
	struct request *q;
	struct op *op;
	span_fn *fn;
	unsigned int clients, spans;
	unsigned int most;		/* spans to look at */
};

/* 0 or -1 (refused). */
static int walk_space(struct walk *w, struct space *s)
{
	LIST_EACH(pos, &s->ranges) {
		struct span span;

		if (w->spans == w->most)
			break;
		if (!clip(w->q->message->control, container_of(pos, struct range, in_space), &span))
			continue;
		if (w->fn(w->q, w->op, &span))
			return -1;
		w->spans++;
	}
	return 0;
}

static int walk_spaces(struct walk *w)
{
	const Hmmd__Control *c = w->q->message->control;

	LIST_EACH(pos, &w->q->daemon->world->spaces) {
		struct space *s = container_of(pos, struct space, in_world);

		if (s->pid != c->pid || s->n_ranges == 0)
			continue;
		w->clients++;
		if (walk_space(w, s))
			return -1;
	}
	return 0;
}

/*
 * Calls fn for every piece of every range of the pid. 0 or -1 (refused; the op is freed, and undo was called
 * for those before the one that was refused).
 */
static int walk_pid(struct request *q, struct op *op, span_fn *fn, span_fn *undo)
{
	const Hmmd__Control *c = q->message->control;
	struct walk w = { .q = q, .op = op, .fn = fn, .most = UINT_MAX }, back = { .q = q, .fn = undo };

	if (walk_spaces(&w)) {
		back.most = w.spans;
		if (undo)
			(void)walk_spaces(&back);
		return -1;
	}
	if (w.spans)
		return 0;
	if (op)
		op_free(op, q->daemon->world);
	if (!w.clients)
		session_error(q->session, q->id, ESRCH, "no client has pid %d", c->pid);
	else
		session_error(q->session, q->id, ENOENT, "0x%llx-0x%llx is in no range of pid %d",
			      (unsigned long long)c->addr, (unsigned long long)c->end, c->pid);
	return -1;
}

static int add_to_op(struct request *q, struct op *op, const struct span *span)
{
	enum move_kind kind;

	if (move_kind_to(span->range, &q->daemon->world->tiers[op->tier], &kind))
		return 0; /* adopted memory has no place on that device: nothing of it is asked */
	return request_op_add(q, op, span);
}

static void control_migrate(struct request *q)
{
	struct tier *tier;
	struct op *op;

	if (request_find_tier(q, q->message->control->tier, &tier) || move_tier_takes(q, tier))
		return;
	if (request_op_new(q, tier_is_resident(tier) ? MOVE_NODE : MOVE_EVICT, tier->index, &op))
		return;
	if (!walk_pid(q, op, add_to_op, NULL))
		request_op_start(q, op);
}

static uint64_t bytes_of(const struct span *span)
{
	return range_clip(span->range, span->vpn, span->pages);
}

static uint64_t start_of(const struct span *span)
{
	uint64_t addr = span->vpn << LEDGER_PAGE_SHIFT;

	return addr < span->range->addr ? span->range->addr : addr;
}

static bool is_left_out(const struct span *span)
{
	const struct range *r = span->range;

	return r->kind == RANGE_ADOPTED && (!r->space->watch || !atomic_load(&r->adopted));
}

/* Memory that the kernel driver does not watch, or not now, is left out: nothing of it is asked. 0 or -1 (the op is freed). */
static int pin_span(struct request *q, struct op *op, const struct span *span)
{
	uint64_t addr = start_of(span), end = addr + bytes_of(span);
	int r;

	if (is_left_out(span))
		return 0;
	r = pin_take(span->range, PIN_OF_OPERATOR, addr, end);
	if (r) {
		op_free(op, q->daemon->world);
		reply_result(q->session, q->id, r, "a pin");
		return -1;
	}
	if (request_pin_note(q, op, PIN_OF_OPERATOR, span->range, addr, end))
		return -1;
	if (!request_op_add(q, op, span))
		return 0;
	pin_undo(span->range, PIN_OF_OPERATOR, addr, end);
	return -1;
}

static int undo_span(struct request *q, struct op *op, const struct span *span)
{
	(void)q;
	(void)op;
	if (!is_left_out(span))
		pin_undo(span->range, PIN_OF_OPERATOR, start_of(span), start_of(span) + bytes_of(span));
	return 0;
}

/* The worst of them is what is answered; none at all is none only when no range had any. */
static int unpin_span(struct request *q, struct op *op, const struct span *span)
{
	uint64_t addr = start_of(span), end = addr + bytes_of(span);
	int r = pin_drop(q->daemon, span->range, PIN_OF_OPERATOR, addr, end);

	(void)op;
	if (r != PIN_E_NONE && (q->unpinned == PIN_E_NONE || r))
		q->unpinned = r;
	return 0;
}

static void control_pin(struct request *q)
{
	const Hmmd__Control *c = q->message->control;
	struct world *w = q->daemon->world;
	struct tier *tier = NULL;
	struct op *op;

	if (c->tier[0] && request_find_tier(q, c->tier, &tier))
		return;
	if (tier && !tier_is_resident(tier)) {
		session_error(q->session, q->id, EOPNOTSUPP,
			      "tier %s is a device; pinned pages are in memory", c->tier);
		return;
	}
	for (unsigned int i = 0; !tier && i < w->n_tiers; i++)
		if (tier_is_resident(&w->tiers[i]))
			tier = &w->tiers[i];
	if (!request_op_new(q, MOVE_PIN, tier ? tier->index : 0, &op) && !walk_pid(q, op, pin_span, undo_span))
		request_op_start(q, op);
}

static void control_unpin(struct request *q)
{
	q->unpinned = PIN_E_NONE;
	if (!walk_pid(q, NULL, unpin_span, NULL))
		reply_unpin(q, q->unpinned);
}

static void control_undrain(struct request *q)
{
	struct tier *tier;

	if (request_find_tier(q, q->message->control->tier, &tier))
		return;
	if (tier->state == TIER_FAILED) {
		session_error(q->session, q->id, EIO, "tier %s has failed; hmmctl doctor says why",
			      tier->config.name);
		return;
	}
	drain_cancel(q->daemon, tier);
	world_undrain(q->daemon->world, tier->index);
	daemon_event(q->daemon, EVENT_INFO, "tier %s takes pages again", tier->config.name);
	schedule_kick(q->daemon);
	reply_ok(q->session, q->id);
}

static void control_policy_set(struct request *q)
{
	const Hmmd__Control *c = q->message->control;
	char text[256] = "";
	int r = world_policy_set(q->daemon->world, c->name, c->key, c->value, text, sizeof(text));

	if (r == -ENOENT && !text[0])
		snprintf(text, sizeof(text), "no policy \"%s\"", c->name);
	if (r) {
		session_error(q->session, q->id, -r, "%s", text[0] ? text : strerror(-r));
		return;
	}
	daemon_event(q->daemon, EVENT_INFO, "policy %s: %s = %.60s (by uid %u)", c->name, c->key,
		     c->value, (unsigned int)q->session->peer.uid);
	schedule_kick(q->daemon);
	reply_ok(q->session, q->id);
}

static void control_reload(struct request *q)
{
	char text[HMM_LIMIT_TEXT];

	if (daemon_reload(q->daemon, text, sizeof(text)))
		session_error(q->session, q->id, EINVAL, "%s", text);
	else
		reply_ok(q->session, q->id);
}

void request_control(struct request *q)
{
	static request_fn *const verbs[] = {
		[VERB_MIGRATE] = control_migrate, [VERB_PIN] = control_pin,
		[VERB_UNPIN] = control_unpin,	  [VERB_DRAIN] = request_drain,
		[VERB_UNDRAIN] = control_undrain, [VERB_POLICY_SET] = control_policy_set,
		[VERB_RELOAD] = control_reload,
	};
	struct session *s = q->session;

	if (s->control)
		verbs[q->message->control->verb](q);
	else
		session_error(s, q->id, EPERM,
			      "uid %u may not control hmmd; root, its own user and group %s may",
			      (unsigned int)s->peer.uid, q->daemon->world->config.control_group);
}
