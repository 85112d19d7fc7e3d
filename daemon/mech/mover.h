/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How one managed page moves: the sequences of the data plane (fill, evict, abort, discard, recover),
 * each step made through page_step(), so that being killed between any two of them leaves a state the
 * ledger describes. Runs in fault service threads and workers; each has a mover of its own (staging
 * buffer, counters). No waiting: a page in somebody else's hands is MOVER_E_BUSY.
 */
#ifndef HMMD_MECH_MOVER_H
#define HMMD_MECH_MOVER_H

#include <stdbool.h>
#include <stdint.h>
#include "daemon/base/slots.h"
#include "daemon/core/range.h"
#include "daemon/mech/mech.h"
#include "drivers/device.h"

struct mover_device {			/* one per tier; shared, fixed once running */
	const struct hmm_device_ops *ops;	/* NULL: a resident tier */
	struct hmm_device *device;
	struct slots *slots;
	_Atomic uint64_t *owners;	/* by slot: the client whose it is, 0 for none; on record (io/slotmap.h). NULL: not kept */
	_Atomic bool held;		/* whose its slots are is not known: no more evictions to it */
	_Atomic bool failed;		/* an I/O error was seen: no more evictions to it */
	bool fresh;			/* opened without the contents of before the restart: what a ledger says is there is lost */
};
enum victim_way { VICTIM_OURS /* evict it */, VICTIM_PASSED /* somebody else does, and has the hold */,
	VICTIM_LATER /* enough of them are on their way */, VICTIM_LEFT /* nobody can */ };
struct mover {
	struct mech *mech;
	struct mover_device *devices;	/* by tier index */
	void *staging;			/* one huge page, aligned; made by mover_init */
	struct numa_map *numa;		/* to place fills on the home tier's nodes; NULL: anywhere */
	unsigned int bound;		/* tier that this thread's memory policy is bound to, or TIER_NOWHERE */
	/* Who evicts this victim; NULL: we do. */
	enum victim_way (*pass_on)(void *userdata, const struct victim *v);
	/* Told after each completed eviction (for heat), on the mover's thread; NULL: nobody asks. mover_init clears all four. */
	void (*evicted)(void *userdata, struct range *r, uint64_t vpn);
	/* The kernel has no huge page: true when there may be one now. NULL: nobody knows better. */
	bool (*more)(void *userdata);
	void *userdata;
};
enum mover_outcome {
	MOVER_DONE = 0,
	MOVER_E_BUSY = 1,	/* in somebody else's hands, pinned, or changed */
	MOVER_E_ALREADY = 2,	/* it is where it should be (and was woken) */
	MOVER_E_ABORTED = 3,	/* written meanwhile: it stays */
	MOVER_E_NO_ROOM = 4,	/* pool full (ret_full says which), no slot, or a device that is full before its slots are */
	MOVER_E_NO_MEMORY = 5,	/* the kernel has no huge page: evict something and try again */
	MOVER_E_POISONED = 6,	/* could not be read back; the client gets SIGBUS there */
	MOVER_E_GONE = 7,	/* the client or the mapping is gone */
	MOVER_E_UNKNOWN = 8	/* recovery: the kernel does not say whether the page is in memory; nothing was changed */
};
struct mech_page mover_page(const struct range *r, uint64_t addr);	/* of a mapped range, for the doors */
int mover_init(struct mover *m, struct mech *mech, struct mover_device *devices, struct numa_map *numa);	/* -ENOMEM */
void mover_done(struct mover *m);
/* Makes the page resident in this tier, as a rule the range's home, and wakes; from ABSENT with zeros, from DEVICE with its contents. */
int mover_fill(struct mover *m, struct range *r, uint64_t vpn, unsigned int tier, struct pool **ret_full);
/* `word`: as chosen (0: whatever is there). To device tier `tier`. */
int mover_evict(struct mover *m, struct range *r, uint64_t vpn, uint64_t word, unsigned int tier);
/* A write fault on a page being evicted (or still protected). */
int mover_abort(struct mover *m, struct range *r, uint64_t vpn);
/* RESIDENT by the word, missing by the fault: a hole becomes zeros, else wake. */
int mover_check(struct mover *m, struct range *r, uint64_t vpn);
int mover_discard(struct mover *m, struct range *r, uint64_t vpn);
int mover_repoison(struct mover *m, struct range *r, uint64_t vpn);
/*
 * After a restart, first, for the words of every client: takes the slot that a word names, so that no
 * contents are handed out. 0 (also for words without a slot), SLOTS_E_FULL: claimed twice, the ledger is
 * damaged; -ERANGE: the device has no such slot.
 */
int mover_reserve(struct mover_device *devices, uint64_t word);
/*
 * Then brings the word to rest (page_recovery) and into the books: tier_bytes and the pools, which count
 * nothing of the page yet; takes the slot unless mover_reserve() did. A page whose slot is gone and that
 * is not whole in the file is MOVER_E_POISONED. One thread, nothing else running for this range.
 */
int mover_recover(struct mover *m, struct range *r, uint64_t vpn);
/* To the first lower tier of its range that has room. `word` as in mover_evict(). */
int mover_evict_down(struct mover *m, struct range *r, uint64_t vpn, uint64_t word);
/*
 * Makes room in a pool by evicting one queued victim to one of its range's lower tiers. MOVER_DONE; MOVER_E_NO_ROOM:
 * no usable victim is queued, or one was passed on: there will be room.
 */
int mover_make_room(struct mover *m, struct pool *full);
/* This thread's next huge page comes from the tier's nodes, as far as that can be had. */
void mover_place(struct mover *m, unsigned int tier);
/* The word names a slot that nobody else may have. */
bool mover_has_slot(const struct mover_device *devices, uint64_t word);
/* The slot is this client's now, and before any page word says so. */
void mover_own_slot(struct mover_device *d, uint32_t slot, uint64_t client);
void mover_free_slot(struct mover_device *devices, unsigned int tier, uint32_t slot);	/* one that no page word names */
/* When a slot is no longer needed (also from space_range_free). */
void mover_release(struct mover_device *devices, uint64_t word);

#endif
