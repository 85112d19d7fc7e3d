/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the crew, for crew*.c, squad.c, faultd.c, deferred.c, room.c and worker.c alone.
 *
 * Each user has a squad: fault service threads and workers that touch the address spaces and files of that
 * user's clients and of nobody else, with queues of their own. A client can keep whoever touches it waiting, by
 * holding its own memory map's lock or with a file system that does not answer; it keeps its own user's threads.
 *
 * Who may touch what. The rings are the only way between threads for data; a field is fixed before the
 * threads start, or atomic, or belongs to one thread, and says so. Moves are counted when they are
 * handed in and again when the loop has taken the result, so neither the queues nor the results can
 * overflow. Read-ahead has a queue and an allowance of its own: it is wanted sooner than background
 * moves and must never take their room away.
 */
#ifndef HMMD_IO_CREW_THREADS_H
#define HMMD_IO_CREW_THREADS_H

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <uv.h>
#include "daemon/base/list.h"
#include "daemon/base/ring.h"
#include "daemon/core/wait.h"
#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/mech/mover.h"

enum {
	CREW_SQUADS = 32,		/* users with threads of their own at a time; more of them share */
	CREW_NEIGHBOURS = 64,		/* evictions of a squad's pages for others' faults on their way; power of two */
	CREW_AHEAD = 256,		/* read-ahead moves on their way; power of two */
	CREW_RESULTS = CREW_QUEUE * 2,	/* moves of both queues, rounded up to a power of two */
	CREW_NOTES = 4096,		/* notes between two ticks of 100 ms: 40,000 faults a second */
	CREW_NOTES_SPARE = 512,		/* of these, kept for pages that were lost: heat is advisory, a loss is not */
	DEFERRED_MAX = 512,		/* faults of one thread that wait for room */
	DEFERRED_PER_USER = 64,		/* of these, of one uid; more stay unread in the kernel */
	ROOM_TRIES = 8,			/* evictions for one page before it is put off */
	CREW_NUDGE = SIGURG,		/* ends a read that sleeps; ignored by default, and nobody else's */
	CREW_LOOKS = 256		/* a look waits for its program, and seldom for another one's: 10 KiB */
};

struct crew_result {
	struct move move;
	uint32_t moved, already, busy, failed;	/* of a span: base pages */
	uint32_t no_room;			/* of those that did not move */
	uint32_t untouched;			/* of those that count as already there */
	uint32_t left;				/* of a span: base pages at its end that the worker had no time for */
	uint8_t outcome;			/* of a page: enum move_outcome */
	uint8_t span;
	uint64_t whole;				/* of what leaves a tier: a bit for each of its CREW_WHOLE huge pages that went */
};

/* Written by one thread, read by the loop. */
struct crew_tally {
	_Atomic uint64_t faults, fills, zeros, aborts, checks, poisons, dropped, deferred, direct_evictions;
	_Atomic uint64_t filled, prefetched, evicted, lost;	/* huge pages */
	_Atomic uint64_t node_moved;				/* bytes */
	struct latency latency;
};

/* The page that a thread is at, and who met it there. Written by the thread, `met` by fault threads; read by the loop. */
struct crew_at {
	_Atomic uint64_t client, vpn, since_ns;	/* client 0: at none; who waits there has since then */
	_Atomic uint64_t began_ns;		/* the thread itself is there since then */
	_Atomic uint64_t met_vpn, met_ns;	/* that page was touched meanwhile */
	_Atomic bool asked;			/* of a worker: somebody waits for the operation; of a fault thread: the fault is listed */
};

/* What every thread of the crew has. */
struct crew_hand {
	struct crew *crew;		/* fixed */
	struct squad *squad;		/* fixed */
	pthread_t thread;		/* loop */
	bool running;			/* loop: has a thread that was not joined */
	struct mover mover;		/* the thread's */
	uint64_t raises_seen;		/* the thread's: of the overcommit of huge pages */
	struct crew_tally tally;
	struct crew_at at;
};

struct deferred_fault {
	struct range *range;		/* held */
	uint64_t vpn, read_ns;
	enum wait_reason why;
	bool over;			/* to be let go */
};

struct crew_probe {			/* of one tier; any thread */
	_Atomic uint64_t at_ns;		/* when a page was last tried */
	_Atomic bool given;
};

struct faultd {				/* one fault service thread */
	struct crew_hand hand;
	int epoll, kick;		/* fixed */
	_Atomic uint64_t passed;	/* written by the thread: the last pass it has acknowledged */
	pthread_mutex_t listed;		/* held by the thread to change what is deferred, by the loop to look at it */
	struct deferred_fault deferred[DEFERRED_MAX];	/* the thread's */
	unsigned int n_deferred;	/* the thread's */
	uint64_t retry_ns, wait_ns, pass_ns;	/* the thread's: the next try of the deferred ones, the time between two, the last */
	uint64_t changes_seen;		/* the thread's: of the crew's */
	_Atomic uint64_t turns;		/* written by the thread: how often it has looked for work */
	_Atomic bool at_work;		/* written by the thread: it is not asleep for want of work */
	uint64_t turns_seen, seen_us;	/* loop: crew_watch.c */
	_Atomic bool waits, told;	/* it has deferred faults; it was kicked for them and has not looked yet */
};

struct worker {
	struct crew_hand hand;
	uint64_t slice_ends_ns;		/* the thread's: then it gives back what is left of a span; 0: never */
};
bool worker_time_is_over(const struct worker *w);

struct squad {				/* the threads of one user */
	struct crew *crew;		/* fixed */
	uint32_t uid;			/* loop: whose, while it has spaces; without any it is free for the next user */
	unsigned int spaces;		/* loop */
	unsigned int n_faultds, n_workers;	/* fixed while threads run */
	struct faultd *faultds;		/* fixed */
	struct worker *workers;		/* fixed */
	struct ring *neighbours, *ahead, *jobs;	/* many to many; who faults waits for the first, so they go first */
	struct ring *results, *notes;	/* the same */
	sem_t work;			/* posted once after every push to one of the former three */
	pthread_mutex_t looks[CREW_LOOKS];	/* by range: held from looking at adopted memory to booking it */
	_Atomic uint32_t busy, busy_ahead, busy_neighbours;	/* moves handed in whose result the loop has not taken */
	_Atomic bool leave;		/* set by the loop: threads leave */
	bool gone;			/* loop: its threads have ended, nobody is left to pass */
	_Atomic uint64_t pass;		/* written by the loop: the pass to acknowledge */
	struct list_node waiters;	/* loop: of struct crew_waiter, oldest first */
};

struct crew {
	struct daemon *daemon;		/* fixed; threads read only what is fixed in it (mech, devices, numa) */
	struct squad *squads[CREW_SQUADS];	/* written by the loop before it counts them; they stay until the end */
	_Atomic unsigned int n_squads;
	uv_async_t wake;		/* any thread */
	_Atomic bool stay;		/* set by the loop: workers evict nothing to make room */
	_Atomic bool sealed;		/* set by the loop: nor does anybody else */
	_Atomic bool noted;		/* a note lies there since the last tick; the loop was told once */
	_Atomic bool parked;		/* some client is */
	unsigned int stuck;		/* loop: fault service threads that do not get on */
	bool all_stuck;			/* loop: those of several users, and no other is left */
	_Atomic bool wants_victims;	/* a pool ran short; the loop was told */
	_Atomic uint64_t changes;	/* how often room was made somewhere */
	_Atomic uint32_t deferred;	/* faults put off, of all threads */
	_Atomic uint32_t passed_on;	/* evictions under way for them by other users' workers: no more than those need */
	struct crew_probe probes[HMM_LIMIT_TIERS];
	_Atomic uint32_t probes_wanted, probes_taken;	/* by tier: asked for by the loop, taken by a thread */
};

/* squad.c. The first of a crew is made at the start. -ENOMEM, -EAGAIN: no more threads. Loop thread. */
int squad_new(struct squad **ret, struct crew *c);
void squad_dismiss(struct squad *q);			/* its threads leave after their current page */
bool squad_join(struct squad *q, const struct timespec *until);	/* NULL: however long; false: some are still in a client's memory */
struct squad *squad_free(struct squad *q);		/* joined; its queues are empty */
/* The squad that serves the space, one for its user chosen at the first call. Loop thread. */
struct squad *crew_squad(struct crew *c, struct space *s);
/* For all squads, from any thread. */
#define CREW_EACH(q, c) \
	for (struct squad *const *q##_at = (c)->squads, *q; \
	     q##_at < (c)->squads + atomic_load(&(c)->n_squads) && ((q) = *q##_at); q##_at++)
int crew_push(struct squad *q, const struct move *m);	/* as crew_submit(); any thread */
/* An eviction that another user's fault asked for. */
static inline bool crew_is_neighbours(const struct move *m)
{
	return m->kind == MOVE_EVICT && m->tier == TIER_NOWHERE;
}

int crew_read(struct space *s);	/* its userfaultfd, by every thread of its squad that does not read it. 0, -errno. Loop thread */

/* crew_pass.c: passing points of the fault service threads. */
void crew_pass_check(struct crew *c);		/* loop: calls back who waited for a point that has been passed */

/* room.c: shared by both kinds of thread. */
void crew_want_victims(struct crew *c);
enum crew_note { NOTE_ANSWERED, NOTE_LOST, NOTE_EVICTED, NOTE_SENT /* evicted because an operation is about it */ };
void crew_note(struct crew_hand *h, struct range *r, uint64_t vpn, enum crew_note what, uint8_t answer);
void crew_evicted(void *hand, struct range *r, uint64_t vpn);	/* mover.evicted */
enum victim_way crew_pass_on(void *hand, const struct victim *v);	/* mover.pass_on: to the threads of its user */
/* mover.more: whether the machine may give huge pages now that it refused before. */
bool crew_more_pages(void *hand);
/* Makes the page resident, evicting others for it if `may_evict`. enum mover_outcome; for what it waits when there was no room. */
int crew_bring_in(struct crew_hand *h, struct range *r, uint64_t vpn, bool may_evict, enum wait_reason *ret_wait);
/* crew_probe.c: whether the machine has a page for the tier, by taking one. */
bool crew_probe(struct crew_hand *h, unsigned int tier);
void crew_probe_wanted(struct crew_hand *h);	/* takes those that the loop asked for */
void crew_probes_taken(struct crew *c);		/* loop: hands the verdicts on */
/* crew_park.c: clients that are not read for a while. */
void crew_park(struct faultd *f, struct space *s, enum wait_reason why);
void crew_came_in(struct crew *c, struct space *s);	/* a page of it did: all of that is over */
/* crew_waits.c: which page a thread is at. */
void crew_at(struct crew_hand *h, const struct space *s, uint64_t vpn, uint64_t since_ns, bool asked);
void crew_at_none(struct crew_hand *h, struct space *s);
void crew_met(struct crew_hand *h, const struct space *s, uint64_t vpn, uint64_t read_ns);	/* a page that another hand is at was touched */
/* Read-ahead: the worker brings in what lies behind this fault, as far as there is free room. */
void crew_read_ahead(struct crew_hand *h, struct range *r, uint64_t vpn);
uint64_t crew_clock_ns(void);

/* deferred.c: faults that found no room. */
void deferred_add(struct faultd *f, struct range *r, uint64_t vpn, uint64_t read_ns, enum wait_reason why);	/* takes the hold over */
void deferred_retry(struct faultd *f);
int deferred_timeout_ms(const struct faultd *f);	/* until the next try; -1: nothing is deferred */
void deferred_drop_dying(struct faultd *f);
void deferred_drop_all(struct faultd *f);
void deferred_waits(struct faultd *f);			/* loop: adds them to what waits of their clients */

/* faultd.c, worker.c */
void *faultd_main(void *faultd);
/* Serves a page that is away and books it. Else for what it waits: to be tried again. */
enum wait_reason faultd_fill(struct faultd *f, struct range *r, uint64_t vpn, uint64_t read_ns);
void *worker_main(void *worker);

static inline void tally_add(_Atomic uint64_t *n, uint64_t what)
{
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + what, memory_order_relaxed);
}

#endif
