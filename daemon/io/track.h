/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The zap tracker's cycle per client: choose, ask the client to unmap, wait the window, scan, judge. */
#ifndef HMMD_IO_TRACK_H
#define HMMD_IO_TRACK_H

#include <stdint.h>

struct daemon;
struct session;
struct space;

int track_start(struct daemon *d);	/* a timer every config.track_us; costs nothing while no session can zap */
void track_stop(struct daemon *d);
void track_done(struct session *s, uint64_t zap);	/* ZapDone arrived */
void track_session_gone(struct session *s);
void track_space_dying(struct daemon *d, const struct space *space);	/* ranges of it die: an open sample lets them go */

#endif
