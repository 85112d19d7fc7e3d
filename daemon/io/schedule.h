/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tick: asks core for plans and victims, hands moves to the crew, feeds results back, ends
 * operations. Ticks every config.tick_us while something happens, once a second when idle.
 */
#ifndef HMMD_IO_SCHEDULE_H
#define HMMD_IO_SCHEDULE_H

#include <stdbool.h>
#include "daemon/core/op.h"

struct daemon;

int schedule_start(struct daemon *d);	/* the timer */
void schedule_stop(struct daemon *d);
void schedule_kick(struct daemon *d);	/* something changed: tick soon */
void schedule_stir(struct daemon *d);	/* there is something to decide: at the next tick */
/* A probe page was taken on this tier, or there was none. */
void schedule_probed(struct daemon *d, unsigned int tier, bool given);
void schedule_parked(struct daemon *d);		/* clients whose faults are not read may be read again, now or at a tick */
/* An operation begins to be issued; when done, session_op_done() is told and it is freed. */
void schedule_op(struct daemon *d, struct op *op);
/* Cancels all operations of a session that is gone. */
void schedule_session_gone(struct daemon *d, uint64_t session);

#endif
