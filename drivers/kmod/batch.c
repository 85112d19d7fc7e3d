// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Arrays of a window
 *
 * The arrays of a window. A fault has to find one however short memory is, so some are kept; who
 * finds none left waits for another to finish. Nobody holds two, and nobody who holds one waits for
 * a lock that somebody waiting here may have, but for folio locks, which are only tried.
 */
#include <linux/mempool.h>
#include <linux/slab.h>

#include "move.h"

#define BATCHES_KEPT 4	/* as many windows as make progress at once when memory is short */

static mempool_t *batches;

int hmmdev_batches_init(void)
{
	batches = mempool_create_kmalloc_pool(BATCHES_KEPT, sizeof(struct hmmdev_batch));
	return batches ? 0 : -ENOMEM;
}

void hmmdev_batches_exit(void)
{
	mempool_destroy(batches);
}

void hmmdev_move_open(struct hmmdev_move *mv)
{
	struct hmmdev_batch *batch = mempool_alloc(batches, GFP_KERNEL);

	mv->src = batch->src;
	mv->dst = batch->dst;
}

void hmmdev_move_close(struct hmmdev_move *mv)
{
	mempool_free(container_of(mv->src, struct hmmdev_batch, src[0]), batches);
}
