// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of sd_notify(3) on a socket that does not block, and its barrier as an event: a pipe whose one end the
 * manager gets, and closes when it has come to that message. One barrier is under way at a time; who comes
 * meanwhile shares the next one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/list.h"
#include "daemon/io/log.h"
#include "daemon/io/notify_send.h"
#include "proto/fd.h"

enum {
	BARRIER_MS = 5000,	/* the manager answers in milliseconds; one that does not is in trouble itself */
	LAST_CHANCE_MS = 50,	/* at the end */
	ROOM = 1 << 20		/* bytes that the socket holds for a manager that is busy */
};

struct unsent {
	struct list_node node;
	int fd;			/* ours, or -1 */
	char text[];
};

struct waiter {
	struct list_node node;
	notify_taken_fn *fn;
	void *userdata;
};

struct barrier {
	int fd;			/* the end that hangs up */
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned int handles;
	struct list_node waiters;
};

static struct {
	int fd;			/* -1: not open */
	uv_loop_t *loop;	/* NULL: nobody can be told later */
	struct list_node unsent;
	uv_poll_t *writable;	/* NULL: nothing waits */
	struct list_node waiters;	/* for the next barrier */
	struct barrier *barrier;	/* under way, or NULL */
} way = {
	.fd = -1,
	.unsent = { &way.unsent, &way.unsent },
	.waiters = { &way.waiters, &way.waiters },
};

static int open_way(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int room = ROOM;
	size_t n;

	if (way.fd >= 0)
		return 0;
	if (!path || (path[0] != '/' && path[0] != '@'))
		return -ENOTCONN;
	n = strlen(path);
	if (n >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, n);
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	way.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (way.fd < 0)
		return -errno;
	(void)setsockopt(way.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (connect(way.fd, (struct sockaddr *)&addr, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == 0)
		return 0;
	close(way.fd);
	way.fd = -1;
	return -ENOTCONN;
}

static int send_now(const char *text, int fd)
{
	int r = fd_send(way.fd, text, strlen(text), &fd, fd >= 0, MSG_DONTWAIT);

	return r == FD_E_CLOSED ? -EPIPE : r;
}

static bool is_full(int r)
{
	return r == -EAGAIN || r == -ENOBUFS;
}

static void unsent_drop(struct unsent *u)
{
	list_remove(&u->node);
	if (u->fd >= 0)
		close(u->fd);
	free(u);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void watch_no_more(void)
{
	if (way.writable)
		uv_close((uv_handle_t *)way.writable, on_closed);
	way.writable = NULL;
}

/* As far as it goes. A message that the socket refuses for good is dropped: its sender's barrier tells. */
static void flush(void)
{
	LIST_EACH_SAFE(node, next, &way.unsent) {
		struct unsent *u = container_of(node, struct unsent, node);
		int r = send_now(u->text, u->fd);

		if (is_full(r))
			return;
		if (r)
			log_line(LOG_LEVEL_WARNING, "the service manager cannot be told \"%.40s\": %s, ignoring", u->text,
				 strerror(-r));
		unsent_drop(u);
	}
	watch_no_more();
}

static void on_writable(uv_poll_t *poll, int status, int events)
{
	(void)poll;
	(void)status;
	(void)events;
	flush();
}

static int watch(void)
{
	int r;

	if (way.writable || !way.loop)
		return 0;
	way.writable = malloc(sizeof(*way.writable));
	if (!way.writable)
		return -ENOMEM;
	r = uv_poll_init(way.loop, way.writable, way.fd);
	if (r) {
		free(way.writable);
		way.writable = NULL;
		return r;
	}
	return uv_poll_start(way.writable, UV_WRITABLE, on_writable);
}

static int send_later(const char *text, int fd)
{
	size_t n = strlen(text) + 1;
	struct unsent *u = malloc(sizeof(*u) + n);

	if (!u)
		return -ENOMEM;
	memcpy(u->text, text, n);
	u->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0 && u->fd < 0) {
		free(u);
		return -EMFILE;
	}
	list_append(&way.unsent, &u->node);
	return watch();
}

int notify_send(const char *text, int fd)
{
	int r = open_way();

	if (r)
		return r;
	r = list_empty(&way.unsent) ? send_now(text, fd) : -EAGAIN;
	return is_full(r) ? send_later(text, fd) : r;
}

void notify_send_now(const char *text)
{
	if (list_empty(&way.unsent) && open_way() == 0)
		(void)send_now(text, -1);
}

static void tell_all(struct list_node *waiters, int result)
{
	LIST_EACH_SAFE(node, next, waiters) {
		struct waiter *w = container_of(node, struct waiter, node);

		list_remove(node);
		w->fn(w->userdata, result);
		free(w);
	}
}

static void barrier_closed(uv_handle_t *handle)
{
	struct barrier *b = handle->data;

	if (--b->handles)
		return;
	close(b->fd);
	free(b);
}

static int barrier_begin(void);

/* Those who came meanwhile begin the next one; if that cannot be, they hear why. */
static void barrier_end(int result)
{
	struct barrier *b = way.barrier;
	int r;

	way.barrier = NULL;
	uv_close((uv_handle_t *)&b->poll, barrier_closed);
	uv_close((uv_handle_t *)&b->timer, barrier_closed);
	tell_all(&b->waiters, result);
	r = way.barrier || list_empty(&way.waiters) ? 0 : barrier_begin();
	if (r)
		tell_all(&way.waiters, r);
}

static void on_hang_up(uv_poll_t *poll, int status, int events)
{
	(void)poll;
	(void)status;
	(void)events;
	barrier_end(0);
}

static void on_late(uv_timer_t *timer)
{
	(void)timer;
	barrier_end(-ETIMEDOUT);
}

static int barrier_watch(struct barrier *b)
{
	int r = uv_poll_init(way.loop, &b->poll, b->fd);

	if (r)
		return r;
	b->handles = 2;
	b->poll.data = b->timer.data = b;
	uv_timer_init(way.loop, &b->timer);
	uv_timer_start(&b->timer, on_late, BARRIER_MS, 0);
	uv_poll_start(&b->poll, UV_READABLE, on_hang_up);
	return 0;
}

static int barrier_begin(void)
{
	struct barrier *b = calloc(1, sizeof(*b));
	int ends[2], r;

	if (!b)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(b);
		return -EMFILE;
	}
	b->fd = ends[0];
	list_init(&b->waiters);
	r = notify_send("BARRIER=1", ends[1]);
	close(ends[1]);
	if (!r)
		r = barrier_watch(b);
	if (r) {
		close(b->fd);
		free(b);
		return r;
	}
	LIST_EACH_SAFE(node, next, &way.waiters) {
		list_remove(node);
		list_append(&b->waiters, node);
	}
	way.barrier = b;
	return 0;
}

int notify_barrier(notify_taken_fn *fn, void *userdata)
{
	struct waiter *w = way.loop ? malloc(sizeof(*w)) : NULL;
	int r;

	if (!w)
		return way.loop ? -ENOMEM : -ENOTCONN;
	*w = (struct waiter){ .fn = fn, .userdata = userdata };
	list_append(&way.waiters, &w->node);
	r = way.barrier ? 0 : barrier_begin();
	if (r) {
		list_remove(&w->node);
		free(w);
	}
	return r;
}

void notify_send_start(uv_loop_t *loop)
{
	way.loop = loop;
	if (!list_empty(&way.unsent))
		(void)watch();
}

void notify_send_stop(void)
{
	struct pollfd p = { .fd = way.fd, .events = POLLOUT };

	tell_all(&way.waiters, -ECANCELED);
	if (way.barrier)
		barrier_end(-ECANCELED);
	way.loop = NULL;
	if (!list_empty(&way.unsent) && poll(&p, 1, LAST_CHANCE_MS) > 0)
		flush();
	watch_no_more();
	LIST_EACH_SAFE(node, next, &way.unsent)
		unsent_drop(container_of(node, struct unsent, node));
}
