/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Operations under way in the daemon. The client lists them until they end; a handle that the
 * program holds also holds the client.
 */
#ifndef HMM_LIBCLIENT_OP_H
#define HMM_LIBCLIENT_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "libclient/wire.h"
#include "libclient/public.h"

struct hmm_op {
	struct hmm_client *client;
	/* Guarded by the client's lock: */
	unsigned int users;	/* the list and the program's handle */
	uint64_t id;
	bool listed, done;
	int error;		/* -errno when it ended without a result */
	struct hmm_move_result result;
	struct hmm_op *next;
};

/*
 * With the lock held. Sends a request that starts an operation. ret_op NULL: nobody will wait. When
 * the daemon was done at once, *ret_op is NULL (op_start) or a finished operation (with `always`).
 */
int op_start(struct hmm_client *c, const Hmmd__Message *m, bool always, struct hmm_op **ret_op);
/* The same, and waits for the end. -EBUSY or -EIO when something did not move. */
int op_run(struct hmm_client *c, const Hmmd__Message *m);
void op_finish(struct hmm_client *c, const Hmmd__OpDone *done);
void op_fail_all(struct hmm_client *c, int error);

#endif
