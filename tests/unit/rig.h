/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client with one range, a fast tier and a memory device, and movers over any mech: what the tests of
 * the mover share. With a real backing the client is this process: the range is mapped and registered.
 */
#ifndef TESTS_UNIT_RIG_H
#define TESTS_UNIT_RIG_H

#include "daemon/core/world.h"
#include "daemon/mech/mover.h"
#include "daemon/mech/sim.h"

#define PAGE LEDGER_PAGE_SIZE
enum { FAST, FAR, RIG_TABLES = 64, RIG_WORDS = LEDGER_PAGE_SIZE / 8 };

struct rig_options {
	unsigned int pages, fast, far;			/* of the range and the tiers, in huge pages */
	const struct hmm_device_ops *device;		/* NULL: hmm_device_memory */
	struct mech *mech;				/* passes to the rig; NULL: mech_sim */
	bool map;					/* real memory */
};
struct rig {
	struct rig_options options;
	struct world *world;
	struct space *space;
	struct range *range;
	struct mech *mech;
	struct mover_device devices[HMM_LIMIT_TIERS];
	struct mover mover;
	void *mirror, *owners;
	int file, uffd;
	uint64_t first;			/* vpn */
	uint64_t *memory;		/* of the client, when mapped */
};

void rig_open(struct rig *g, const struct rig_options *o);
void rig_close(struct rig *g);
void rig_register(struct rig *g, unsigned int pages);	/* the first pages of what is mapped */
/* A daemon that died and came back: only the ledger, the file, the userfaultfd and the device live on. */
void rig_restart(struct rig *g);

uint64_t rig_word(const struct rig *g, unsigned int page);
enum page_state rig_state(const struct rig *g, unsigned int page);
struct mech_page rig_page(const struct rig *g, unsigned int page);
/* A word as a dead daemon may have left it. */
void rig_put_word(struct rig *g, unsigned int page, enum page_state state, unsigned int tier, uint32_t slot);
/* Pools, tier_bytes and slots say the same as the words; no page is in transit. */
void rig_balanced(const struct rig *g);
int rig_fill(struct rig *g, unsigned int page);
int rig_evict(struct rig *g, unsigned int page);
/* Touches through mech_sim that fault, and are served, like a program's. Fails the test when it never succeeds. */
uint64_t rig_read(struct rig *g, unsigned int page, size_t word);
void rig_write(struct rig *g, unsigned int page, size_t word, uint64_t value);

/* Two words of 2 MiB, from both ends: what must come back. */
void rig_mark(struct rig *g, unsigned int page, uint64_t value);
void rig_check(struct rig *g, unsigned int page, uint64_t value);

/* NULL, or why this backing cannot be had here. *ret is the caller's. */
const char *rig_backing(const char *name, struct mech **ret);
void rig_backing_done(void);		/* puts the machine back */

#endif
