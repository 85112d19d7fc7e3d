// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lodge (porter.h): forks porters, kills them, says when they are gone. It outlives hmmd by a moment: its
 * end is what lets go of the descriptors that hmmd must not be the last to close, so it waits for hmmd's
 * process and not for the end of the connection, which a dying hmmd may close before all others.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/io/porter.h"
#include "proto/fd.h"

enum { CHANNEL = 3, PARENT, FIRST_FREE };	/* descriptors of the lodge; a porter has the first only */

struct child {
	struct child *next;
	uint64_t id;
	pid_t pid;
};

struct lodge_self {
	int signals, listener;
	struct child *children;
};

static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	syscall(SYS_capset, &head, none);
}

/* Nothing of hmmd's descriptors stays: not the lock of the state directory, not the log that somebody reads to its end. */
static void keep_only(int channel, int parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	channel = fcntl(channel, F_DUPFD_CLOEXEC, FIRST_FREE);
	parent = parent < 0 ? -1 : fcntl(parent, F_DUPFD_CLOEXEC, FIRST_FREE);
	for (int i = 0; i < CHANNEL; i++)
		dup2(null, i);
	dup2(channel, CHANNEL);
	if (parent >= 0)
		dup2(parent, PARENT);
	close_range(parent < 0 ? PARENT : FIRST_FREE, ~0U, 0);
}

static void tell_gone(uint64_t id)
{
	struct porter_note note = { .id = id };

	fd_send(CHANNEL, &note, sizeof(note), NULL, 0, 0);
}

static pid_t fork_child(pid_t parent)
{
	sigset_t all;
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(0);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	prctl(PR_SET_NAME, "hmm-porter", 0, 0, 0);
	return 0;
}

/*
 * The channel is closed once a porter has it. When there is none it stays open for good: in its queue may lie
 * sockets whose close waits, and the lodge waits for nobody.
 */
static void spawn(struct lodge_self *l, uint64_t id, int *channel)
{
	struct child *c = malloc(sizeof(*c));
	pid_t pid = c ? fork_child(getpid()) : -1;

	if (!pid) {
		keep_only(*channel, -1);
		porter_main(CHANNEL);
	}
	if (pid < 0) {
		free(c);
		tell_gone(id);
		return;
	}
	*c = (struct child){ .next = l->children, .id = id, .pid = pid };
	l->children = c;
	fd_close_all(channel, 1);
}

static void end(struct lodge_self *l, uint64_t id)
{
	for (struct child *c = l->children; c; c = c->next)
		if (c->id == id)
			kill(c->pid, SIGKILL);
}

/* A child of its own closes it, in its exit: it lives until ours is no longer the last. */
static void bury(int *fd)
{
	pid_t pid = fork_child(getpid());

	if (!pid)
		for (;;)
			pause();
	if (pid < 0)
		return;
	fd_close_all(fd, 1);
	kill(pid, SIGKILL);
}

static void obey(struct lodge_self *l, const struct porter_letter *letter, int *fds, size_t n_fds)
{
	if (letter->verb == LODGE_END) {
		end(l, letter->id);
	} else if (letter->verb == LODGE_SPAWN && n_fds == 1) {
		spawn(l, letter->id, &fds[0]);
	} else if (letter->verb == LODGE_LISTENER && n_fds == 1) {
		l->listener = fds[0];
	} else if (letter->verb == LODGE_BURY && n_fds == 1) {
		bury(&fds[0]);
	}
}

static void reap(struct lodge_self *l)
{
	struct signalfd_siginfo info;
	pid_t pid;

	if (read(l->signals, &info, sizeof(info)) < 0)
		return;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (struct child **at = &l->children; *at; at = &(*at)->next) {
			struct child *c = *at;

			if (c->pid != pid)
				continue;
			*at = c->next;
			tell_gone(c->id);
			free(c);
			break;
		}
}

/* false: hmmd's end of the channel is closed. */
static bool read_letters(struct lodge_self *l)
{
	struct porter_letter letter;
	size_t size, n_fds;
	int fds[1], r;

	while ((r = fd_recv(CHANNEL, &letter, sizeof(letter), fds, 1, &size, &n_fds)) == 0)
		if (size == sizeof(letter))
			obey(l, &letter, fds, n_fds);
	return r == -EAGAIN;
}

/*
 * Nobody finds a listener any more that nobody accepts from; then all are let go. What waits in the queue of
 * the listener may hold this process up, so the children are not left to its end.
 */
static _Noreturn void hmmd_is_gone(struct lodge_self *l)
{
	if (l->listener >= 0)
		shutdown(l->listener, SHUT_RDWR);
	for (struct child *c = l->children; c; c = c->next)
		kill(c->pid, SIGKILL);
	_exit(0);
}

static _Noreturn void lodge_main(void)
{
	struct lodge_self l = { .listener = -1 };
	struct pollfd polls[] = { { PARENT, POLLIN, 0 }, { CHANNEL, POLLIN, 0 }, { -1, POLLIN, 0 } };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_SETMASK, &child, NULL);
	l.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	polls[2].fd = l.signals;
	for (;;) {
		poll(polls, 3, -1);
		if (polls[0].revents)
			hmmd_is_gone(&l);
		if (polls[2].revents)
			reap(&l);
		if (polls[1].revents && !read_letters(&l))
			polls[1].fd = -1;
	}
}

static _Noreturn void become_lodge(int channel, int parent)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	keep_only(channel, parent);
	drop_capabilities();
	prctl(PR_SET_NAME, "hmm-lodge", 0, 0, 0);
	lodge_main();
}

int lodge_start(struct lodge *ret)
{
	int pair[2], parent = (int)syscall(SYS_pidfd_open, getpid(), 0), r = 0;
	pid_t pid;

	if (parent < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		r = -errno;
		close(parent);
		return r;
	}
	pid = fork();
	if (!pid)
		become_lodge(pair[1], parent);
	if (pid < 0)
		r = -errno;
	fd_close_all(&parent, 1);
	fd_close_all(&pair[1], 1);
	if (r) {
		fd_close_all(&pair[0], 1);
		return r;
	}
	*ret = (struct lodge){ .channel = pair[0], .pid = pid };
	return 0;
}
