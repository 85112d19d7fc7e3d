// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon's side of the keeper (keeper.h). A file is with the keeper as soon as it is sent: what lies in the
 * keeper's socket outlives the sender.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/io/keeper_own.h"
#include "proto/fd.h"

enum { ANSWER_MS = 10000 /* the keeper has nothing else to do; one that does not answer is no keeper */ };

struct kept {
	char name[KEEPER_NAME];
	int fd;				/* -1: taken */
};
struct keeper {
	int sock;
	struct kept files[KEEPER_FILES];	/* what an earlier daemon left */
	unsigned int n;
};

void keeper_address(int dir, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/" KEEPER_SOCKET, dir);
}

/* Nobody else may hand us files, nor be handed any. */
static int same_user(int sock)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	return peer.uid == geteuid() ? 0 : -EACCES;
}

static int take_file(struct keeper *k, const struct keeper_packet *p, int fd)
{
	struct kept *f = &k->files[k->n];

	if (fd < 0 || k->n == KEEPER_FILES || !memchr(p->name, '\0', sizeof(p->name)))
		return -EPROTO;
	memcpy(f->name, p->name, sizeof(f->name));
	f->fd = fd;
	k->n++;
	return 0;
}

/* 0: one file more; 1: these were all; -errno. */
static int receive(struct keeper *k)
{
	struct pollfd p = { .fd = k->sock, .events = POLLIN };
	struct keeper_packet packet;
	size_t size = 0, n = 0;
	int fd = -1, r;

	if (poll(&p, 1, ANSWER_MS) <= 0)
		return -ETIMEDOUT;
	r = fd_recv(k->sock, &packet, sizeof(packet), &fd, 1, &size, &n);
	if (r)
		return r < 0 ? r : -ECONNRESET;
	r = size == sizeof(packet) && packet.version == KEEPER_VERSION ? 0 : -EPROTO;
	if (!r && packet.verb == KEEPER_ALL)
		return 1;
	if (!r)
		r = packet.verb == KEEPER_FILE ? take_file(k, &packet, fd) : -EPROTO;
	if (r)
		fd_close_all(&fd, 1);
	return r;
}

static int receive_all(struct keeper *k)
{
	int r;

	do
		r = receive(k);
	while (r == 0);
	return r < 0 ? r : 0;
}

/* -ENOENT and -ECONNREFUSED: there is none. */
static int find(struct keeper *k, int dir)
{
	struct sockaddr_un address;
	int r;

	keeper_address(dir, &address);
	k->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (k->sock < 0)
		return -errno;
	if (connect(k->sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	r = same_user(k->sock);
	return r ? r : receive_all(k);
}

static int listen_there(int dir, int *ret_sock)
{
	struct sockaddr_un address;
	mode_t mask = umask(0077);
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), r = 0;

	keeper_address(dir, &address);
	unlinkat(dir, KEEPER_SOCKET, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(sock, 1) < 0)
		r = -errno;
	umask(mask);
	if (r && sock >= 0)
		close(sock);
	if (!r)
		*ret_sock = sock;
	return r;
}

/* Out of the daemon's session and of its descriptors, so that neither its end nor who waits for it is held up. */
static _Noreturn void become_keeper(const char *state_dir, int listener, int daemon)
{
	char *where = realpath(state_dir, NULL);	/* no working directory is kept busy */
	enum { LISTENER = 3, DAEMON = 4, FIRST_REST = 5 };
	int l = fcntl(listener, F_DUPFD, FIRST_REST), d = fcntl(daemon, F_DUPFD, FIRST_REST), null;

	if (!where || setsid() < 0 || fork() != 0 || chdir("/") < 0)
		_exit(0);
	dup2(l, LISTENER);
	dup2(d, DAEMON);
	close_range(FIRST_REST, ~0U, 0);
	null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < LISTENER && null >= 0; fd++)
		dup2(null, fd);
	if (null >= FIRST_REST)
		close(null);
	prctl(PR_SET_NAME, "hmmd-keeper");
	signal(SIGPIPE, SIG_IGN);
	keeper_serve(where, LISTENER, DAEMON);
}

static int start(struct keeper *k, const char *state_dir, int dir)
{
	int pair[2], listener, status, r = listen_there(dir, &listener);
	pid_t pid;

	if (r)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		r = -errno;
		close(listener);
		return r;
	}
	pid = fork();
	r = -errno;
	if (pid == 0)
		become_keeper(state_dir, listener, pair[1]);
	close(listener);
	close(pair[1]);
	if (pid > 0) {
		k->sock = pair[0];
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		return receive_all(k);
	}
	close(pair[0]);
	return r;
}

static int find_or_start(struct keeper *k, const char *state_dir, int dir)
{
	int r = find(k, dir);

	if (r != -ENOENT && r != -ECONNREFUSED && r != -ECONNRESET)	/* it has just ended */
		return r;
	close(k->sock);
	k->sock = -1;
	return start(k, state_dir, dir);
}

int keeper_open(struct keeper **ret, const char *state_dir)
{
	int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
	struct keeper *k = dir < 0 ? NULL : calloc(1, sizeof(*k));

	if (!k) {
		r = -errno;
		if (dir >= 0)
			close(dir);
		return r;
	}
	k->sock = -1;
	r = find_or_start(k, state_dir, dir);
	close(dir);
	if (r) {
		keeper_close(k);
		return r;
	}
	*ret = k;
	return 0;
}

int keeper_take(struct keeper *k, const char *name)
{
	unsigned int i;
	int fd;

	for (i = 0; k && i < k->n; i++)
		if (k->files[i].fd >= 0 && !strcmp(k->files[i].name, name)) {
			fd = k->files[i].fd;
			k->files[i].fd = -1;
			return fd;
		}
	return -1;
}

int keeper_put(struct keeper *k, const char *name, int fd)
{
	struct keeper_packet p = { .version = KEEPER_VERSION, .verb = KEEPER_FILE };
	int r;

	snprintf(p.name, sizeof(p.name), "%s", name);
	r = fd_send(k->sock, &p, sizeof(p), &fd, 1, 0);
	return r > 0 ? -ECONNRESET : r;
}

void keeper_drop(struct keeper *k, const char *name)
{
	struct keeper_packet p = { .version = KEEPER_VERSION, .verb = KEEPER_DROP };

	snprintf(p.name, sizeof(p.name), "%s", name);
	(void)fd_send(k->sock, &p, sizeof(p), NULL, 0, 0);
}

void keeper_forget(struct keeper *k)
{
	const struct keeper_packet p = { .version = KEEPER_VERSION, .verb = KEEPER_FORGET };

	if (k)
		(void)fd_send(k->sock, &p, sizeof(p), NULL, 0, 0);
}

struct keeper *keeper_close(struct keeper *k)
{
	unsigned int i;

	if (!k)
		return NULL;
	for (i = 0; i < k->n; i++)
		fd_close_all(&k->files[i].fd, 1);
	if (k->sock >= 0)
		close(k->sock);
	free(k);
	return NULL;
}
