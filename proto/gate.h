/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who may read a client's userfaultfd: one page that hmmd makes for a client and both map. The library lets pages
 * of its own mappings go (madvise), and before that it looks whether they are still its own. In between the program
 * may unmap a piece and map and fill something else there, whose bytes would be thrown away. The kernel does not
 * let munmap(2) return before its message was read (UFFD_FEATURE_EVENT_UNMAP): so while nobody reads, what was seen
 * to be ours stays free of anybody else's bytes. A thread of hmmd counts itself while it reads; the library shuts
 * the gate, waits until nobody is inside, looks, acts, and opens it.
 *
 * hmmd never waits at the gate: a client that keeps it shut is not read, and keeps its own threads waiting. The
 * library waits for readers for a bounded time, since a hmmd that was killed inside leaves its count behind.
 */
#ifndef HMM_PROTO_GATE_H
#define HMM_PROTO_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define GATE_SIZE 4096		/* bytes of the file; what the two words do not fill is zeros */

struct gate {
	_Atomic uint32_t acting;	/* by the library: not 0 while it looks and acts */
	_Atomic uint32_t readers;	/* by hmmd: threads that are reading */
};

/* hmmd: false: shut. NULL: there is none, all may pass. */
static inline bool gate_enter(struct gate *g)
{
	if (!g)
		return true;
	if (atomic_load(&g->acting))
		return false;
	atomic_fetch_add(&g->readers, 1);
	if (!atomic_load(&g->acting))
		return true;
	atomic_fetch_sub(&g->readers, 1);
	return false;
}

static inline void gate_leave(struct gate *g)
{
	if (g)
		atomic_fetch_sub(&g->readers, 1);
}

/* The library: who comes from here on finds it shut; those inside leave by themselves. */
static inline void gate_shut(struct gate *g)
{
	atomic_store(&g->acting, 1);
}

static inline bool gate_empty(struct gate *g)
{
	return atomic_load(&g->readers) == 0;
}

static inline void gate_open(struct gate *g)
{
	atomic_store(&g->acting, 0);
}

#endif
