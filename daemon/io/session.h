/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection. It holds no policy: peer, queue, and the space once Hello was answered. */
#ifndef HMMD_IO_SESSION_H
#define HMMD_IO_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include "daemon/core/op.h"
#include "daemon/mech/doors.h"
#include "proto/hmmd.pb-c.h"

struct daemon;
struct session;
struct space;
struct range;

uint64_t session_id(const struct session *s);			/* never reused */
struct daemon *session_daemon(const struct session *s);
struct session *session_find(struct daemon *d, uint64_t id);	/* NULL: gone */
struct session *session_of_space(struct daemon *d, const struct space *space);	/* NULL: its client is away */
struct space *session_space(const struct session *s);		/* NULL before Hello */
const struct peer *session_peer(const struct session *s);
uint64_t session_features(const struct session *s);		/* of the client */
bool session_can_look(const struct session *s);			/* which pages of the peer are mapped, as far as known */
void session_cannot_look(struct session *s);			/* it was tried; s may be NULL */
/*
 * Queues a frame; descriptors are duplicated. A peer whose queue is over HMM_LIMIT_QUEUE is cut off. -EMFILE: hmmd has
 * no room for the descriptors, and the peer was told that instead.
 */
int session_send(struct session *s, uint64_t id, const Hmmd__Message *m, const int *fds, size_t n_fds);
bool session_is_behind(const struct session *s);	/* in reading what it was sent: what can be told later is not sent now */
void session_error(struct session *s, uint64_t id, int code, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Whether it is closing; it is closed when its process has another program than the one that said Hello. */
bool session_look(struct session *s);
/* Disconnects: the space is retired. The session is freed when libuv has closed its handles. */
void session_close(struct session *s, const char *why);
/* schedule.c tells: sends OpDone. */
void session_op_done(struct daemon *d, const struct op *op);
/* Pages of a range could not be read back: Lost event to its client. */
void session_lost(struct daemon *d, struct range *r, uint64_t vpn, uint64_t pages, const char *text);
/* To whom it is about, and to subscribers: of what is about a client, those who may see it. */
void server_broadcast_notice(struct daemon *d, uint64_t sequence, uint64_t client, uint32_t uid, const char *text);
/* What is about a client (0: none) of this user is told to its own user, and to whom controls hmmd. */
bool session_may_hear(const struct session *s, uint64_t client, uint32_t uid);
/* To clients that use the tier, each once until it is over; and that it is, to those who heard of it. */
void server_tell_pressure(struct daemon *d, unsigned int tier, unsigned int percent);
void server_tell_relief(struct daemon *d, unsigned int tier, unsigned int percent);
/* Every session whose client can zap: *cursor starts at NULL. */
struct session *server_next_session(struct daemon *d, struct session *previous);

#endif
