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
	bool live;			/* recovered and served */
};

struct resume {
	struct list_node node;		/* in daemon->waiting_spaces, or among the claimed */
	struct space *space;
	struct ledger_identity who;
	int pidfd;			/* below 0: it could not be had yet */
	bool served;			/* the fault service threads look at it */
	bool untold;			/* its connection has ended, which is an event once it is known to live */
	struct resumed *ranges;
	size_t n;
	bool presume;			/* not every pin on record could be read */
	struct idmap *pins;		/* struct pins of adopted ranges on record, by the range's id; NULL: none */
};

/* resume_page.c: words of an earlier daemon. */
/* Takes the slots that the range's words name; a slot that is named twice makes the second word a damaged one. */
void resume_reserve(struct daemon *d, struct space *s, uint64_t addr, uint64_t pages);
/* Gives them back: the words are of no use any more. */
void resume_release(struct daemon *d, struct space *s, uint64_t addr, uint64_t pages);
/* Brings every page of a mapped range to rest; *ret_lost counts those whose contents are gone. -ENOMEM. */
int resume_pages(struct daemon *d, struct resume *w, struct range *r, uint64_t *ret_lost);
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
bool process_ended(int pidfd);	/* for certain; no: for what is no descriptor */

/* resume_gone.c: asks whether the address space of a waiting client lives; if not it is retired. */
void resume_ask(struct daemon *d, struct resume *w);

/* resume_restore.c: one client's ledger at start-up. */
struct resume *resume_find(struct daemon *d, const struct space *s);
struct resume *resume_free(struct resume *w);
/* Maps what has its file, drops what has none, recovers and serves. */
int resume_serve(struct daemon *d, struct resume *w, uint64_t *ret_lost);

#endif
