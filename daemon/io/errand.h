/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may wait in a client's memory or at its files for as long as the client likes: looking whether its
 * address space still lives, looking which pages it has mapped, the last close of its descriptors. None of it
 * is done by the loop. Each user's errands are run one after the other by a thread of that user, which exists
 * while there are any: who makes hmmd wait makes only their own errands wait.
 */
#ifndef HMMD_IO_ERRAND_H
#define HMMD_IO_ERRAND_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/base/list.h"

struct errands;
struct errand;
typedef void errand_fn(struct errand *e);

/* Embedded in what it needs; that belongs to the errand from errand_submit() to `done`. */
struct errand {
	struct list_node node;
	errand_fn *run;		/* on the user's thread: system calls only */
	errand_fn *done;	/* on the loop; may free it */
};

int errands_new(struct errands **ret, uv_loop_t *loop);
/* 0, or -ENOMEM: nothing was begun. Without a thread it is tried again a little later. */
int errand_submit(struct errands *x, uint32_t uid, struct errand *e);
/* For how long the one under way that takes longest has kept its thread, and whose it is; 0: none is under way. */
uint64_t errands_longest_us(struct errands *x, uint32_t *ret_uid);
/* Waits a moment for those under way. False: some are stuck in a client's memory, and their threads with them; nobody is told of them. */
bool errands_end(struct errands *x);
/* After errands_end(). The memory goes when libuv has closed the handles; where threads are stuck it stays, with the loop. */
struct errands *errands_free(struct errands *x);

#endif
