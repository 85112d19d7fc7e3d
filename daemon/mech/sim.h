/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mech_sim: the doors of mech.h in plain memory, with failures on demand, a record of calls, and the client's
 * side: what a program would see that reads or writes a page. Files are real descriptors (small memory
 * files that hold nothing), so that whoever owns them may close and pass them; pages are known by inode
 * and offset. Any thread.
 */
#ifndef HMMD_MECH_SIM_H
#define HMMD_MECH_SIM_H

#include "daemon/mech/mech.h"

enum sim_op {
	SIM_ANY,
	SIM_CREATE, SIM_ZERO, SIM_FILL, SIM_FREEZE, SIM_THAW, SIM_COPY_OUT, SIM_PUNCH, SIM_PRESENT, SIM_WAKE, SIM_MAP, SIM_POISON,
	SIM_OPS
};

int mech_sim_new(struct mech **ret);
/* The nth call of this op from now on (SIM_ANY: of all) fails once with -error and does nothing. nth 0: none. */
void sim_fail(struct mech *m, enum sim_op op, unsigned int nth, int error);
bool sim_failed(const struct mech *m);		/* the one asked for last has happened */
unsigned int sim_calls(const struct mech *m, enum sim_op op);
/* Called in the op named, before it does anything, without any lock held: to change things in between. NULL: none. */
void sim_hook(struct mech *m, enum sim_op op, void (*fn)(void *userdata), void *userdata);

enum sim_touch { SIM_E_MISSING = 1, SIM_E_PROTECTED = 2, SIM_E_POISONED = 3 };
/* As the program would: one 64-bit word of the page. 0, SIM_E_*. */
int sim_read(struct mech *m, const struct mech_page *p, size_t word, uint64_t *ret);
int sim_write(struct mech *m, const struct mech_page *p, size_t word, uint64_t value);
bool sim_frozen(struct mech *m, const struct mech_page *p);
unsigned int sim_pages(struct mech *m);		/* in memory now */
/* Half of the page becomes a hole, as after dying in the middle of a fill of base pages. */
void sim_tear(struct mech *m, const struct mech_page *p);

#endif
