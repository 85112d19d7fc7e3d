/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ledger: the mirror page table of one client, kept in a file that the daemon writes and the
 * client maps read-only. It is the daemon's working state and its crash record at once: a page's
 * 64-bit word is changed in one compare-and-exchange, and that is the record (data plane, HMM mirror
 * page table of 2015). The file is an array of tables of 512 words. Table 0 is the header. A directory
 * word holds the index of the next table, 0 for none; a leaf word is a page word as laid out below.
 * Three levels of 9 bits cover a virtual page number of 27 bits (2 MiB pages, 48-bit addresses).
 */
#ifndef HMM_PROTO_LEDGER_H
#define HMM_PROTO_LEDGER_H

#include <stdint.h>

enum {
	LEDGER_BITS = 9,			/* per level */
	LEDGER_FANOUT = 1 << LEDGER_BITS,	/* words of a table */
	LEDGER_LEVELS = 3,			/* level 2 is the root, level 0 holds page words */
	LEDGER_TABLE_SIZE = LEDGER_FANOUT * 8,	/* bytes */
	LEDGER_PAGE_SHIFT = 21,			/* huge page of 2 MiB */
	LEDGER_VERSION = 1,			/* of the layout and of the words: nobody reads another */
	LEDGER_ROOT = 1				/* the root's table */
};
#define LEDGER_PAGE_SIZE (1ULL << LEDGER_PAGE_SHIFT)
#define LEDGER_VPN_LAST ((1ULL << (LEDGER_BITS * LEDGER_LEVELS)) - 1)	/* inclusive */
#define LEDGER_MAGIC 0x72676465646d6d68ULL				/* "hmmdedgr" */

/* Words of table 0. Up to LEDGER_H_UID they are the same in every version: whose it is can always be told. */
enum ledger_header {
	LEDGER_H_MAGIC = 0, LEDGER_H_VERSION = 1,	/* LEDGER_VERSION */
	LEDGER_H_CLIENT = 2,				/* client id */
	LEDGER_H_PID = 3, LEDGER_H_START = 4,		/* of the client: pid and start time in clock ticks (proc(5)) */
	LEDGER_H_UID = 5, LEDGER_H_ROOT = 6,		/* index of the root table, LEDGER_ROOT */
	LEDGER_H_TABLES = 7				/* tables in use, header included: the file is this long */
};

/*
 * A page word: state 0..3, tier 4..8, flags 9..15, generation 16..31, device slot 32..63. Flags are the daemon's own:
 * whoever does not know one leaves it alone or drops it, so a new one is no new version.
 */
enum page_state {
	PAGE_ABSENT = 0,	/* never touched or discarded: reads as zeros */
	PAGE_ZEROING = 1,	/* a page of zeros is being put in place */
	PAGE_RESIDENT = 2,	/* in memory, on the NUMA tier named; nothing under way */
	PAGE_EVICTING = 3,	/* write-protected, being copied to a slot; the page, still on the tier named, is the truth */
	PAGE_ABORTING = 4,	/* was EVICTING; being unprotected because of a write */
	PAGE_COMMITTING = 5,	/* the copy is whole; the page is being punched: both are equal */
	PAGE_DEVICE = 6,	/* at rest in (tier, slot) */
	PAGE_FILLING = 7,	/* being copied back from (tier, slot); the slot is the truth where the file has a hole */
	PAGE_DISCARDING = 8,	/* being thrown away on the client's word */
	PAGE_POISONED = 9,	/* could not be read back: SIGBUS */
	PAGE_ADOPTED = 10	/* adopted memory, last seen on the tier named */
};
#define PAGE_STATES 11
#define PAGE_PINNED (1ULL << 9)		/* must stay resident */
#define PAGE_STAY (1ULL << 10)		/* HMM_ADVICE_NEVER_MIGRATE */
#define PAGE_COLD (1ULL << 11)		/* HMM_ADVICE_COLD: first to go */
#define PAGE_HAND (1ULL << 12)		/* adopted memory that nobody watches: by hand, and nobody was told that it went on */
#define PAGE_FLAGS (PAGE_PINNED | PAGE_STAY | PAGE_COLD | PAGE_HAND)
#define PAGE_GENERATION_ONE (1ULL << 16)

static inline enum page_state page_word_state(uint64_t word)
{
	return (enum page_state)(word & 0xf);
}

static inline unsigned int page_word_tier(uint64_t word)
{
	return (word >> 4) & 0x1f;
}

static inline uint32_t page_word_slot(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* Index of a virtual page number in its table of the given level. */
static inline unsigned int ledger_index(uint64_t vpn, unsigned int level)
{
	return (vpn >> (LEDGER_BITS * level)) & (LEDGER_FANOUT - 1);
}

#endif
