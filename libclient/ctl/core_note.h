/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a core file says of a process beside its memory: the threads with their registers, its name, its files. */
#ifndef HMMCTL_CORE_NOTE_H
#define HMMCTL_CORE_NOTE_H

#include "libclient/ctl/core_file.h"
#include "libclient/ctl/core_memory.h"
#include "libclient/ctl/tracee.h"

/* 0 or -errno; -EOPNOTSUPP: a program of another word size. */
int core_notes(struct core_file *f, const struct tracee *t, const struct core_map *map);

#endif
