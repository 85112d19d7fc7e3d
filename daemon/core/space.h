/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address space of one client: its ranges, its mirror page table and the owner table beside it. */
#ifndef HMMD_CORE_SPACE_H
#define HMMD_CORE_SPACE_H

#include "daemon/base/btree.h"
#include "daemon/core/range.h"
#include "daemon/core/wait.h"
#include "proto/image.h"

struct gate;
struct squad;
struct world;

/* Why a page that somebody moved by hand is elsewhere, with nobody having asked for that, and no thread touched it. */
enum undone { UNDONE_ROOM, UNDONE_POLICY, UNDONE_DRAIN, UNDONE_KERNEL, UNDONE_REASONS };

struct space {
	uint64_t client;		/* id */
	int32_t pid;
	_Atomic uint64_t image;		/* mark of its address space (proto/image.h); 0: not known. Set by the loop thread */
	uint32_t uid;
	int uffd;			/* of the client, -1 before AttachUffd; core never uses it as a file */
	struct gate *gate;		/* who may read it (proto/gate.h), NULL: all; fixed before it is served; core never looks */
	int gate_fd;			/* of that, for the client when it connects again; -1 */
	int driver;			/* the same of the kernel driver: -1 before AttachDriver, closed after the last range */
	struct radix mirror;		/* page words; the arena is the ledger */
	struct radix owners;		/* range pointers, same shape, private arena */
	/* ---- loop thread only ---- */
	struct world *world;
	struct account *account;
	struct btree *by_addr;		/* all mapped ranges */
	struct list_node ranges;	/* also the unmapped */
	struct list_node in_world;
	struct charge clients, stored, tables, records;	/* the latter two: bytes in the state directory */
	uint32_t lacking;		/* tables, after SPACE_E_TABLES */
	uint64_t n_ranges, managed_bytes, adopted_bytes;
	_Atomic uint64_t faults, aborted_dirty;	/* ever; by the fault threads */
	struct setback setback;
	struct waiting waiting;		/* who waits for pages of it: how many, since when, for what */
	struct heat_window window;
	bool served;			/* fault threads read its userfaultfd */
	bool asked;			/* the daemon's: an errand is under way that may wait for its lock; one at a time */
	bool held_up;			/* by the program itself, as looked at each second (space_held_up()) */
	uint32_t op_moves, op_weight;	/* of it, handed out by operations that are not its user's alone (op_held.c) */
	struct squad *_Atomic squad;	/* the daemon's: the threads of its user (daemon/io/crew.h), NULL: none chosen yet */
	void *watch;			/* the daemon's: who reads the driver's events (daemon/io/space_driver.h) */
	void *ledger;			/* the daemon's: the file behind the mirror's arena; core never looks */
	void *file;			/* the daemon's: the one that managed ranges are windows of, NULL: none */
	uint64_t undone[UNDONE_REASONS];	/* bytes since it was last told */
	uint8_t undone_from[UNDONE_REASONS], undone_to[UNDONE_REASONS];	/* tiers, of the last of them */
	bool recovering;		/* from space_new(adopt) to space_recovered(): words found are kept */
	char name[HMM_LIMIT_NAME + 1], program[HMM_LIMIT_NAME + 1], unit[HMM_LIMIT_NAME + 1];
};

enum space_refusal {	/* expected outcomes; space_refusal_text() has words for each */
	SPACE_E_OVERLAP = 1, SPACE_E_QUOTA = 2, SPACE_E_FULL = 3 /* no tier has room */, SPACE_E_POLICY = 4, SPACE_E_TIER = 5,
	SPACE_E_NONE = 6 /* no such range */, SPACE_E_STATE = 7 /* mapped already */, SPACE_E_TABLES = 8 /* grow the arenas, try again */,
	SPACE_E_LEDGER = 9 /* the uid's share of the state directory is used up */,
	SPACE_E_STATE_FULL = 10 /* the state directory itself has no room; found by io */,
	SPACE_E_STORE = 11 /* systemd's store is full; found by io */, SPACE_E_STORED = 12 /* the uid's share of it is used up */,
	SPACE_E_EXCESS = 13 /* the uid's files hold more than hmmd has put there, beyond its limit */
};
const char *space_refusal_text(int refusal);
int space_refusal_errno(int refusal);	/* positive errno for the Error message */

struct range_request {
	uint64_t size;
	const char *name, *policy, *prefer;	/* "" or NULL: none */
	uint32_t flags;
};
/* arenas: zeroed memory for max_tables tables each; the mirror's may be an adopted ledger. -ENOMEM, SPACE_E_QUOTA (clients of the uid). */
int space_new(struct space **ret, struct world *w, uint64_t client, int32_t pid, uint32_t uid,
	      void *mirror_arena, void *owner_arena, uint32_t max_tables, uint32_t tables, bool adopt);
/* For what goes by the pid. Any thread. */
static inline struct image space_image(const struct space *s)
{
	return (struct image){ .pid = s->pid, .mark = atomic_load(&s->image) };
}
struct space *space_free(struct space *s);	/* all ranges were freed */
/* Whether its program holds up the threads of its user: its pages make no room, and nobody waits for them. Loop thread. */
void space_held_up(struct space *s, bool held_up);

/* Managed: charges, chooses tiers, allocates heat; not mapped yet. The caller gives it its file (backing, offset). */
int space_alloc(struct space *s, const struct range_request *q, struct range **ret);
/* Puts it at addr (huge-page aligned): tree, mirror, owners. */
int space_map(struct space *s, struct range *r, uint64_t addr);
/* Adopted, n of them, all or none. */
int space_register(struct space *s, const struct range_request *q, const uint64_t *addrs, const uint64_t *sizes, size_t n, uint64_t *ret_first_id);
/*
 * Adopted memory has words only where something was seen or said. Makes those of [vpn, vpn + pages) that lie in
 * the range. 0 or SPACE_E_TABLES. Loop thread.
 */
int space_words_make(struct range *r, uint64_t vpn, uint64_t pages);
/* So many bytes are its records now. What an earlier daemon granted is not refused. 0 or SPACE_E_LEDGER (as before). */
int space_records(struct space *s, uint64_t bytes);
/* More bytes of the state directory: 0 or SPACE_E_LEDGER; and less of them. */
int space_ledger_take(struct space *s, uint64_t bytes);
void space_ledger_give(struct space *s, uint64_t bytes);
struct range *space_find_id(struct space *s, uint64_t id);	/* a range of this space, or NULL */
struct range *space_find_addr(struct space *s, uint64_t addr);
/*
 * Pins are charged here, NEVER_MIGRATE too: pages that nobody may evict take room from all others.
 * 0, SPACE_E_QUOTA (of the uid), SPACE_E_FULL (pins may take PIN_SHARE per cent of a tier).
 */
enum { PIN_SHARE = 80 };
int space_pin(struct range *r, uint64_t bytes);
void space_unpin(struct range *r, uint64_t bytes);
void space_pin_again(struct range *r, uint64_t bytes);	/* was charged by an earlier daemon: whatever the limits are now */
/*
 * Step 1 of death: out of the tree, the lists and the owner table (page words stay), dying is set, victims and
 * operations let go of it; charges stay until free.
 */
void space_range_leave(struct space *s, struct range *r);
/*
 * Step 3: nobody holds it, and no record names it any more. Clears every page word and calls release() with
 * what it was, so that the caller can free device slots: a slot that somebody else may get is named by no word.
 * Gives all bytes back to the pools and the charges back, frees it.
 */
void space_range_free(struct range *r, void (*release)(void *userdata, uint64_t word), void *userdata);
/*
 * Lock-free, any thread. The word is there as long as a managed range is, leaving ones included; where there is
 * none it may be NULL, in adopted memory too. Whether the address belongs to a managed range is for space_owner() to say.
 */
radix_word *space_word(const struct space *s, uint64_t addr);
struct range *space_owner(const struct space *s, uint64_t addr);
/* After a restart, when every surviving range is mapped: what the ledger held beyond them is dropped. */
void space_recovered(struct space *s);
/* After every reader has acknowledged: tables in limbo may be used again. */
void space_reclaim(struct space *s);

#endif
