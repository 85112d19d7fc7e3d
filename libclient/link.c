// SPDX-License-Identifier: LGPL-2.1-or-later
/* Connecting, and sleeping on the socket without holding the lock. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libclient/client.h"
#include "libclient/clock.h"

#define SPIN_US 50	/* before sleeping: what waking up an idle CPU costs */

/* What is no socket refuses like a daemon that is gone. */
static int refused(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISSOCK(st.st_mode) ? -ENOTSOCK : -ECONNREFUSED;
}

/* A full backlog makes connect(2) wait, but not for ever. */
static int connect_to(int fd, const struct sockaddr_un *address)
{
	const struct timeval patience = { .tv_sec = WIRE_ANSWER_US / USEC_PER_SEC };

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return 0;
	return errno == ECONNREFUSED ? refused(address->sun_path) : -errno;
}

static int check_owner(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	return peer.uid == geteuid() ? 0 : -EPERM;
}

int link_open(const struct sockaddr_un *address, bool wait, bool own_only, struct link **ret)
{
	struct link *l = malloc(sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	*l = (struct link){ .users = 1 };
	l->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
	r = l->fd < 0 ? -errno : connect_to(l->fd, address);
	if (!r && own_only)
		r = check_owner(l->fd);
	if (r) {
		link_unref(l);
		return r == -EAGAIN ? -ETIMEDOUT : r;
	}
	*ret = l;
	return 0;
}

struct link *link_unref(struct link *l)
{
	if (!l || --l->users > 0)
		return NULL;
	if (l->fd >= 0)
		close(l->fd);
	free(l);
	return NULL;
}

void link_arm(struct hmm_client *c, bool armed)
{
	struct epoll_event event = { .events = armed ? EPOLLIN : 0 };

	if (!c->link || c->armed == armed)
		return;
	epoll_ctl(c->epoll_fd, EPOLL_CTL_MOD, c->link->fd, &event);
	c->armed = armed;
}

static int wait_changed(struct hmm_client *c, uint64_t deadline_us)
{
	struct timespec at = clock_timespec(deadline_us);
	int r;

	c->waiting++;
	if (deadline_us == CLOCK_NEVER)
		r = pthread_cond_wait(&c->changed, &c->lock);
	else
		r = pthread_cond_timedwait(&c->changed, &c->lock, &at);
	c->waiting--;
	return r == ETIMEDOUT ? -ETIMEDOUT : 0;
}

/* True when something came. Most answers do within microseconds; an idle CPU takes longer to wake up. */
static bool spin_on(struct pollfd *p)
{
	uint64_t end_us = clock_after(SPIN_US);

	do {
		if (poll(p, 1, 0) > 0)
			return true;
	} while (clock_now_us() < end_us);
	return false;
}

/*
 * Sleeps on the socket; the lock is released meanwhile. Returns what poll(2) saw. `soon`: an answer is
 * expected, so look a while before sleeping.
 */
static short sleep_on(struct hmm_client *c, const struct link *l, short events,
		      uint64_t deadline_us, bool soon)
{
	struct pollfd p = { .fd = l->fd, .events = events };
	struct timespec left;
	uint64_t now;

	pthread_mutex_unlock(&c->lock);
	if (soon && spin_on(&p)) {
		pthread_mutex_lock(&c->lock);
		return p.revents;
	}
	now = clock_now_us();
	left = clock_timespec(deadline_us > now ? deadline_us - now : 0);
	ppoll(&p, 1, deadline_us == CLOCK_NEVER ? NULL : &left, NULL);
	pthread_mutex_lock(&c->lock);
	return p.revents;
}

int link_wait(struct hmm_client *c, const struct request *until, bool writable,
	      uint64_t deadline_us)
{
	struct link *l = c->link;
	bool reader = !c->reading;
	short seen;

	if (!l)
		return -ENOTCONN;
	if (!reader && !writable)
		return wait_changed(c, deadline_us);
	if (clock_now_us() >= deadline_us)
		return -ETIMEDOUT;
	l->users++;
	if (reader) {
		c->reading = true;
		link_arm(c, false);
	}
	seen = sleep_on(c, l, (short)((reader ? POLLIN : 0) | (writable ? POLLOUT : 0)),
			deadline_us, until != NULL);
	if (reader) {
		c->reading = false;
		if (c->link == l && (seen & ~POLLOUT))
			wire_receive(c, until);
	}
	link_unref(l);
	return 0;
}

void link_wait_end(struct hmm_client *c)
{
	if (c->reading)
		return;
	if (c->waiting > 0)
		pthread_cond_broadcast(&c->changed);
	else
		link_arm(c, true);
}
