/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of coming back, for resume*.c alone. Loop thread only. */
#ifndef HMMD_IO_RESUME_OWN_H
#define HMMD_IO_RESUME_OWN_H

#include "daemon/core/world.h"
#include "daemon/io/daemon.h"
#include "daemon/io/resume.h"

struct resumed {			/* one range on record */
	struct range *range;		/* allocated at once, so that its place is promised; mapped when it is recovered */
	uint64_t addr;
	bool came;			/* the client has named it */
	bool mapped;			/* its pages are being brought to rest; held */
	bool live;			/* they are, and served */
	uint64_t next, lost;		/* page that is the next one; pages whose contents are gone */
};

struct step;

struct resume {
	struct list_node node;		/* in daemon->waiting_spaces, or among the claimed */
	struct space *space;
	struct ledger_identity who;
	int pidfd;			/* below 0: it could not be had yet */
	bool served;			/* the fault service threads look at it */
	bool untold;			/* its connection has ended, which is an event once it is known to live */
	struct resumed *ranges;
	size_t n;
	bool recovering;		/* some ranges are mapped and not live */
	struct step *step;		/* under way, on the range at `at`; NULL: none */
	size_t at;			/* range that is the next one */
	bool named;			/* the client has named all that it has, and a step was in the way of looking at it */
	uint64_t waiter, request;	/* the session and its last Resume, which wait for the end of it; 0: none */
	uint64_t begun_us;
	bool told;			/* what it waits for */
	bool presume;			/* not every pin on record could be read */
	struct idmap *pins;		/* struct pins of adopted ranges on record, by the range's id; NULL: none */
};

/* resume_page.c: words of an earlier daemon. */
/* Takes the slots that the range's words name; a slot that is named twice makes the second word a damaged one. */
void resume_reserve(struct daemon *d, struct space *s, uint64_t addr, uint64_t pages);
/* Gives them back: the words are of no use any more. */
void resume_release(struct daemon *d, struct space *s, uint64_t addr, uint64_t pages);
/*
 * Brings a page of a mapped range to rest; on any thread that has the range for itself. 1: its contents are gone. -EAGAIN: the
 * kernel does not say whether it is in memory. n_tiers: of the world.
 */
int resume_page(const struct daemon *d, struct mover *m, unsigned int n_tiers, struct range *r, uint64_t vpn);
uint64_t resume_tell_lost(struct daemon *d, struct range *r);	/* how many pages */

/* resume_pin.c: those on record. With the ranges when they are restored; of adopted ones, which are on no record, when they are named. */
void resume_pins(struct daemon *d, struct resume *w, struct ledgerfile *l);
void resume_pins_end(struct resume *w, bool forget);	/* what nobody has named is taken off the record, too */

/* resume_process.c */
/* 0: it lives and is the one on record. PROCESS_E_ENDED: for certain. -errno: it cannot be told now, so it may live. */
enum { PROCESS_E_ENDED = 1 };
int process_look(const struct ledger_identity *who, int *ret_pidfd);
bool process_may_live(const struct ledger_identity *who);	/* the same without a descriptor */
bool process_owner_ended(const char *state_dir, uint64_t client);	/* the one of a ledger that may be good for nothing else; for certain */
bool process_owner_may_live(const char *state_dir, uint64_t client);	/* not: it has ended, or has no ledger */
bool process_ended(int pidfd);	/* for certain; no: for what is no descriptor */

/* resume_gone.c: asks whether the address space of a waiting client lives; if not it is retired. */
void resume_ask(struct daemon *d, struct resume *w);

/* resume_restore.c: one client's ledger at start-up. */
struct resume *resume_find(struct daemon *d, const struct space *s);
struct resume *resume_free(struct resume *w);
/* resume.c: maps what has its file, drops what has none, and recovers the rest step by step. It may have ended, and w been freed. */
void resume_begin(struct daemon *d, struct resume *w);
void resume_named(struct daemon *d, struct resume *w);	/* no step is under way any more */
/* All of it is at rest, and served unless rc says why not: whoever waits for it is told. */
void resume_complete(struct daemon *d, struct resume *w, int rc);
struct list_node *resume_claimed(void);	/* struct resume: a session has them */

/* resume_progress.c */
uint64_t resume_pages_left(const struct resume *w);
void resume_tell_orphan(struct daemon *d, const struct resume *w, int rc);	/* its client is not back */

/* resume_step.c */
void resume_go_on(struct daemon *d, struct resume *w);	/* the next step, if none is under way */
void resume_unrecovered(struct daemon *d, struct range *r, uint64_t next);	/* words from that page on are of no use any more */

#endif
