/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moves between NUMA nodes, by a worker. */
#ifndef HMMD_IO_WORKER_NODE_H
#define HMMD_IO_WORKER_NODE_H

#include "daemon/io/crew_threads.h"

/* One resident huge page of a managed range to the resident tier of the move. */
enum move_outcome worker_move_page(struct worker *w, const struct move *m);
/* A span of adopted memory: fills in the counts of base pages. */
void worker_move_span(struct worker *w, const struct move *m, struct crew_result *result);

#endif
