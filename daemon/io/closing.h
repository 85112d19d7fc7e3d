/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Closing, as an errand, what a client has too: the last close of a userfaultfd takes the lock of its address
 * space, that of a kernel driver's descriptor waits for devices.
 */
#ifndef HMMD_IO_CLOSING_H
#define HMMD_IO_CLOSING_H

#include "daemon/io/errand.h"

struct closing;
typedef void closing_fn(void *userdata);

/* Closes both (-1: none), then calls `closed` on the loop. NULL: there is no memory, nothing is closed. */
struct closing *closing_send(struct errands *x, uint32_t uid, int one, int other, closing_fn *closed, void *userdata);

#endif
