// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Faults that found no room: the thread that faulted stays asleep in the kernel, its message is kept here and
 * tried again when room was made somewhere, and by itself after a time that doubles while nothing helps.
 * A message that was read is never delivered again, so none may be thrown away: one that cannot be kept is
 * woken instead, and its threads fault anew. So that they do not do that in a circle, their client is not
 * read for a while (crew_park.c); and nobody's list keeps a thread from reading what others have to say.
 */
#include "daemon/core/space.h"
#include "daemon/io/crew_threads.h"
#include "daemon/mech/doors.h"

#define WAIT_FIRST_NS 1000000ULL	/* 1 ms: about the time of ten evictions */
#define WAIT_LONGEST_NS 1000000000ULL	/* 1 s */
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL
#define LONG_NS (WAIT_LONG_US * NSEC_PER_USEC)

static bool listed(const struct faultd *f, const struct range *r, uint64_t vpn)
{
	unsigned int i;

	for (i = 0; i < f->n_deferred; i++)
		if (f->deferred[i].range == r && f->deferred[i].vpn == vpn)
			return true;
	return false;
}

static unsigned int of_user(const struct faultd *f, uint32_t uid)
{
	unsigned int i, n = 0;

	for (i = 0; i < f->n_deferred; i++)
		n += f->deferred[i].range->space->uid == uid;
	return n;
}

static void send_back(struct faultd *f, struct range *r, uint64_t vpn)
{
	struct mech *mech = f->hand.mover.mech;
	struct mech_page page = mover_page(r, vpn << LEDGER_PAGE_SHIFT);

	mech->ops->wake(mech, &page);
}

static void keep(struct faultd *f, struct range *r, uint64_t vpn, uint64_t read_ns, enum wait_reason why)
{
	if (!f->n_deferred) {
		f->wait_ns = WAIT_FIRST_NS;
		f->retry_ns = crew_clock_ns() + WAIT_FIRST_NS;
		atomic_store(&f->waits, true);
	}
	pthread_mutex_lock(&f->listed);
	f->deferred[f->n_deferred++] = (struct deferred_fault){ .range = r, .vpn = vpn, .read_ns = read_ns, .why = why };
	pthread_mutex_unlock(&f->listed);
	atomic_fetch_add(&r->space->waiting.faults, 1);
	atomic_fetch_add(&f->hand.crew->deferred, 1);
}

void deferred_add(struct faultd *f, struct range *r, uint64_t vpn, uint64_t read_ns, enum wait_reason why)
{
	tally_add(&f->hand.tally.deferred, 1);
	if (listed(f, r, vpn)) {	/* one fill wakes them all */
		range_drop(r);
	} else if (f->n_deferred == DEFERRED_MAX || of_user(f, r->space->uid) >= DEFERRED_PER_USER) {
		crew_park(f, r->space, why);
		uffd_read_all(r->space->uffd, r->space->gate);	/* who unmaps memory does not wait for room */
		send_back(f, r, vpn);
		range_drop(r);
	} else {
		keep(f, r, vpn, read_ns, why);
	}
}

static void let_go(const struct deferred_fault *d)
{
	uint64_t now = crew_clock_ns();

	if (now - d->read_ns >= LONG_NS)
		waiting_was(&d->range->space->waiting, d->why, (now - d->read_ns) / NSEC_PER_USEC);
	atomic_fetch_sub(&d->range->space->waiting.faults, 1);
	range_drop(d->range);
}

/* What is over goes, the rest moves up. True: something went. */
static bool sweep(struct faultd *f)
{
	unsigned int i, left = 0, before = f->n_deferred;

	pthread_mutex_lock(&f->listed);
	for (i = 0; i < before; i++)
		if (f->deferred[i].over)
			let_go(&f->deferred[i]);
		else
			f->deferred[left++] = f->deferred[i];
	f->n_deferred = left;
	atomic_fetch_sub(&f->hand.crew->deferred, before - left);
	pthread_mutex_unlock(&f->listed);
	return left < before;
}

static void judge(struct faultd *f, struct deferred_fault *d, enum wait_reason why)
{
	pthread_mutex_lock(&f->listed);
	d->over = !why;
	d->why = why ? why : d->why;
	pthread_mutex_unlock(&f->listed);
}

void deferred_waits(struct faultd *f)
{
	unsigned int i;

	pthread_mutex_lock(&f->listed);
	for (i = 0; i < f->n_deferred; i++)
		if (!f->deferred[i].over)
			wait_sum_add(&f->deferred[i].range->space->waiting.now, 1, f->deferred[i].why,
				     f->deferred[i].read_ns / NSEC_PER_USEC);
	pthread_mutex_unlock(&f->listed);
}

/* Whoever wants the same room as one that has just found none need not try. */
struct vain {
	const struct account *account;
	unsigned int home;
	uint32_t reach;
	enum wait_reason why;
};

static enum wait_reason try_again(struct faultd *f, const struct deferred_fault *d, uint64_t now, struct vain *v)
{
	struct range *r = d->range;
	unsigned int home = atomic_load(&r->home);
	uint32_t reach = atomic_load_explicit(&r->reach, memory_order_relaxed);
	enum wait_reason why;

	if (atomic_load(&r->dying))
		return WAIT_NOTHING;
	if (atomic_load(&r->space->setback.try_ns) > now)
		return WAIT_OWN;
	if (v->account == r->space->account && v->home == home && v->reach == reach)
		return v->why;
	crew_at(&f->hand, r->space, d->vpn, d->read_ns, true);
	why = faultd_fill(f, r, d->vpn, d->read_ns);
	crew_at_none(&f->hand, r->space);
	if (why && why != WAIT_OWN)
		*v = (struct vain){ .account = r->space->account, .home = home, .reach = reach, .why = why };
	return why;
}

/* The oldest first. True: some do not wait any more. */
static bool try_all(struct faultd *f, uint64_t now)
{
	struct vain vain = { .account = NULL };
	unsigned int i;

	for (i = 0; i < f->n_deferred; i++)
		judge(f, &f->deferred[i], try_again(f, &f->deferred[i], now, &vain));
	return sweep(f);
}

/* When the next try is due: soon after room was made, but not for each page anew. */
static uint64_t due_ns(const struct faultd *f)
{
	uint64_t soon = f->pass_ns + WAIT_FIRST_NS;

	if (atomic_load(&f->hand.crew->changes) == f->changes_seen || soon > f->retry_ns)
		return f->retry_ns;
	return soon;
}

int deferred_timeout_ms(const struct faultd *f)
{
	uint64_t now, due;

	if (!f->n_deferred)
		return -1;
	now = crew_clock_ns();
	due = due_ns(f);
	return due > now ? (int)((due - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC) : 0;
}

void deferred_retry(struct faultd *f)
{
	uint64_t now, changes;

	if (!f->n_deferred)
		return;
	now = crew_clock_ns();
	if (now < due_ns(f))
		return;
	atomic_store(&f->told, false);
	changes = atomic_load(&f->hand.crew->changes);
	f->wait_ns = changes == f->changes_seen ? f->wait_ns * 2 : WAIT_FIRST_NS;
	f->changes_seen = changes;
	if (try_all(f, now))
		f->wait_ns = WAIT_FIRST_NS;
	if (f->wait_ns > WAIT_LONGEST_NS)
		f->wait_ns = WAIT_LONGEST_NS;
	f->pass_ns = now;
	f->retry_ns = now + f->wait_ns;
	atomic_store(&f->waits, f->n_deferred > 0);
}

void deferred_drop_dying(struct faultd *f)
{
	unsigned int i;

	for (i = 0; i < f->n_deferred; i++)
		if (atomic_load(&f->deferred[i].range->dying))
			judge(f, &f->deferred[i], WAIT_NOTHING);
	if (f->n_deferred)
		sweep(f);
}

void deferred_drop_all(struct faultd *f)
{
	unsigned int i;

	for (i = 0; i < f->n_deferred; i++)
		judge(f, &f->deferred[i], WAIT_NOTHING);
	sweep(f);
}
