/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An operation that somebody asked for: many pages, one result in bytes that adds up. It hands out
 * its moves a few at a time, so that a request over a terabyte neither floods the workers nor
 * needs memory for its list. A busy page is tried again, each time after twice the wait: what keeps it busy is
 * somebody else's move, which ends in its own time and not in so many tries. Adopted memory goes in slices: a
 * worker gives back what it could not do in its time, and the others get theirs in between. What the operations of
 * one user have handed out together is limited, and they take turns, so that others never wait for all of them. Nor
 * does a user whose own program holds its threads up keep an operation from the pages of others (op_held.c).
 * What it has moved somebody else may move on, and it itself, where more was asked for than the tier takes; so at
 * the end it is looked where all of it is (op_left.c).
 */
#ifndef HMMD_CORE_OP_H
#define HMMD_CORE_OP_H

#include <stdbool.h>
#include <stdint.h>
#include "daemon/base/list.h"
#include "daemon/core/account.h"
#include "daemon/core/plan.h"

struct range;
struct world;

struct op_result {
	uint64_t asked, moved, already_there, busy, failed;	/* bytes; asked = the sum of the others when done */
	uint64_t no_room;	/* of busy and failed: where they were to go there was no room */
	uint64_t moved_on;	/* of moved and already_there: elsewhere again when the operation was over */
	uint64_t untouched;	/* of already_there: there is no page yet */
};
enum {
	OP_IN_FLIGHT = 32,	/* moves handed out and not yet reported */
	OP_USER_LOAD = 64,	/* the same of all operations of a user; a slice weighs as much as the workers leave to one */
	OP_RETRIES = 10,	/* times a busy page is tried again */
	OP_RETRY_US = 1000	/* before the first of them; doubled each time, so a page has a second */
};
struct op_retry {			/* a page that was busy */
	struct range *range;		/* held; NULL: free entry */
	uint64_t vpn;
	uint64_t due_us;		/* not before */
	uint32_t tries;
	bool issued;
};
struct op_whole {			/* what is pinned of one range: a pin that cannot have all of it is none */
	uint64_t range, addr, end;
	uint32_t id;			/* of adopted memory: the driver's number once it is there */
	uint8_t owner;			/* enum pin_owner */
	bool under_way;			/* of adopted memory: the driver has not got it yet */
	bool none;			/* nor will it */
};
struct op {
	struct world *world;		/* fixed */
	uint64_t id;
	uint64_t session;		/* who is told, 0: nobody (io's id) */
	enum move_kind kind;
	uint8_t tier;
	uint8_t from;			/* only what lies in this tier, each to where drain_way() says; TIER_NOWHERE: all, to `tier` */
	bool dry;			/* a page found no room however often it was tried: the next is not waited for */
	struct op_result result;
	struct range *range;		/* current */
	uint64_t next, end;		/* addresses in the current range: what was not looked at yet */
	struct list_node rest;		/* of struct op_span: further ranges (hmmctl migrate PID) */
	struct list_node pieces;	/* of struct op_piece: all that is to be in `tier` at the end */
	struct op_whole *wholes;	/* of a pin: what it is about */
	size_t n_wholes, settled;	/* of them; none before that one is under way */
	uint32_t in_flight;
	struct list_node in_account;	/* whose turn it is; alone: nobody pays for it */
	struct charge charge;
	struct op_retry retries[OP_IN_FLIGHT];
	unsigned int rounds;		/* of a drain: how often it went through all */
	bool cancelled;
};

/* The id is new; spans are added next. -ENOMEM. */
int op_new(struct op **ret, struct world *w, uint64_t session, enum move_kind kind, uint8_t tier);
/* The user pays for it until it is freed. 0 or ACCOUNT_E_FULL. */
int op_charge(struct op *op, struct account *a);
/*
 * Over [vpn, vpn + pages); holds the range; counts `asked`, but of a drain only what is met in its tier.
 * 0, 1: the range is dying, -ENOMEM.
 */
int op_add_span(struct op *op, struct range *r, uint64_t vpn, uint64_t pages);
/* The same over [addr, addr + length), which lies in the range; huge pages, unless the range is adopted. */
int op_add_bytes(struct op *op, struct range *r, uint64_t addr, uint64_t length);
int op_add_whole(struct op *op, const struct op_whole *whole);	/* -ENOMEM */
struct op_whole *op_find_whole(struct op *op, const struct move *m);	/* the one under way that the move is about, or NULL */
/* The next moves of this op into the plan (each holds its range); returns how many. */
unsigned int op_issue(struct op *op, struct plan *plan, uint64_t now_us);
/* When op_issue() has something again if nothing is reported before: a time, 0 at once, UINT64_MAX never. */
uint64_t op_due_us(const struct op *op);
void op_report(struct op *op, const struct move *m, enum move_outcome outcome, uint64_t now_us);
/* For a move of many pages: bytes of each outcome; what is missing counts as failed. */
void op_report_bytes(struct op *op, const struct move *m, const struct op_result *bytes);
/* The same when only what lies before `stopped` was dealt with: the rest is handed out again. */
void op_report_part(struct op *op, const struct move *m, const struct op_result *bytes, uint64_t stopped);
/* A page that was moved where the operation wants it stays there for a time; others go where they are wanted. */
void op_by_hand(const struct op *op, struct range *r, uint64_t vpn, bool moved, uint64_t now_us);
void op_leave(struct op *op, struct range *r);	/* the range dies: what was not handed out of it counts as failed */
bool op_done(const struct op *op);
void op_count_left(struct op *op);	/* once it is done: how much of what it says it moved is not there any more */
/* Half of what it may have in flight is free: it is worth an op_issue() before the next tick. */
bool op_wants_more(const struct op *op);
/* Nothing of this range is handed out for now: its user is held up, and the operation is about others too. */
bool op_passes_by(const struct op *op, const struct range *r);
void op_cancel(struct op *op);		/* what was not handed out counts as failed */
struct op *op_free(struct op *op, struct world *w);

#endif
