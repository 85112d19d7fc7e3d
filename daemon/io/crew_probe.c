// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The probe page: one page that hmmd takes itself on a tier and gives back at once. Only it tells a
 * machine that has no page from a client whose own file or control group refuses one. Fault service threads take
 * it, in the middle of a fault or because the loop asks, for it may take the kernel a while to find
 * one. A verdict holds for some milliseconds, so that nobody can make us zero pages all day long.
 */
#include <sys/eventfd.h>

#include "daemon/core/world.h"
#include "daemon/io/crew_threads.h"
#include "daemon/io/hugepages.h"
#include "daemon/io/schedule.h"

#define VERDICT_NS 10000000ULL	/* 10 ms: a hundred pages zeroed in a second at the most, 2 % of a CPU */

bool crew_more_pages(void *hand)
{
	struct crew_hand *h = hand;

	return hugepages_more(h->crew->daemon->hugepages, &h->raises_seen);
}

static bool take(struct crew_hand *h, unsigned int tier)
{
	struct crew_probe *p = &h->crew->probes[tier];
	bool given;

	mover_place(&h->mover, tier);
	do
		given = mech_try_page(h->mover.mech) == 0;
	while (!given && h->mover.more && h->mover.more(h));
	atomic_store(&p->given, given);
	atomic_store(&p->at_ns, crew_clock_ns());
	return given;
}

bool crew_probe(struct crew_hand *h, unsigned int tier)
{
	struct crew_probe *p = &h->crew->probes[tier];
	uint64_t at = atomic_load(&p->at_ns);

	if (at && crew_clock_ns() - at < VERDICT_NS)
		return atomic_load(&p->given);
	return take(h, tier);
}

void crew_probe_wanted(struct crew_hand *h)
{
	struct crew *c = h->crew;
	uint32_t wanted = atomic_load_explicit(&c->probes_wanted, memory_order_relaxed);

	if (!wanted)
		return;
	for (wanted = atomic_exchange(&c->probes_wanted, 0); wanted; wanted &= wanted - 1) {
		(void)take(h, (unsigned int)__builtin_ctz(wanted));
		atomic_fetch_or(&c->probes_taken, 1U << __builtin_ctz(wanted));
	}
	uv_async_send(&c->wake);
}

void crew_ask_probe(struct crew *c, unsigned int tier)
{
	atomic_fetch_or(&c->probes_wanted, 1U << tier);
	CREW_EACH(q, c)
		for (unsigned int i = 0; i < q->n_faultds; i++)
			eventfd_write(q->faultds[i].kick, 1);
}

void crew_probes_taken(struct crew *c)
{
	uint32_t taken = atomic_exchange(&c->probes_taken, 0);

	for (; taken; taken &= taken - 1)
		schedule_probed(c->daemon, (unsigned int)__builtin_ctz(taken),
				atomic_load(&c->probes[__builtin_ctz(taken)].given));
}
