// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page words that an earlier daemon wrote. They are data from a file: a word is used only when its state
 * exists, its tier is of the kind that the state needs and its slot is on the device. What makes no sense
 * is decided by the memory itself: a page that is whole in the file is resident, any other is poisoned,
 * and never zeros.
 */
#include <errno.h>

#include "daemon/io/pin.h"
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
static bool sensible(const struct daemon *d, uint64_t word)
{
	const struct world *w = d->world;

	if (!page_word_sane(word, w->n_tiers))
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
		rc = seen && sensible(d, seen) ? mover_reserve(d->devices, seen) : -ENOENT;
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
		if (sensible(d, seen) && on_device(d, seen) && !d->devices[page_word_tier(seen)].fresh)
			mover_release(d->devices, seen);
	}
}

static void repair(struct daemon *d, struct range *r, uint64_t vpn, radix_word *word)
{
	struct mech_page page = { .uffd = r->space->uffd, .file = r->backing, .addr = vpn << LEDGER_PAGE_SHIFT,
				  .offset = range_offset(r, vpn << LEDGER_PAGE_SHIFT) };

	page_repair(word, d->mech->ops->present(d->mech, &page) == 1 ? PAGE_RESIDENT : PAGE_POISONED,
		    atomic_load(&r->home));
}

static enum page_state state_of(const radix_word *word)
{
	return page_word_state(atomic_load_explicit(word, memory_order_acquire));
}

/* 1: the contents of the page are gone. */
static int recover_page(struct daemon *d, struct mover *m, struct range *r, uint64_t vpn)
{
	radix_word *word = space_word(r->space, vpn << LEDGER_PAGE_SHIFT);

	if (!sensible(d, atomic_load_explicit(word, memory_order_acquire)))
		repair(d, r, vpn, word);
	mover_recover(m, r, vpn);
	if (state_of(word) != PAGE_POISONED)
		return 0;
	mover_repoison(m, r, vpn);
	return 1;
}

int resume_pages(struct daemon *d, struct resume *w, struct range *r, uint64_t *ret_lost)
{
	uint64_t vpn = range_first_vpn(r), end = vpn + range_pages(r), lost = 0;
	struct mover m;
	int rc = mover_init(&m, d->mech, d->devices, d->numa);

	if (rc < 0)
		return rc;
	pins_settle(r, w->presume);
	for (; vpn < end; vpn++)
		lost += (uint64_t)recover_page(d, &m, r, vpn);
	mover_done(&m);
	*ret_lost = lost;
	return 0;
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
