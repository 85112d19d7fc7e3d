/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a worker does with adopted memory. */
#ifndef HMMD_IO_WORKER_DRIVER_H
#define HMMD_IO_WORKER_DRIVER_H

#include "daemon/io/crew_threads.h"

/* Any move of an adopted range; fills in the counts of base pages, and the number of a new pin. */
void worker_adopted(struct worker *w, const struct move *m, struct crew_result *result);

#endif
