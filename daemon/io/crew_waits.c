// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who waits at the threads. A fault that found no room is on a thread's list, one that was not read belongs to
 * a client that is left alone for a while. The others are being served, or met a page that some thread is in
 * the middle of moving: so each thread says at which page it is, and a fault that meets such a page leaves a
 * mark with it. All of that is a few stores beside a fault; the loop puts it together when somebody asks.
 */
#include "daemon/core/world.h"
#include "daemon/io/crew_threads.h"

#define NSEC_PER_USEC 1000ULL
#define STUCK_NS 5000000000ULL	/* 5 s: nobody may be asleep at the page, but a move never takes so long */

void crew_at(struct crew_hand *h, const struct space *s, uint64_t vpn, uint64_t since_ns, bool asked)
{
	struct crew_at *at = &h->at;

	atomic_store_explicit(&at->met_ns, 0, memory_order_relaxed);
	atomic_store_explicit(&at->vpn, vpn, memory_order_relaxed);
	atomic_store_explicit(&at->since_ns, since_ns, memory_order_relaxed);
	atomic_store_explicit(&at->began_ns, crew_clock_ns(), memory_order_relaxed);
	atomic_store_explicit(&at->asked, asked, memory_order_relaxed);
	atomic_store_explicit(&at->client, s->client, memory_order_release);
}

/* When somebody met it there: ns, 0 else. A mark that came too late names another page. */
static uint64_t met_ns(const struct crew_at *at)
{
	uint64_t ns = atomic_load_explicit(&at->met_ns, memory_order_acquire);

	return ns && atomic_load(&at->met_vpn) == atomic_load(&at->vpn) ? ns : 0;
}

void crew_at_none(struct crew_hand *h, struct space *s)
{
	uint64_t met = met_ns(&h->at), now;

	atomic_store_explicit(&h->at.client, 0, memory_order_release);
	if (!met)
		return;
	now = crew_clock_ns();
	if (now >= met + WAIT_LONG_US * NSEC_PER_USEC)
		waiting_was(&s->waiting, WAIT_MOVE, (now - met) / NSEC_PER_USEC);
}

static bool is_at(const struct crew_at *at, const struct space *s, uint64_t vpn)
{
	return atomic_load_explicit(&at->client, memory_order_relaxed) == s->client &&
	       atomic_load_explicit(&at->vpn, memory_order_relaxed) == vpn;
}

static void meet(struct crew_at *at, const struct space *s, uint64_t vpn, uint64_t read_ns)
{
	if (!is_at(at, s, vpn) || met_ns(at))
		return;
	atomic_store(&at->met_vpn, vpn);
	atomic_store_explicit(&at->met_ns, read_ns, memory_order_release);
}

void crew_met(struct crew_hand *h, const struct space *s, uint64_t vpn, uint64_t read_ns)
{
	struct squad *q = h->squad;
	unsigned int i;

	for (i = 0; i < q->n_workers; i++)
		meet(&q->workers[i].hand.at, s, vpn, read_ns);
	for (i = 0; i < q->n_faultds; i++)
		if (&q->faultds[i].hand != h)
			meet(&q->faultds[i].hand.at, s, vpn, read_ns);
}

static void add_hand(const struct crew_at *at, bool faults, const struct space *s, uint64_t now, struct wait_sum *sum)
{
	uint64_t since, met;

	if (atomic_load_explicit(&at->client, memory_order_acquire) != s->client)
		return;
	since = atomic_load(&at->since_ns);
	met = met_ns(at);
	if (faults && !atomic_load(&at->asked))
		wait_sum_add(sum, 1, WAIT_PAGE, since / NSEC_PER_USEC);
	if (met)
		wait_sum_add(sum, 1, WAIT_MOVE, met / NSEC_PER_USEC);
	else if (!faults && atomic_load(&at->asked) && now > since + STUCK_NS)
		wait_sum_add(sum, 1, WAIT_OPERATION, since / NSEC_PER_USEC);
}

/* At least one thread does, or its faults would have been read. */
static void add_unread(const struct space *s, struct wait_sum *sum)
{
	const struct setback *b = &s->setback;
	uint64_t since = atomic_load(&b->since_ns);
	enum wait_reason why = atomic_load(&b->why);

	/* Where it is tried at times only a success ends it. */
	if (since && (atomic_load(&b->parked) || why == WAIT_BLOCKING || why == WAIT_SHUT))
		wait_sum_add(sum, 1, why, since / NSEC_PER_USEC);
}

static void add_hands(const struct squad *q, const struct space *s, uint64_t now, struct wait_sum *sum)
{
	unsigned int i;

	for (i = 0; i < q->n_faultds; i++)
		add_hand(&q->faultds[i].hand.at, true, s, now, sum);
	for (i = 0; i < q->n_workers; i++)
		add_hand(&q->workers[i].hand.at, false, s, now, sum);
}

void crew_waits(struct crew *c)
{
	uint64_t now = crew_clock_ns();

	CREW_EACH(q, c)
		for (unsigned int i = 0; i < q->n_faultds; i++)
			if (atomic_load(&q->faultds[i].waits))
				deferred_waits(&q->faultds[i]);
	LIST_EACH(node, &c->daemon->world->spaces) {
		struct space *s = container_of(node, struct space, in_world);

		add_unread(s, &s->waiting.now);
		if (s->squad)
			add_hands(s->squad, s, now, &s->waiting.now);
	}
}
