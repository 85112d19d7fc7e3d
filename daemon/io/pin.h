/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pins, which nest: a page stays for as long as anybody has pinned it, and everybody counts for himself (the
 * program, the operator). Kept with the range (daemon/core/pins.h) and on record (pinfile.c): the record goes
 * first when one ends, so a daemon that is killed leaves a page pinned rather than not. Loop thread.
 */
#ifndef HMMD_IO_PIN_H
#define HMMD_IO_PIN_H

#include <stdbool.h>
#include <stdint.h>
#include "daemon/core/pins.h"

struct daemon;
struct range;

enum {
	PIN_E_NONE = 100,	/* nothing there is pinned by this owner */
	PIN_E_PART = 101,	/* of adopted memory: a pin reaches beyond the piece, and ends as a whole */
	PIN_E_BUSY = 102	/* of adopted memory: under way, or the workers are busy: later */
};
/*
 * Of managed memory whole huge pages, held from here. Of adopted memory any, held when pin_arrived() says so. What
 * was not pinned before is charged. 0, SPACE_E_*, -errno (-ENOSPC: no room for its record, or PINS_MAX).
 */
int pin_take(struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end);
/*
 * Takes one pin of this owner off every byte of the piece that has one. 0, PIN_E_*, -errno: no room to record what
 * is left of a pin that reaches beyond the piece (then it stays pinned).
 */
int pin_drop(struct daemon *d, struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end);
/* Takes back what pin_take() did; of adopted memory one that has not arrived. */
void pin_undo(struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end);
/* A worker is done with adopted memory, which it holds; id: the driver's number, 0: it could not be had. False: it is none. */
bool pin_arrived(struct daemon *d, struct range *r, enum pin_owner owner, uint64_t addr, uint64_t end, uint32_t id);
/* Takes back one of adopted memory that did arrive, if it is still there. */
void pin_take_back(struct daemon *d, struct range *r, uint64_t addr, uint64_t end, uint32_t id);
/* Adopted memory goes back to its program: the driver lets go of all of it. */
void pins_leave(struct daemon *d, struct range *r);
/* The driver lets go of one that is in no books any more. */
void pin_let_go(struct daemon *d, struct range *r, uint32_t id);
unsigned int pins_leaving(void);	/* errands under way that let pins go */
/* The range dies: nothing of it is on record any more. */
void pins_off_record(struct range *r);

/*
 * After a restart, of a managed range that is mapped: its words say pinned where a pin is, and all that is held is charged.
 * presume: a word that says so without a pin is taken for an operator's, because records are missing.
 */
void pins_settle(struct range *r, bool presume);
/* The same of adopted memory that its program has named again. */
void pins_settle_adopted(struct range *r);

#endif
