/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a packet to the function that answers it. */
#ifndef HMMD_IO_DISPATCH_H
#define HMMD_IO_DISPATCH_H

#include <stddef.h>
#include <stdint.h>

struct session;

/* Descriptors that the request takes over are set to -1; the caller closes the others. */
void dispatch_frame(struct session *s, const uint8_t *packet, size_t size, int *fds, size_t n_fds);
/* The id of a frame whose header is there, whatever else is wrong; 0 when even the magic is not. */
uint64_t dispatch_id_of(const uint8_t *packet);
/* A packet that could not be received whole, with at least its header there: answered, then disconnected. */
void dispatch_refuse_packet(struct session *s, const uint8_t *packet, int code, const char *text);

#endif
