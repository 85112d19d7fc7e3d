/* SPDX-License-Identifier: GPL-2.0-or-later */
/* systemd: readiness, watchdog, status line, sockets and the fd store. Every call is harmless outside systemd. */
#ifndef HMMD_IO_NOTIFY_H
#define HMMD_IO_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct config;
struct daemon;

/* Takes over LISTEN_FDS once. Descriptors are handed out by name: "client" (socket), "uffd", "u<client>", "m<client>" (its one file), "m<range>", "d<tier>". */
int notify_take_fds(void);
int notify_fd(const char *name);		/* the next one with that name, now the caller's; -1: none */
void notify_close_rest(bool keep);		/* closes what nobody claimed, and unless it may be claimed later has the store forget it */
void notify_ready(struct daemon *d);
/* Before that: `at` of so many clients' ledgers have been read, which takes its time. Not more often than each second. */
void notify_restoring(size_t at, size_t of);
void notify_stopping(void);
void notify_reloading(void);
int notify_watchdog_start(struct daemon *d);	/* a timer in the loop: a stuck loop is a dead daemon */
void notify_watchdog_stop(struct daemon *d);
bool notify_has_store(void);
bool notify_survives_stop(void);		/* and it is still there after an orderly end (systemd 254 and later) */
/* Stores with FDPOLL=0; the manager has it after notify_barrier() (notify_send.h). NOTIFY_E_FULL: $FDSTORE is used up (counted here, since overflow is silent). 0 also when there is no store. */
enum { NOTIFY_E_FULL = 1 };
int notify_store(const char *name, int fd);
uint32_t notify_store_size(void);	/* places; 0: no store */
bool notify_has_place(uint32_t uid);	/* for descriptors of this user: the last ones are kept for root and hmmd's own */
void notify_forget(const char *name);
bool notify_stored(const char *name);	/* the store has it */
void fdstore_shares(struct config *c);	/* puts figures where quotas of a configuration say CONFIG_AUTO32 */
void notify_end(void);			/* forgets the list of names, not the store */

#endif
