// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moves by hand that do not last. Each such page holds for its policy's min-residency; when something else than a touch
 * then takes it elsewhere, the client hears of the pages (Moved), and of why once a second, as everybody who listens. Of
 * a user with many clients one is named and the bytes of the others are added up, so that nobody fills the log.
 */
#include <stdio.h>

#include "daemon/core/adopted.h"
#include "daemon/io/daemon.h"
#include "daemon/io/schedule_own.h"

static const char *const words[] = {
	[UNDONE_ROOM] = "others needed the room",
	[UNDONE_POLICY] = "the policy found it warmer than what lies there",
	[UNDONE_DRAIN] = "the tier is being drained",
	[UNDONE_KERNEL] = "the kernel moved it, see hmmctl doctor",
};

enum undone schedule_why(const struct move *m)
{
	return m->kind == MOVE_LOOK ? UNDONE_KERNEL : m->reason == REASON_DRAIN ? UNDONE_DRAIN : m->reason == REASON_POLICY ? UNDONE_POLICY : UNDONE_ROOM;
}

static void undone(struct daemon *d, struct range *r, uint64_t vpn, unsigned int from, enum undone why)
{
	struct space *s = r->space;

	schedule_moved(d, 0, r, vpn, 1);
	s->undone[why] += range_clip(r, vpn, 1);
	s->undone_from[why] = (uint8_t)from;
	s->undone_to[why] = (uint8_t)page_word_tier(adopted_word(r, vpn));
}

void schedule_left(struct daemon *d, struct range *r, uint64_t vpn, enum undone why)
{
	unsigned int from;

	if (range_undone(r, vpn, &from))
		undone(d, r, vpn, from, why);
}

static bool is_drained(const struct daemon *d, unsigned int tier)
{
	return d->world->tiers[tier].state == TIER_DRAINING;
}

/*
 * Adopted memory that nobody watches has a word only where somebody has moved it; it is followed from there, and told
 * once. What was seen while something was moved may be of that; what a tier loses that is being emptied is of the drain.
 */
void schedule_found(struct daemon *d, const struct move *m, uint64_t pages)
{
	struct range *r = m->range;
	uint64_t word;

	if (m->given != r->given || atomic_load(&r->dying))
		return;
	for (uint64_t vpn = m->vpn; pages; vpn++, pages >>= 1) {
		word = adopted_word(r, vpn);
		if (!(pages & 1))
			continue;
		if (r->kind == RANGE_MANAGED)
			schedule_left(d, r, vpn, UNDONE_KERNEL);
		else if (page_word_state(word) == PAGE_ADOPTED && !adopted_moved(r, vpn, 1, m->tier, false) && (word & PAGE_HAND))
			undone(d, r, vpn, page_word_tier(word), is_drained(d, page_word_tier(word)) ? UNDONE_DRAIN : UNDONE_KERNEL);
	}
}

static void tell_one(struct daemon *d, const struct space *s, enum undone why)
{
	const struct tier *tiers = d->world->tiers;

	daemon_client_event(d, EVENT_INFO, s->client, "client %llu (pid %d): %llu KiB moved to %s by hand went on to %s: %s",
			    (unsigned long long)s->client, (int)s->pid, (unsigned long long)s->undone[why] >> 10,
			    tiers[s->undone_from[why]].config.name, tiers[s->undone_to[why]].config.name, words[why]);
}

static void tell(struct daemon *d, struct space *s, enum undone why)
{
	struct account *a = s->account;

	if (!s->undone[why])
		return;
	if (a->undone_told++)
		a->undone_more += s->undone[why];
	else
		tell_one(d, s, why);
	s->undone[why] = 0;
}

static void tell_more(struct daemon *d, struct account *a)
{
	if (a->undone_more)
		daemon_event(d, EVENT_INFO, "uid %u: %llu KiB more moved by hand went on to other tiers", a->uid,
			     (unsigned long long)a->undone_more >> 10);
	a->undone_told = 0;
	a->undone_more = 0;
}

void schedule_tell_undone(struct daemon *d)
{
	LIST_EACH(node, &d->world->spaces)
		for (unsigned int why = 0; why < UNDONE_REASONS; why++)
			tell(d, container_of(node, struct space, in_world), (enum undone)why);
	LIST_EACH(node, &d->world->accounts)
		tell_more(d, container_of(node, struct account, in_world));
}
