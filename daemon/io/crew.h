/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads: fault service threads, each with its own epoll set over the userfaultfds of a user's clients, and
 * workers that carry out moves. Each user has threads of its own, so who makes a thread wait in its memory makes
 * only itself wait. They get jobs by value or read the mirror table through its lock-free readers, and hand results
 * back to the loop. All functions are for the loop thread.
 */
#ifndef HMMD_IO_CREW_H
#define HMMD_IO_CREW_H

#include "daemon/core/op.h"
#include "daemon/core/plan.h"
#include "daemon/io/latency.h"

struct crew;
struct daemon;
struct space;

enum { CREW_E_FULL = 1, CREW_QUEUE = 1024 /* moves of a user queued or running; power of two */ };

/* Starts the first threads (all signals blocked in them). */
int crew_new(struct crew **ret, struct daemon *d);
/* Ends the threads after their current page. False: some are kept in a client's memory; nothing that they may touch can be freed. */
bool crew_end(struct crew *c);
/* After crew_end() said true. Queued moves come back as MOVE_FAILED first. */
struct crew *crew_free(struct crew *c);
/* The space's userfaultfd is served from here on. */
int crew_serve(struct crew *c, struct space *s);
/* No longer: taken out of every epoll set. Pending faults stay unanswered. */
void crew_unserve(struct crew *c, struct space *s);
void crew_leave(struct space *s);	/* it is about to be freed: no thread has anything of it */
/*
 * Calls back on the loop thread when every fault service thread of the space's user has passed a point after this
 * call, so none of them holds what was unpublished of the space before it. Or those of all users.
 */
typedef void crew_passed_fn(void *userdata);
int crew_quiesce(struct crew *c, struct space *s, crew_passed_fn *fn, void *userdata);	/* -ENOMEM */
int crew_quiesce_all(struct crew *c, crew_passed_fn *fn, void *userdata);		/* -ENOMEM */
/* The move's range is held by the caller and passes to the crew. 0 or CREW_E_FULL (still the caller's). */
int crew_submit(struct crew *c, const struct move *m);
/* How many moves of the space's user would fit; threads make it smaller for a moment only. */
unsigned int crew_room(struct crew *c, struct space *s);
/* Room was made, by whatever: faults that wait are tried again. Any thread. */
void crew_room_changed(struct crew *c);
/* Clients whose faults were not read are read again when it is time. Microseconds until the next one, UINT64_MAX: none. */
uint64_t crew_unpark(struct crew *c);
/* Once a second: how many fault service threads have made no progress for some seconds though they have work. */
unsigned int crew_watch(struct crew *c, uint64_t now_us);
unsigned int crew_stuck(const struct crew *c);	/* as last looked at */
bool crew_all_stuck(const struct crew *c);		/* those of several users, and nobody else's get on */
/* Adds to what waits of each client (space->waiting.now) what the threads know: faults put off, left unread, being served. */
void crew_waits(struct crew *c);
/* A probe page on this tier, soon; schedule_probed() hears of it. */
void crew_ask_probe(struct crew *c, unsigned int tier);
unsigned int crew_busy(const struct crew *c);		/* moves queued or running */
bool crew_any_held_up(const struct crew *c);		/* some user's threads have been at one page for a second */

/* Takes in results and notes now; the schedule does so every tick, because fault notes alone do not wake the loop. */
void crew_collect(struct crew *c);
/* From here workers make no room by evicting (the daemon is bringing everything back). */
void crew_stop_evicting(struct crew *c);
/* While sealed nobody does, not even for a fault: once every thread has passed, what devices hold can only become less. */
void crew_seal(struct crew *c, bool sealed);

/* What schedule.c implements; called on the loop thread. The range is still held and is dropped by the callee. */
void schedule_move_done(struct daemon *d, const struct move *m, enum move_outcome outcome);
/*
 * The same for a span of adopted memory, in bytes; a pin's number is in the move. stopped: where the worker gave it
 * back, or 0; whole: of a move that leaves a tier, the huge pages that went, a bit each.
 */
enum { CREW_WHOLE = 64 };
void schedule_span_done(struct daemon *d, const struct move *m, const struct op_result *bytes, uint64_t stopped,
			uint64_t whole);
/* A fault was served: for heat and for the counters. */
struct fault_note {
	struct range *range;	/* held: dropped by the callee */
	uint64_t vpn, at_us;
	uint8_t kind;		/* enum fault_answer that was carried out */
	uint8_t lost;		/* 1: the page could not be read back (kind says nothing then) */
	uint8_t evicted;	/* 1: it was evicted (kind says nothing then) */
	uint8_t asked;		/* of that: an operation is about this page, and says itself what it did */
};
void schedule_fault_note(struct daemon *d, const struct fault_note *n);
/* Fault threads found a pool without victims: rank now. */
void schedule_wants_victims(struct daemon *d);

struct crew_counters {
	uint64_t faults, fills, zeros, aborts, checks, poisons, dropped, deferred;
	uint64_t direct_evictions;	/* pages that a fault thread evicted itself to make room */
	uint64_t filled_bytes;		/* device to memory because a thread faulted */
	uint64_t prefetched_bytes;	/* device to memory with nobody waiting in a fault */
	uint64_t evicted_bytes;		/* memory to device, completed, whoever did it */
	uint64_t node_moved_bytes;	/* between NUMA nodes */
	uint64_t lost_pages;		/* huge pages that could not be read back */
	struct latency latency;		/* microseconds from reading the message to waking the thread */
};
void crew_counters(const struct crew *c, struct crew_counters *ret);

#endif
