// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * When no daemon will serve a managed range again. Pages that are only on a device become SIGBUS,
 * never zeros; all others become ordinary shared memory again: unregistering wakes whoever waits
 * there, lifts write protection, and lets pages that were never touched read as zeros. Where the
 * kernel cannot make a page raise SIGBUS (before 6.6) that page stays registered, and who touches
 * it waits.
 */
#include <sys/stat.h>

#include "libclient/client.h"
#include "libclient/uffd.h"
#include "proto/ledger.h"

/* Whether the page's contents may be on a device alone. Without a ledger nobody can tell. */
static bool may_be_away(struct hmm_client *c, uint64_t vpn)
{
	uint64_t word;

	if (!ledger_word(&c->ledger, vpn, &word))
		return c->ledger.words == NULL;
	switch (page_word_state(word)) {
	case PAGE_COMMITTING:
	case PAGE_DEVICE:
	case PAGE_FILLING:
	case PAGE_POISONED:
		return true;
	default:
		return false;
	}
}

static size_t backing_page(const struct hmm_range *r)
{
	struct stat st;

	return fstat(r->fd, &st) == 0 && st.st_blksize > 0 ? (size_t)st.st_blksize
							   : LEDGER_PAGE_SIZE;
}

/* One run of pages that are alike. */
static void settle_run(struct hmm_range *r, size_t off, size_t len, bool away, size_t page)
{
	if (away && uffd_poison(r->uffd, r->addr + off, len, page) < 0)
		return;
	uffd_unregister(r->uffd, r->addr + off, len);
}

static void settle_memory(struct hmm_client *c, struct hmm_range *r)
{
	uint64_t first = (uintptr_t)r->addr >> LEDGER_PAGE_SHIFT,
		 pages = r->size >> LEDGER_PAGE_SHIFT;
	size_t page = backing_page(r);

	for (uint64_t i = 0, end; i < pages; i = end) {
		bool away = may_be_away(c, first + i);

		for (end = i + 1; end < pages && may_be_away(c, first + end) == away;)
			end++;
		settle_run(r, i << LEDGER_PAGE_SHIFT, (end - i) << LEDGER_PAGE_SHIFT, away, page);
	}
}

void lost_range(struct hmm_client *c, struct hmm_range *r)
{
	if (!r->managed || r->lost)
		return;
	r->lost = true;
	range_set_id(&c->ranges, r, 0);
	if (!(c->flags & HMM_CLIENT_KEEP_WAITING))
		settle_memory(c, r);
}

bool lost_may(const struct hmm_client *c)
{
	const struct hmm_range *r = c->ranges.first;

	while (r && (!r->managed || r->lost))
		r = r->next;
	return !r || ledger_take(&c->ledger);
}

void lost_all(struct hmm_client *c, const char *text, bool final)
{
	for (struct hmm_range *r = c->ranges.first; r; r = r->next) {
		struct hmm_event event = {
			.type = HMM_EVENT_LOST, .range = r, .length = r->size, .text = text
		};

		if (r->managed && !r->lost)
			work_event(c, &event);
		if (final && r->managed)
			lost_range(c, r);
		else if (final)
			range_set_id(&c->ranges, r, 0);
	}
	if (final)
		c->uffd = uffd_unref(c->uffd);
}
