/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client has the descriptor too and can make it blocking between a look and the read, so each
 * read says by itself that it does not wait. Where the kernel cannot be told that way, O_NONBLOCK
 * as found must do.
 */
#ifndef HMMD_MECH_READ_NOW_H
#define HMMD_MECH_READ_NOW_H

#include <sys/types.h>

/* As read(2); -1 with EAGAIN rather than wait. */
ssize_t read_now(int fd, void *buf, size_t size);
/* The same, but with EOPNOTSUPP where the kernel cannot be told: for threads that nobody wakes. */
ssize_t read_unless_asleep(int fd, void *buf, size_t size);

#endif
