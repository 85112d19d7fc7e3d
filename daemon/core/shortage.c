// SPDX-License-Identifier: GPL-2.0-or-later
/* The capacity of a tier as the kernel allows it (shortage.h). */
#include "daemon/core/tier.h"
#include "proto/ledger.h"

enum { PROBE_FIRST_US = 10000, PROBE_LONGEST_US = 1000000 };	/* between two probes: 10 ms, doubled up to 1 s */

static uint64_t used_now(const struct tier *t)
{
	return atomic_load_explicit(&t->pool.used, memory_order_relaxed);
}

/* Room that was taken for the page that failed is given back before. */
void tier_short(struct tier *t)
{
	uint64_t used = used_now(t), limit = atomic_load_explicit(&t->pool.limit, memory_order_relaxed);

	while (used < limit && !atomic_compare_exchange_weak(&t->pool.limit, &limit, used))
		;
	if (!atomic_exchange(&t->shortage.on, true))
		atomic_store(&t->shortage.reason, WAIT_NODE);
}

void tier_relax(struct tier *t)
{
	uint64_t whole = atomic_load(&t->whole), limit = atomic_load(&t->pool.limit);

	while (limit < whole && used_now(t) + LEDGER_PAGE_SIZE > limit &&
	       !atomic_compare_exchange_weak(&t->pool.limit, &limit, limit + LEDGER_PAGE_SIZE))
		;
}

bool tier_probe_due(struct tier *t, uint64_t now_us, uint64_t *ret_in_us)
{
	struct shortage *s = &t->shortage;

	*ret_in_us = UINT64_MAX;
	if (!atomic_load(&s->on)) {
		s->wait_us = 0;
		return false;
	}
	if (!s->wait_us) {
		s->wait_us = PROBE_FIRST_US;
		s->probe_us = now_us + PROBE_FIRST_US;
		s->step = LEDGER_PAGE_SIZE;
	}
	*ret_in_us = s->probe_us > now_us ? s->probe_us - now_us : 0;
	return !*ret_in_us;
}

static uint64_t raised(const struct tier *t, uint64_t limit, uint64_t free)
{
	uint64_t whole = atomic_load(&t->whole), used = used_now(t);
	uint64_t most = used > UINT64_MAX - free ? UINT64_MAX : used + free;

	if (t->shortage.step < whole - limit)
		whole = limit + t->shortage.step;
	return most < whole ? most & ~(LEDGER_PAGE_SIZE - 1) : whole;
}

bool tier_probed(struct tier *t, bool given, uint64_t free, uint64_t now_us)
{
	struct shortage *s = &t->shortage;
	uint64_t limit = atomic_load(&t->pool.limit), whole = atomic_load(&t->whole);
	uint64_t more = limit < whole && given ? raised(t, limit, free) : limit;
	bool rises = more > limit && atomic_compare_exchange_strong(&t->pool.limit, &limit, more);

	if (rises) {
		s->step *= 2;
		s->wait_us = PROBE_FIRST_US;
	} else {
		s->step = LEDGER_PAGE_SIZE;
		s->wait_us = s->wait_us * 2 < PROBE_LONGEST_US ? s->wait_us * 2 : PROBE_LONGEST_US;
	}
	s->probe_us = now_us + s->wait_us;
	if (atomic_load(&t->pool.limit) >= whole)
		atomic_store(&s->on, false);
	return rises;
}
