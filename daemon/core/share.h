/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose turn it is on the loop. In one turn of the loop the peers of a user together get so much of its time;
 * those that came too late go first in the next, and whoever was served waits until none of them is left. So a
 * user with a thousand connections that never stop asking delays others by its share of one turn, and its own
 * connections get theirs one after another.
 */
#ifndef HMMD_CORE_SHARE_H
#define HMMD_CORE_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#define SHARE_NS 1000000ULL	/* 1 ms: of a user, in a turn in which it has more to do */

struct share {			/* of a user */
	uint64_t turn;		/* the last in which it was heard */
	uint64_t spent_ns;	/* in that turn */
	uint64_t round;
	uint32_t late;		/* peers that wait for this round */
};
struct share_peer {
	uint64_t round;		/* the last in which it was heard */
	bool late;
};

/* May the peer be heard in this turn? turn: a number that grows with every turn of the loop, from 1. */
bool share_may_run(struct share *s, struct share_peer *p, uint64_t turn);
void share_spend(struct share *s, uint64_t ns);
/* It does not want to be heard any more. */
void share_leave(struct share *s, struct share_peer *p);

#endif
