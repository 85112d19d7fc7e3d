/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hmmd's side of the porters (porter.h): one for each user that has connections. Loop thread only. */
#ifndef HMMD_IO_PORTERS_H
#define HMMD_IO_PORTERS_H

#include <stdint.h>
#include <sys/types.h>

struct daemon;
struct porters;
struct porter_user;
struct session;

enum { PORTERS_E_FULL = 1 };	/* the user has sent more descriptors than can be got rid of */

/* Takes the lodge's channel over, also on failure. */
int porters_new(struct porters **ret, struct daemon *d, int lodge);
/* hmmd's own listening socket, which it must not be the last to close. */
void porters_listener(struct porters *ps, int fd);
/* A new session: its user's porter gets a duplicate of its socket. -errno: it must not be served. */
int porters_hold(struct porters *ps, struct session *s);
/* The packet at the head of its queue; session_took() gets it. 0, PORTERS_E_FULL, -errno. */
int porters_take(struct porters *ps, struct session *s);
/* Closes the socket of a session that was held and is shut down. */
void porters_drop(struct porters *ps, struct session *s);
/* Closes a socket that became no session. */
void porters_bury(struct porters *ps, int fd, uid_t uid);
/* Closes its handles; libuv needs a turn. Sockets may still be dropped: the porters keep theirs. */
void porters_stop(struct porters *ps);
struct porters *porters_free(struct porters *ps);	/* after that turn */

#endif
