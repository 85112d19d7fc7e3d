/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of one huge page: a 64-bit word (proto/ledger.h) and the table of allowed steps. Every
 * change of any page's state in the daemon is page_step(): one compare-and-exchange, which is also
 * the crash record because the word lies in the ledger. There is no other lock on a page: the states
 * ZEROING, FILLING, ABORTING, COMMITTING and DISCARDING belong to the thread that made the step, and
 * whoever meets them leaves the page alone; its owner wakes the faulting threads when done.
 */
#ifndef HMMD_CORE_PAGE_H
#define HMMD_CORE_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include "daemon/base/radix.h"
#include "proto/ledger.h"
#include "proto/limits.h"

bool page_allowed(enum page_state from, enum page_state to);
/*
 * Takes *word from *seen to the state given, with this tier and slot, the same flags and the next
 * generation. true: done, *seen is the new word. false: somebody was faster, *seen is what is there
 * now (flags count: a page that was pinned meanwhile is a changed page). Asserts page_allowed().
 */
bool page_step(radix_word *word, uint64_t *seen, enum page_state to, unsigned int tier, uint32_t slot);
/* Sets and clears PAGE_FLAGS bits whatever the state; returns the new word. */
uint64_t page_flag(radix_word *word, uint64_t set, uint64_t clear);
/* True when no work is under way and the page may be chosen for eviction. */
bool page_evictable(uint64_t word);
/* True when it may be chosen to go elsewhere: evictable, or adopted memory that nothing holds. */
bool page_movable(uint64_t word);
/*
 * False for a word that no step can have made: an unknown state or a tier that does not exist. Only a
 * damaged ledger has such words; they are answered like poisoned pages, never with zeros.
 */
bool page_word_sane(uint64_t word, unsigned int n_tiers);
/*
 * Recovery only, with nobody else near: replaces a word that makes no sense, without asking what may follow
 * what. PAGE_STATES as the state marks the word as damaged.
 */
void page_repair(radix_word *word, enum page_state to, unsigned int tier);
const char *page_state_name(enum page_state state);

/* What recovery does with a word found after the daemon died (data plane, section 3). */
enum page_recovery {
	PAGE_RECOVER_NOTHING,	/* ABSENT, POISONED, ADOPTED */
	PAGE_RECOVER_THAW,	/* unprotect, wake: RESIDENT (a slot, if any, is free) */
	PAGE_RECOVER_PUNCH,	/* DEVICE or COMMITTING with the page still in the file: punch, then DEVICE, wake */
	PAGE_RECOVER_WAKE,	/* at rest: wake, a blocked thread faults again */
	PAGE_RECOVER_FILL,	/* FILLING: fill only the holes, then RESIDENT, wake, free the slot */
	PAGE_RECOVER_ZERO	/* ZEROING or DISCARDING: page there -> RESIDENT; hole -> ABSENT; wake (DISCARDING: punch first) */
};
enum page_recovery page_recovery(uint64_t word, bool in_file);

#endif
