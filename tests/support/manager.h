/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stand-in for systemd's service manager, as far as hmmd's service talks to it: socket activation,
 * the notify socket with READY, WATCHDOG, STOPPING, RELOADING and BARRIER, and the fd store with its
 * silent maximum. So a restart under a running client can be tested where no systemd is.
 */
#ifndef HMMD_TESTS_SUPPORT_MANAGER_H
#define HMMD_TESTS_SUPPORT_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct manager;

enum { MANAGER_STORE = 512, MANAGER_NAME = 64, MANAGER_FDS = MANAGER_STORE + 4 };

/* What a started daemon gets: descriptors from 3 on, and their names as one LISTEN_FDNAMES value. */
struct manager_gift {
	int fds[MANAGER_FDS];
	size_t n;
	char names[MANAGER_FDS * MANAGER_NAME];
};

/* Listens on the client socket and on the notify socket. store: how many descriptors it keeps, at most MANAGER_STORE. */
struct manager *manager_new(const char *client_socket, const char *notify_socket, size_t store);
void manager_free(struct manager *m);

void manager_gift(struct manager *m, struct manager_gift *ret);	/* also forgets READY; descriptors stay the manager's */
const char *manager_notify_path(const struct manager *m);
size_t manager_capacity(const struct manager *m);
bool manager_ready(struct manager *m);
unsigned int manager_watchdogs(struct manager *m);
unsigned int manager_extended(struct manager *m);	/* how often more time was asked for before it was ready */
unsigned int manager_reloads(struct manager *m);
unsigned int manager_refused(struct manager *m);	/* descriptors beyond the maximum, dropped as systemd does */
size_t manager_stored(struct manager *m);
/* How many stored descriptors have a name that begins so. */
size_t manager_stored_named(struct manager *m, const char *prefix);
/* It hears nothing until it is released: a manager that hangs. */
void manager_hold(struct manager *m);
void manager_release(struct manager *m);
void manager_forget_all(struct manager *m);		/* the store is lost, as when the unit is collected */

#endif
