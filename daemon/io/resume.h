/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Coming back after the daemon died or was restarted: ledgers in the state directory, descriptors from
 * systemd's fd store, clients that reconnect and send theirs again. A client is known again only when
 * pid, start time and uid are those of its ledger; a backing file only when it is the inode on record.
 */
#ifndef HMMD_IO_RESUME_H
#define HMMD_IO_RESUME_H

#include <stdbool.h>
#include "daemon/io/ledgerfile.h"
#include "daemon/mech/doors.h"

struct daemon;
struct space;

/* At start-up, before the sockets are served: restores every space whose process lives, reserves its device slots, and (where the fd store had its descriptors) begins to recover it. */
int resume_restore(struct daemon *d);
/* Hello with resume_client: the waiting space of that client when the peer is who the ledger says, else NULL. It leaves the waiting list and belongs to the session. */
struct space *resume_claim(struct daemon *d, uint64_t client, const struct peer *peer);
/* One entry of a Resume frame. fd: the backing file, taken over on success; -1: that of an entry before it. 0; or a positive RESUME_E_*. */
enum { RESUME_E_UNKNOWN = 1, RESUME_E_DIFFERENT = 2 /* address, size or inode are not those on record */ };
int resume_range(struct daemon *d, struct space *s, uint64_t id, uint64_t addr, uint64_t size, int fd);
/* An adopted range that was kept since the connection ended (resume_park): it is as it was, with its pins. False: there is none. */
bool resume_kept(struct daemon *d, struct space *s, uint64_t id, uint64_t addr, uint64_t size);
/* An adopted range is there again, under the id that it had: so are its pins, which the driver still holds. */
void resume_adopted(struct daemon *d, struct range *r);
/*
 * After the last one: ranges on record that did not come are dropped; every page is brought to rest, step by step; then
 * it is served, and request_resumed() called, perhaps before this returns. -EINVAL: there is nothing to finish.
 */
int resume_finish(struct daemon *d, struct space *s, uint64_t session, uint64_t request);
/* Clients that are being brought to rest, and their pages that are not yet. */
void resume_progress(struct daemon *d, uint64_t *ret_clients, uint64_t *ret_pages);
bool resume_is_recovering(struct daemon *d, const struct space *s);
/* Some pages of it are in no books yet: it waits for its client, or is being brought to rest. */
bool resume_is_unsettled(struct daemon *d, const struct space *s);
bool resume_any_left(struct daemon *d);	/* a client's pages are where an earlier daemon left them */
unsigned int resume_steps(void);	/* errands under way in clients' memory */
/*
 * The connection ended; while the client's memory lives, a space with managed ranges, or adopted ones that the kernel
 * driver has, waits for it to come back, like one of an earlier daemon, and is served meanwhile. False: nothing to wait for, retire it.
 */
bool resume_park(struct daemon *d, struct space *s, const struct peer *peer);
/* The space dies before resume_finish(): its slots are free again, its record is forgotten. Harmless for others. */
void resume_forget(struct daemon *d, struct space *s);
/* Clients that did not come back and whose process ended are cleaned up (called on a slow timer). */
void resume_sweep(struct daemon *d);
void resume_sweep_ended(struct daemon *d);	/* the part of it that asks nobody: whose process has ended */

/* Threads of clients that are not served yet may wait: added to what waits of them. */
void resume_waits(struct daemon *d);

struct ledgerfile *space_ledger(const struct space *s);	/* kept by resume.c in a table by space */
void space_set_ledger(struct space *s, struct ledgerfile *l);

#endif
