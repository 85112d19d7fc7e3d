/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a session's socket; writing is session_send(). */
#ifndef HMMD_IO_SESSION_SOCKET_H
#define HMMD_IO_SESSION_SOCKET_H

#include <stdint.h>
#include <uv.h>

struct porter_note;
struct session;

void session_ready(uv_poll_t *handle, int status, int events);
/* The packet that its porter was asked for; the caller closes the descriptors that are not taken over (set to -1). */
void session_took(struct session *s, const struct porter_note *n, const uint8_t *packet, size_t size, int *fds);
/* It will not come. */
void session_untaken(struct session *s, const char *why);

#endif
