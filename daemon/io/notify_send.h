/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way to the service manager. Nothing here waits for it: what it does not take at once goes out when it does,
 * in order, and that it has taken something is heard in a later turn of the loop. Loop thread only.
 */
#ifndef HMMD_IO_NOTIFY_SEND_H
#define HMMD_IO_NOTIFY_SEND_H

#include <uv.h>

/* fd: goes along, stays the caller's; -1: none. 0; -ENOTCONN: there is no manager; -errno. */
int notify_send(const char *text, int fd);
/* The same, dropped when others wait already: for what is said again soon. */
void notify_send_now(const char *text);
/*
 * Calls fn once, in a later turn of the loop: 0 when the manager has taken all that was sent before, -ETIMEDOUT
 * when it has not within 5 s, -ECANCELED when the loop ends before. 0; -errno: fn is not called.
 */
typedef void notify_taken_fn(void *userdata, int result);
int notify_barrier(notify_taken_fn *fn, void *userdata);

void notify_send_start(uv_loop_t *loop);
/* Who waits hears it; what is queued gets a last chance. The loop runs once more to close the handles. */
void notify_send_stop(void);

#endif
