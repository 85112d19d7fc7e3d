// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page words that an earlier daemon wrote. They are data from a file: a word is used only when its state
 * exists, its tier is of the kind that the state needs and its slot is on the device. What makes no sense
 * is decided by the memory itself: a page that is whole in the file is resident, any other is poisoned,
 * and never zeros.
 */
#include <errno.h>

#include "daemon/io/resume_own.h"
#include "daemon/io/session.h"

static bool on_device(const struct daemon *d, uint64_t word)
{
	const struct mover_device *device = &d->devices[page_word_tier(word)];

	return device->slots && page_word_slot(word) < slots_count(device->slots);
}

/*
 * What mover_recover() may see: a device that could not be opened counts as none. A slot beyond the device
 * is its business: then the contents are lost.
 */
static bool sensible(const struct daemon *d, unsigned int n_tiers, uint64_t word)
{
	const struct world *w = d->world;

	if (!page_word_sane(word, n_tiers))
		return false;
	switch (page_word_state(word)) {
	case PAGE_COMMITTING:
	case PAGE_DEVICE:
	case PAGE_FILLING:
		return d->devices[page_word_tier(word)].slots != NULL;
	case PAGE_ADOPTED:
		return false;
	case PAGE_ABSENT:
	case PAGE_POISONED:
		return true;
	case PAGE_DISCARDING:
		return d->devices[page_word_tier(word)].slots || tier_is_resident(&w->tiers[page_word_tier(word)]);
	default:
		return tier_is_resident(&w->tiers[page_word_tier(word)]);
	}
}

void resume_reserve(struct daemon *d, struct space *s, uint64_t addr, uint64_t pages)
{
	uint64_t vpn = addr >> LEDGER_PAGE_SHIFT, end = vpn + pages, seen;
	radix_word *word;
	int rc;

	for (; vpn < end; vpn++) {
		word = radix_find(&s->mirror, vpn);
		seen = word ? atomic_load_explicit(word, memory_order_acquire) : 0;
		rc = seen && sensible(d, d->world->n_tiers, seen) ? mover_reserve(d->devices, seen) : -ENOENT;
		if (rc == SLOTS_E_FULL)
			page_repair(word, PAGE_STATES, 0);
		else if (!rc && mover_has_slot(d->devices, seen))
			mover_own_slot(&d->devices[page_word_tier(seen)], page_word_slot(seen), s->client);
	}
}

void resume_release(struct daemon *d, struct space *s, uint64_t addr, uint64_t pages)
{
	uint64_t vpn = addr >> LEDGER_PAGE_SHIFT, end = vpn + pages, seen;
	radix_word *word;

	for (; vpn < end; vpn++) {
		word = radix_find(&s->mirror, vpn);
		seen = word ? atomic_load_explicit(word, memory_order_acquire) : 0;
		if (!seen)
			continue;
		page_repair(word, PAGE_ABSENT, 0);
		if (sensible(d, d->world->n_tiers, seen) && on_device(d, seen) && !d->devices[page_word_tier(seen)].fresh)
			mover_release(d->devices, seen);
	}
}

/* -EAGAIN: it cannot be told now, and nothing is made of it. */
static int repair(const struct daemon *d, struct range *r, uint64_t vpn, radix_word *word)
{
	struct mech_page page = mover_page(r, vpn << LEDGER_PAGE_SHIFT);
	int rc = d->mech->ops->present(d->mech, &page);

	if (rc < 0)
		return -EAGAIN;
	page_repair(word, rc ? PAGE_RESIDENT : PAGE_POISONED, atomic_load(&r->home));
	return 0;
}

static enum page_state state_of(const radix_word *word)
{
	return page_word_state(atomic_load_explicit(word, memory_order_acquire));
}

int resume_page(const struct daemon *d, struct mover *m, unsigned int n_tiers, struct range *r, uint64_t vpn)
{
	radix_word *word = space_word(r->space, vpn << LEDGER_PAGE_SHIFT);
	int rc = 0;

	if (!sensible(d, n_tiers, atomic_load_explicit(word, memory_order_acquire)))
		rc = repair(d, r, vpn, word);
	if (rc || mover_recover(m, r, vpn) == MOVER_E_UNKNOWN)
		return -EAGAIN;
	if (state_of(word) != PAGE_POISONED)
		return 0;
	mover_repoison(m, r, vpn);
	return 1;
}

/* One event for each run of pages. */
uint64_t resume_tell_lost(struct daemon *d, struct range *r)
{
	uint64_t vpn = range_first_vpn(r), end = vpn + range_pages(r), first, lost = 0;

	while (vpn < end) {
		for (first = vpn; vpn < end && state_of(space_word(r->space, vpn << LEDGER_PAGE_SHIFT)) == PAGE_POISONED;
		     vpn++)
			;
		lost += vpn - first;
		if (vpn > first)
			session_lost(d, r, first, vpn - first, "the contents did not outlive the restart of hmmd");
		else
			vpn++;
	}
	return lost;
}
