/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames that wait for a peer to read. */
#ifndef HMMD_IO_OUTGOING_H
#define HMMD_IO_OUTGOING_H

#include <stddef.h>

struct session;

/* Copies the frame, duplicates the descriptors. -ENOMEM, -EMFILE; -EDQUOT: of the user, beside a first frame. */
int outgoing_add(struct session *s, const void *frame, size_t size, const int *fds, size_t n_fds);
/* Sends what the socket takes. 0: all sent; 1: some is left; -errno: the peer is gone. */
int outgoing_flush(struct session *s);
/* Every second: memory of queues that are gone goes back to the machine. */
void outgoing_trim(void);
void outgoing_drop_all(struct session *s);

#endif
