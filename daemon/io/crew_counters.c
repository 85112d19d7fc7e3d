// SPDX-License-Identifier: GPL-2.0-or-later
/* The sum of what the threads counted; each count is written by one thread alone. */
#include <string.h>

#include "daemon/io/crew_threads.h"

static uint64_t get(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

static void add(struct crew_counters *sum, const struct crew_tally *t)
{
	sum->faults += get(&t->faults);
	sum->fills += get(&t->fills);
	sum->zeros += get(&t->zeros);
	sum->aborts += get(&t->aborts);
	sum->checks += get(&t->checks);
	sum->poisons += get(&t->poisons);
	sum->dropped += get(&t->dropped);
	sum->deferred += get(&t->deferred);
	sum->direct_evictions += get(&t->direct_evictions);
	sum->filled_bytes += get(&t->filled) * LEDGER_PAGE_SIZE;
	sum->prefetched_bytes += get(&t->prefetched) * LEDGER_PAGE_SIZE;
	sum->evicted_bytes += get(&t->evicted) * LEDGER_PAGE_SIZE;
	sum->node_moved_bytes += get(&t->node_moved);
	sum->lost_pages += get(&t->lost);
	latency_merge(&sum->latency, &t->latency);
}

void crew_counters(const struct crew *c, struct crew_counters *ret)
{
	unsigned int i;

	memset(ret, 0, sizeof(*ret));
	CREW_EACH(q, c) {
		for (i = 0; i < q->n_faultds; i++)
			add(ret, &q->faultds[i].hand.tally);
		for (i = 0; i < q->n_workers; i++)
			add(ret, &q->workers[i].hand.tally);
	}
}
