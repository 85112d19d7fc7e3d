/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a page of a backing file all there? Asked after a restart and when a fill says EEXIST, of any kind of file. */
#ifndef HMMD_MECH_PROBE_H
#define HMMD_MECH_PROBE_H

#include "daemon/mech/mech.h"

int probe_open(int *ret_probe);		/* needs no privilege */
int probe_page(int probe, const struct mech_page *p);	/* 1, 0: there is a hole, -errno */

#endif
