/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the daemon knows of a process's managed memory. */
#ifndef HMMCTL_CORE_MANAGED_H
#define HMMCTL_CORE_MANAGED_H

#include "libclient/ctl/core_memory.h"
#include "libclient/ctl/ctl.h"

/* Fills m->ranges, m->touched and m->bring_in anew. CTL_DONE, or said why not. */
int core_managed_ask(struct ctl *c, const char *pid, struct core_memory *m);

void core_managed_free(struct core_memory *m);

#endif
