/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations that are the same for every backing file, and the seals that all of them carry. */
#ifndef HMMD_MECH_BACKING_H
#define HMMD_MECH_BACKING_H

#include <fcntl.h>
#include "daemon/mech/mech.h"
#include "proto/ledger.h"

/* The client may not cut or grow the file, nor add a seal that would stop us from punching. */
enum { BACKING_SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

int backing_memfd(const char *name, uint64_t size, unsigned int flags, int *ret_fd);
int backing_check_seals(int fd);	/* 0, -EINVAL */

/* Members of struct mech_ops. */
int backing_zero(struct mech *m, const struct mech_page *p);
int backing_copy_out(struct mech *m, const struct mech_page *p, void *dst);
int backing_punch(struct mech *m, const struct mech_page *p);
int backing_freeze(struct mech *m, const struct mech_page *p);
int backing_thaw(struct mech *m, const struct mech_page *p);
int backing_map(struct mech *m, const struct mech_page *p, bool *ret_was);
int backing_wake(struct mech *m, const struct mech_page *p);
int backing_poison(struct mech *m, const struct mech_page *p);

#endif
