/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a session's socket; writing is session_send(). */
#ifndef HMMD_IO_SESSION_SOCKET_H
#define HMMD_IO_SESSION_SOCKET_H

#include <uv.h>

void session_ready(uv_poll_t *handle, int status, int events);

#endif
