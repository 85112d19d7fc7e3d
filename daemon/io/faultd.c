// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A fault service thread, of one user's clients. The thread that reads a message serves it: no hand-over, no lock, no malloc, no
 * waiting. A message for a page in somebody else's hands is dropped, and that is right only because the
 * owner of such a state wakes the whole huge page after it has stored the final state (mover.c); a thread
 * that began to wait before that is woken, one that comes later finds the page.
 *
 * At the top of the loop a thread holds nothing but its deferred faults, which hold their ranges; there it
 * acknowledges the loop's passing points, so the loop knows when nobody can still reach an object that was
 * taken out of the tables.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/core/space.h"
#include "daemon/io/crew_threads.h"
#include "daemon/mech/doors.h"

enum {
	FAULTD_EVENTS = 64,	/* userfaultfds looked at in one pass */
	FAULTD_BATCH = 16	/* messages read at once: more would wait here while another thread is idle */
};
#define NSEC_PER_USEC 1000ULL
#define LONG_NS (WAIT_LONG_US * NSEC_PER_USEC)
#define FAULTD_SPIN_NS 50000ULL	/* 50 us: going to sleep and waking up costs as much on an idle machine */

enum wait_reason faultd_fill(struct faultd *f, struct range *r, uint64_t vpn, uint64_t read_ns)
{
	struct crew_tally *t = &f->hand.tally;
	uint64_t word = atomic_load_explicit(space_word(r->space, vpn << LEDGER_PAGE_SHIFT), memory_order_acquire);
	bool zero = page_word_state(word) == PAGE_ABSENT;
	enum wait_reason wait = WAIT_NOTHING;
	int rc = crew_bring_in(&f->hand, r, vpn, true, &wait);
	uint64_t took;

	if (wait == WAIT_OWN)
		setback_try(&r->space->setback, crew_clock_ns());
	if (rc != MOVER_DONE)
		return wait;
	crew_came_in(f->hand.crew, r->space);
	took = crew_clock_ns() - read_ns;
	latency_add(&t->latency, took);
	if (took >= LONG_NS)
		waiting_was(&r->space->waiting, WAIT_PAGE, took / NSEC_PER_USEC);
	tally_add(zero ? &t->zeros : &t->fills, 1);
	tally_add(&t->filled, !zero);
	crew_note(&f->hand, r, vpn, NOTE_ANSWERED, zero ? FAULT_ZERO : FAULT_FILL);
	crew_read_ahead(&f->hand, r, vpn);
	return WAIT_NOTHING;
}

static void abort_eviction(struct faultd *f, struct range *r, uint64_t vpn)
{
	if (mover_abort(&f->hand.mover, r, vpn) != MOVER_DONE)
		return;
	tally_add(&f->hand.tally.aborts, 1);
	atomic_fetch_add_explicit(&r->space->aborted_dirty, 1, memory_order_relaxed);
	crew_note(&f->hand, r, vpn, NOTE_ANSWERED, FAULT_ABORT);
}

/* The range is held; what is deferred takes the hold along. */
static void answer(struct faultd *f, struct range *r, const struct uffd_fault *q, uint64_t read_ns)
{
	struct crew_tally *t = &f->hand.tally;
	uint64_t vpn = q->addr >> LEDGER_PAGE_SHIFT;
	enum fault_answer a = fault_answer(atomic_load_explicit(space_word(r->space, q->addr), memory_order_acquire),
					   q->write_protect);
	enum wait_reason wait = WAIT_NOTHING;

	if (a == FAULT_DROP) {
		tally_add(&t->dropped, 1);
		crew_met(&f->hand, r->space, vpn, read_ns);
		range_drop(r);
		return;
	}
	tally_add(&t->faults, 1);
	atomic_fetch_add_explicit(&r->space->faults, 1, memory_order_relaxed);
	if (a == FAULT_ZERO || a == FAULT_FILL)
		wait = atomic_load(&r->space->setback.try_ns) > read_ns ? WAIT_OWN : faultd_fill(f, r, vpn, read_ns);
	if (wait) {
		deferred_add(f, r, vpn, read_ns, wait);
		return;
	}
	if (a == FAULT_ABORT)
		abort_eviction(f, r, vpn);
	if (a == FAULT_CHECK) {
		tally_add(&t->checks, 1);
		mover_check(&f->hand.mover, r, vpn);
	}
	if (a == FAULT_POISON) {
		tally_add(&t->poisons, 1);
		mover_repoison(&f->hand.mover, r, vpn);
	}
	range_drop(r);
}

/* An address that belongs to nobody, or no longer: unmapping wakes who waits there. */
static void serve_one(struct faultd *f, struct space *s, const struct uffd_fault *q, uint64_t read_ns)
{
	struct range *r = space_owner(s, q->addr);

	crew_at(&f->hand, s, q->addr >> LEDGER_PAGE_SHIFT, read_ns, false);
	if (r && range_hold(r))
		answer(f, r, q, read_ns);
	else
		tally_add(&f->hand.tally.dropped, 1);
}

/* Its client is gone, or has made it blocking, which would stop this thread: it is not looked at again. */
static void give_up(struct faultd *f, struct space *s)
{
	setback_unread(&s->setback, WAIT_BLOCKING, crew_clock_ns());
	epoll_ctl(f->epoll, EPOLL_CTL_DEL, s->uffd, NULL);
}

/* False: another thread was faster, or there is nobody behind it any more. */
static bool serve(struct faultd *f, struct space *s, uint32_t events)
{
	struct uffd_fault faults[FAULTD_BATCH];
	size_t n = 0, i;
	uint64_t read_ns;
	int rc;

	if (events & (EPOLLERR | EPOLLHUP)) {
		give_up(f, s);
		return false;
	}
	rc = uffd_read(s->uffd, s->gate, faults, FAULTD_BATCH, &n);
	if (rc == UFFD_E_SHUT) {
		crew_park(f, s, WAIT_SHUT);
		return false;
	}
	if (rc < 0) {
		if (rc != -EAGAIN && rc != -EINTR)
			give_up(f, s);
		return false;
	}
	setback_opened(&s->setback);
	read_ns = crew_clock_ns();
	for (i = 0; i < n; i++)
		serve_one(f, s, &faults[i], read_ns);
	crew_at_none(&f->hand, s);
	return n > 0;
}

static void acknowledge(struct faultd *f)
{
	uint64_t pass = atomic_load(&f->hand.squad->pass);

	if (atomic_load_explicit(&f->passed, memory_order_relaxed) == pass)
		return;
	deferred_drop_dying(f);
	atomic_store(&f->passed, pass);
	uv_async_send(&f->hand.crew->wake);
}

static void drain_kick(struct faultd *f)
{
	eventfd_t n;

	eventfd_read(f->kick, &n);
}

/* True when something was served: only then it is worth staying awake. */
static bool turn(struct faultd *f, int timeout_ms)
{
	struct epoll_event events[FAULTD_EVENTS];
	bool served = false;
	int n, i;

	atomic_store_explicit(&f->at_work, false, memory_order_relaxed);
	n = epoll_wait(f->epoll, events, FAULTD_EVENTS, timeout_ms);
	atomic_store_explicit(&f->at_work, true, memory_order_relaxed);
	tally_add(&f->turns, 1);
	for (i = 0; i < n; i++) {
		if (!events[i].data.ptr) {
			drain_kick(f);
		} else {
			served |= serve(f, events[i].data.ptr, events[i].events);
		}
	}
	return served;
}

void *faultd_main(void *faultd)
{
	struct faultd *f = faultd;
	uint64_t spin_until = 0;
	sigset_t nudge;

	sigemptyset(&nudge);
	sigaddset(&nudge, CREW_NUDGE);
	pthread_sigmask(SIG_UNBLOCK, &nudge, NULL);

	for (;;) {
		acknowledge(f);
		if (atomic_load(&f->hand.squad->leave))
			break;
		if (turn(f, crew_clock_ns() < spin_until ? 0 : deferred_timeout_ms(f)))
			spin_until = crew_clock_ns() + FAULTD_SPIN_NS;
		crew_probe_wanted(&f->hand);
		deferred_retry(f);
	}
	deferred_drop_all(f);
	return NULL;
}
