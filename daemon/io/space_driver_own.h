/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of a client's driver, for space_driver.c and driver_event.c alone. */
#ifndef HMMD_IO_SPACE_DRIVER_OWN_H
#define HMMD_IO_SPACE_DRIVER_OWN_H

#include <uv.h>
#include "daemon/base/list.h"
#include "daemon/io/daemon.h"
#include "daemon/io/space_driver.h"
#include "daemon/mech/driver.h"

struct space_driver {
	struct list_node node;		/* in daemon->watched_spaces */
	struct daemon *daemon;
	struct space *space;
	uv_poll_t poll;
	uint64_t cursor;		/* address from which the next round looks */
	bool behind;			/* events were lost: the next rounds look at all of it */
};

/* driver_event.c: what the descriptor has to say. */
void driver_event_ready(uv_poll_t *poll, int status, int events);
/* The next adopted range that is watched and reaches beyond addr, or NULL. */
struct range *space_driver_next(const struct space *s, uint64_t addr);

#endif
