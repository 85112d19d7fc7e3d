// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Faults that found no room: the thread that faulted stays asleep in the kernel, its message is kept
 * here and tried again every millisecond, until somebody's eviction or exit makes room. A message that
 * was read is never delivered again, so none may be thrown away: a page that cannot be kept in the list
 * is woken instead, and its threads fault anew.
 */
#include "daemon/core/space.h"
#include "daemon/io/crew_threads.h"

#define DEFERRED_WAIT_NS 1000000ULL	/* 1 ms: about the time of ten evictions */
#define NSEC_PER_USEC 1000ULL

static bool listed(const struct faultd *f, const struct range *r, uint64_t vpn)
{
	unsigned int i;

	for (i = 0; i < f->n_deferred; i++)
		if (f->deferred[i].range == r && f->deferred[i].vpn == vpn)
			return true;
	return false;
}

static unsigned int of_space(const struct faultd *f, const struct space *s)
{
	unsigned int i, n = 0;

	for (i = 0; i < f->n_deferred; i++)
		n += f->deferred[i].range->space == s;
	return n;
}

static void send_back(struct faultd *f, struct range *r, uint64_t vpn)
{
	struct mech *mech = f->hand.mover.mech;
	uint64_t addr = vpn << LEDGER_PAGE_SHIFT;
	struct mech_page page = { .uffd = r->space->uffd, .file = r->backing, .addr = addr, .offset = range_offset(r, addr) };

	mech->ops->wake(mech, &page);
}

void deferred_add(struct faultd *f, struct range *r, uint64_t vpn, uint64_t read_ns, enum wait_reason why)
{
	tally_add(&f->hand.tally.deferred, 1);
	if (listed(f, r, vpn)) {	/* one fill wakes them all */
		range_drop(r);
		return;
	}
	if (f->n_deferred == DEFERRED_MAX || of_space(f, r->space) >= DEFERRED_PER_SPACE) {
		send_back(f, r, vpn);
		range_drop(r);
		return;
	}
	if (!f->n_deferred)
		f->retry_ns = crew_clock_ns() + DEFERRED_WAIT_NS;
	f->deferred[f->n_deferred++] = (struct deferred_fault){ .range = r, .vpn = vpn, .read_ns = read_ns };
	waiting_begin(&r->space->waiting, why, read_ns / NSEC_PER_USEC);
}

static void let_go(struct faultd *f, unsigned int i)
{
	waiting_end(&f->deferred[i].range->space->waiting);
	range_drop(f->deferred[i].range);
	f->deferred[i] = f->deferred[--f->n_deferred];
}

void deferred_retry(struct faultd *f)
{
	uint64_t now = crew_clock_ns();
	unsigned int i;

	if (!f->n_deferred || now < f->retry_ns)
		return;
	f->retry_ns = now + DEFERRED_WAIT_NS;
	for (i = f->n_deferred; i-- > 0;) {
		const struct deferred_fault *d = &f->deferred[i];
		enum wait_reason wait = WAIT_NOTHING;

		if (!atomic_load(&d->range->dying))
			wait = faultd_fill(f, d->range, d->vpn, d->read_ns);
		if (wait)
			waiting_still(&d->range->space->waiting, wait);
		else
			let_go(f, i);
	}
}

void deferred_drop_dying(struct faultd *f)
{
	unsigned int i;

	for (i = f->n_deferred; i-- > 0;)
		if (atomic_load(&f->deferred[i].range->dying))
			let_go(f, i);
}

void deferred_drop_all(struct faultd *f)
{
	while (f->n_deferred)
		let_go(f, f->n_deferred - 1);
}
