// SPDX-License-Identifier: GPL-2.0-or-later
/* Shares of the loop (share.h). A round ends when nobody is late. */
#include "daemon/core/share.h"

bool share_may_run(struct share *s, struct share_peer *p, uint64_t turn)
{
	if (s->turn != turn) {
		s->turn = turn;
		s->spent_ns = 0;
		s->round += !s->late;
	}
	if (s->late && p->round == s->round)
		return false;
	if (s->spent_ns >= SHARE_NS) {
		s->late += !p->late;
		p->late = true;
		return false;
	}
	share_leave(s, p);
	p->round = s->round;
	return true;
}

void share_spend(struct share *s, uint64_t ns)
{
	s->spent_ns += ns;
}

void share_leave(struct share *s, struct share_peer *p)
{
	s->late -= p->late;
	p->late = false;
}
