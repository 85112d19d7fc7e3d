/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of the schedule, for schedule*.c alone. Loop thread only. */
#ifndef HMMD_IO_SCHEDULE_OWN_H
#define HMMD_IO_SCHEDULE_OWN_H

#include <uv.h>
#include "daemon/core/world.h"
#include "daemon/io/schedule.h"

/* Pages that moved one after another, told as one event. Only numbers: the range may be gone by then. */
struct moved_run {
	uint64_t session, op, range;	/* range 0: empty */
	uint64_t offset, length;	/* bytes in the range */
	uint8_t tier;
};

struct schedule {
	struct daemon *daemon;
	uv_timer_t tick;
	bool active;			/* something happened since the last tick */
	bool slow;			/* the timer is set for the idle interval */
	uint64_t second_us;		/* when the things of every second were done */
	uint64_t ranked_us;		/* when victims were last wanted and ranked */
	bool rank_wanted;		/* wanted again too soon: the next tick does it */
	struct plan plan;
	unsigned int planned, planned_moved, planned_in_flight;	/* moves of the last plan */
	uint64_t dry_told_us;
	uint64_t lost_untold;		/* pages lost since it was last said */
	struct moved_run moved;
	size_t issue_cursor;		/* in the map of operations: where the next tick goes on; 0: at the beginning */
	bool above_high[HMM_LIMIT_TIERS];
	uint32_t probing;		/* tiers with a probe page under way */
	enum tier_state told_state[HMM_LIMIT_TIERS];
};

/* schedule.c */
void schedule_soon(struct schedule *s, uint64_t in_us);	/* the next tick comes at the latest then */
/* schedule_op.c */
void schedule_issue(struct daemon *d, struct op *op);
void schedule_end(struct daemon *d, struct op *op);	/* it is done: its session is told, it is freed */
void schedule_turn(struct daemon *d, struct account *a);	/* the user has load again */
void schedule_end_done(struct daemon *d);		/* ends every operation that is done */
/* Pages are where nobody expected them: their client is told. op: 0, or what the client is to hear of later. */
void schedule_moved(struct daemon *d, uint64_t op, const struct range *r, uint64_t vpn, uint64_t pages);
void schedule_flush_moved(struct daemon *d);
/* schedule_undone.c: a page has gone elsewhere; if somebody had moved it by hand, its client is told, and why. */
void schedule_left(struct daemon *d, struct range *r, uint64_t vpn, enum undone why);
/* The kernel has moved pages: a bit for each, from the first that was looked at. */
void schedule_found(struct daemon *d, const struct move *m, uint64_t pages);
enum undone schedule_why(const struct move *m);
void schedule_tell_undone(struct daemon *d);	/* every second */
/* schedule_plan.c */
void schedule_plan(struct schedule *s, uint64_t now_us);
/* schedule_victims.c */
void schedule_refill(struct daemon *d, uint64_t now_us, bool all, bool anew);
/* schedule_room.c */
void schedule_room(struct schedule *s, uint64_t now_us);		/* every tick, when the timer is set */
void schedule_tell_room(struct schedule *s, uint64_t now_us);	/* every second */
/* schedule_tiers.c */
void schedule_watch_tiers(struct schedule *s, bool second);	/* every tick; whether it is the one of a second */

#endif
