/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of mech_sim share: the doors (sim.c) and the other side of them (sim_client.c). */
#ifndef HMMD_MECH_SIM_OWN_H
#define HMMD_MECH_SIM_OWN_H

#include <pthread.h>
#include <sys/types.h>
#include "daemon/mech/sim.h"
#include "proto/ledger.h"

/* A page is two halves, so that it can be torn. */
enum { HALVES = 2, HALF = LEDGER_PAGE_SIZE / HALVES };

struct sim_page {
	struct sim_page *next;
	ino_t inode;
	uint64_t offset;
	bool there[HALVES];
	bool frozen, poisoned;
	uint8_t *bytes;
};
struct sim {
	struct mech mech;
	pthread_mutex_t lock;			/* guards all below */
	struct sim_page *pages;
	unsigned int calls[SIM_OPS];
	enum sim_op fail_op;
	unsigned int fail_nth;			/* 0: none to come */
	int fail_error;
	bool failed;
	enum sim_op hook_op;
	void (*hook)(void *userdata);
	void *hook_userdata;
};

static inline struct sim *sim_of(const struct mech *m)
{
	return (struct sim *)(uintptr_t)m;
}

/* With the lock held. NULL: there never was one, or no memory to make it. */
struct sim_page *sim_page_of(struct sim *s, const struct mech_page *p, bool make);

#endif
