/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel driver's descriptor of one client: taken over from AttachDriver, watched for events,
 * used by the workers, closed with the space. Adopted ranges of such a client are watched: the
 * driver is told of them, and where their pages are is looked at again and again
 * (daemon/core/adopted.h). Loop thread.
 */
#ifndef HMMD_IO_SPACE_DRIVER_H
#define HMMD_IO_SPACE_DRIVER_H

#include <stdint.h>
#include "daemon/core/op.h"

struct daemon;
struct range;
struct space;

/* fd was checked (driver_check) and is taken over, also on failure. 0 or -errno. */
int space_driver_attach(struct daemon *d, struct space *s, int fd);
/* The client's connection ends. Workers may use the descriptor until the last range is free. */
void space_driver_detach(struct space *s);
/* New adopted ranges with these ids. */
void space_driver_added(struct daemon *d, struct space *s, uint64_t first, uint64_t n);
/*
 * The program takes its memory back, before it is retired: pins end, what is on a device comes
 * home.
 */
void space_driver_leaving(struct daemon *d, struct range *r);
/* Sends somebody to look where [addr, end) of it is. False: all are busy, or it is not watched. */
bool space_driver_look(struct daemon *d, struct range *r, uint64_t addr, uint64_t end);
/* Some memory of every client is looked at again, in turn. */
void space_drivers_round(struct daemon *d);

#endif
