// SPDX-License-Identifier: GPL-2.0-or-later
/* Plans (plan.h): one turn asks what drains, what is stuck, then every policy. */
#include "daemon/core/world.h"

int plan_add(struct plan *p, const struct move *m)
{
	if (p->n == PLAN_MOVES || !range_hold(m->range))
		return 1;
	p->moves[p->n++] = *m;
	return 0;
}

void plan_make(struct world *w, uint64_t now_us, struct plan *ret)
{
	unsigned int i;

	ret->n = 0;
	for (i = 0; i < w->n_tiers; i++)
		tier_look(&w->tiers[i]);
	plan_drain(w, now_us, ret);
	plan_refill(w, ret);
	for (i = 0; i < w->n_policies; i++)
		w->policies[i].engine->plan(w, &w->policies[i], now_us, ret);
}
