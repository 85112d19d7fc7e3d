// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keeper's side (keeper.h). While a daemon is connected it only listens; without one it looks once a second
 * whether a program of the state directory's ledgers still lives. It reads their headers and locks nothing: a
 * program that gives its ranges up, or the next daemon, must not find the keeper in its way. A ledger that it cannot
 * make sense of counts as that of one who lives: not knowing is no reason to let go.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/keeper_own.h"
#include "daemon/io/ledgerfile.h"
#include "daemon/io/resume_own.h"
#include "proto/fd.h"

enum { LOOK_MS = 1000 };

struct kept {
	char name[KEEPER_NAME];
	int fd;
};
struct keeping {
	const char *state_dir;
	int listener, daemon;		/* daemon -1: none is there */
	struct kept files[KEEPER_FILES];
	unsigned int n;
};

static void forget(struct keeping *k)
{
	while (k->n)
		close(k->files[--k->n].fd);
}

static void keep(struct keeping *k, const char *name, int fd)
{
	unsigned int i;

	for (i = 0; i < k->n && strcmp(k->files[i].name, name); i++)
		;
	if (i == KEEPER_FILES) {
		close(fd);
		return;
	}
	if (i < k->n)
		close(k->files[i].fd);
	else
		k->n++;
	snprintf(k->files[i].name, sizeof(k->files[i].name), "%s", name);
	k->files[i].fd = fd;
}

static void drop(struct keeping *k, const char *name)
{
	for (unsigned int i = 0; i < k->n; i++)
		if (!strcmp(k->files[i].name, name)) {
			close(k->files[i].fd);
			k->files[i] = k->files[--k->n];
			return;
		}
}

static void let_daemon_go(struct keeping *k)
{
	close(k->daemon);
	k->daemon = -1;
}

static void hear(struct keeping *k)
{
	struct keeper_packet p;
	size_t size = 0, n = 0;
	int fd = -1, r = fd_recv(k->daemon, &p, sizeof(p), &fd, 1, &size, &n);

	if (r == -EAGAIN)
		return;
	if (r || size != sizeof(p) || p.version != KEEPER_VERSION || !memchr(p.name, '\0', sizeof(p.name))) {
		fd_close_all(&fd, 1);
		let_daemon_go(k);
		return;
	}
	if (p.verb == KEEPER_FILE && fd >= 0)
		keep(k, p.name, fd);
	else
		fd_close_all(&fd, 1);
	if (p.verb == KEEPER_FORGET)
		forget(k);
	if (p.verb == KEEPER_DROP)
		drop(k, p.name);
}

static void tell_all(struct keeping *k)
{
	struct keeper_packet p = { .version = KEEPER_VERSION, .verb = KEEPER_FILE };
	unsigned int i;
	int r = 0;

	for (i = 0; i < k->n && !r; i++) {
		memcpy(p.name, k->files[i].name, sizeof(p.name));
		r = fd_send(k->daemon, &p, sizeof(p), &k->files[i].fd, 1, 0);
	}
	p.verb = KEEPER_ALL;
	if (r || fd_send(k->daemon, &p, sizeof(p), NULL, 0, 0))
		let_daemon_go(k);
}

/* Only who has the state directory's lock comes here, so an older connection is a dead one's. */
static void welcome(struct keeping *k)
{
	int sock = accept4(k->listener, NULL, NULL, SOCK_CLOEXEC);
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (sock < 0)
		return;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != geteuid()) {
		close(sock);
		return;
	}
	if (k->daemon >= 0)
		let_daemon_go(k);
	k->daemon = sock;
	tell_all(k);
}

static bool anybody_lives(const char *state_dir)
{
	uint64_t *clients = NULL;
	bool found = false;
	size_t n = 0, i;
	int r = ledgerfile_list(state_dir, &clients, &n);

	for (i = 0; i < n && !found; i++)
		found = process_owner_may_live(state_dir, clients[i]);
	free(clients);
	return found || (r < 0 && r != -ENOENT);
}

static void look_and_listen(struct keeping *k)
{
	struct pollfd p[2] = { { .fd = k->listener, .events = POLLIN }, { .fd = k->daemon, .events = POLLIN } };

	if (poll(p, 2, k->daemon < 0 ? LOOK_MS : -1) < 0)
		return;
	if (p[1].revents && k->daemon >= 0)
		hear(k);
	if (p[0].revents)
		welcome(k);
}

/*
 * The socket's file stays behind: between a look at it and its removal another keeper may have put its own there.
 * The next daemon finds nobody behind it and removes it under the directory's lock.
 */
_Noreturn void keeper_serve(const char *state_dir, int listener, int daemon)
{
	struct keeping k = { .state_dir = state_dir, .listener = listener, .daemon = daemon };

	tell_all(&k);
	while (k.daemon >= 0 || (k.n && anybody_lives(state_dir)))
		look_and_listen(&k);
	_exit(0);
}
