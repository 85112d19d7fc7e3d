/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the kernel has memory, read again by a worker. It moves pages by itself, or because somebody else asked: NUMA
 * balancing, migrate_pages(2), a node that is taken offline; and nobody tells.
 */
#ifndef HMMD_IO_WORKER_LOOK_H
#define HMMD_IO_WORKER_LOOK_H

#include "daemon/io/crew_threads.h"

/*
 * One huge page of a managed range that rests in memory: its word and the books say where it is, as far as its first
 * base page tells. False: some of it may be elsewhere, or it is on a node of no tier.
 */
bool worker_find_page(struct worker *w, struct range *r, uint64_t vpn);
/*
 * The same for at most CREW_WHOLE of them: result->whole has a bit for each that was elsewhere. Of adopted memory that
 * nobody watches only the bits are made, and only of those that all are in one tier now, which the move then names: the
 * loop keeps its words.
 */
void worker_look(struct worker *w, const struct move *m, struct crew_result *result);

#endif
