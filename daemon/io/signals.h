/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SIGTERM and SIGINT end the daemon in order, SIGHUP reloads. */
#ifndef HMMD_IO_SIGNALS_H
#define HMMD_IO_SIGNALS_H

struct daemon;

int signals_start(struct daemon *d);
void signals_stop(struct daemon *d);

#endif
