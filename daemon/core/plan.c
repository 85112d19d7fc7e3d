// SPDX-License-Identifier: GPL-2.0-or-later
/* Plans (plan.h): one turn asks what drains, what is stuck, then every policy. */
#include "daemon/core/world.h"

enum { BASE_PAGE = 4096 };

void move_area(const struct move *m, uint64_t *ret_addr, uint64_t *ret_end)
{
	uint64_t addr = (m->vpn << LEDGER_PAGE_SHIFT) + (uint64_t)m->front * BASE_PAGE;
	uint64_t end = ((m->vpn + m->pages) << LEDGER_PAGE_SHIFT) - (uint64_t)m->back * BASE_PAGE;
	const struct range *r = m->range;

	*ret_addr = addr < r->addr ? r->addr : addr;
	*ret_end = end > range_end(r) ? range_end(r) : end;
}

void move_set_area(struct move *m, uint64_t addr, uint64_t end)
{
	uint64_t last = (end - 1) >> LEDGER_PAGE_SHIFT;

	m->vpn = addr >> LEDGER_PAGE_SHIFT;
	m->pages = (uint32_t)(last - m->vpn + 1);
	m->front = (uint16_t)((addr & (LEDGER_PAGE_SIZE - 1)) / BASE_PAGE);
	m->back = (uint16_t)((((last + 1) << LEDGER_PAGE_SHIFT) - end) / BASE_PAGE);
}

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
