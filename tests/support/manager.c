// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One thread reads the notify socket; everything else takes the lock. A barrier is answered the way
 * systemd does it: by closing the pipe that came along, after all earlier messages were handled.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/manager.h"
#include "tests/support/test.h"

struct stored {
	char name[MANAGER_NAME];
	int fd;
};

struct manager {
	char notify_path[108];
	int listener, notify, stop;
	pthread_t thread;
	pthread_mutex_t lock;		/* guards all below */
	struct stored store[MANAGER_STORE];
	size_t n, capacity;
	bool ready;
	unsigned int watchdogs, reloads, refused, extended;
};

static int bind_socket(const char *path, int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(chmod(path, 0666), 0);
	return fd;
}

static bool has_line(const char *message, const char *line, const char **ret_value)
{
	size_t size = strlen(line);

	for (const char *p = message; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (!strncmp(p, line, size)) {
			*ret_value = p + size;
			return true;
		}
	return false;
}

static void cut_name(const char *value, char *ret_name)
{
	size_t size = strcspn(value, "\n");

	snprintf(ret_name, MANAGER_NAME, "%.*s", (int)size, value);
}

/* systemd keeps one of two descriptors that are the same file under the same name; so does this. */
static void store_add(struct manager *m, const char *name, int fd)
{
	struct stat a, b;

	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->store[i].name, name) && !fstat(fd, &a) && !fstat(m->store[i].fd, &b) &&
		    a.st_dev == b.st_dev && a.st_ino == b.st_ino && S_ISREG(a.st_mode)) {
			close(fd);
			return;
		}
	if (m->n == m->capacity) {
		m->refused++;
		close(fd);
		return;
	}
	snprintf(m->store[m->n].name, MANAGER_NAME, "%s", name);
	m->store[m->n++].fd = fd;
}

static void store_remove(struct manager *m, const char *name)
{
	for (size_t i = 0; i < m->n;)
		if (!strcmp(m->store[i].name, name)) {
			close(m->store[i].fd);
			m->store[i] = m->store[--m->n];
		} else {
			i++;
		}
}

static void handle(struct manager *m, const char *message, int *fds, size_t n)
{
	char name[MANAGER_NAME] = "stored";
	const char *value;

	if (has_line(message, "FDNAME=", &value))
		cut_name(value, name);
	if (has_line(message, "FDSTORE=1", &value))
		for (size_t i = 0; i < n; i++) {
			store_add(m, name, fds[i]);
			fds[i] = -1;
		}
	if (has_line(message, "FDSTOREREMOVE=1", &value))
		store_remove(m, name);
	m->extended += !m->ready && has_line(message, "EXTEND_TIMEOUT_USEC=", &value);
	m->ready |= has_line(message, "READY=1", &value);
	m->watchdogs += has_line(message, "WATCHDOG=1", &value);
	m->reloads += has_line(message, "RELOADING=1", &value);
}

/* One notification; false: there is none. */
static bool receive(struct manager *m)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(64 * sizeof(int))]; } control;
	char message[4096];
	struct iovec iov = { message, sizeof(message) - 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t size = recvmsg(m->notify, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	int fds[64];
	size_t n = 0;

	if (size < 0)
		return false;
	message[size] = '\0';
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		}
	handle(m, message, fds, n);
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return true;
}

/* As systemd does: what a service said is heard before anything is concluded from its death. */
static void lock_and_hear(struct manager *m)
{
	pthread_mutex_lock(&m->lock);
	while (receive(m))
		;
}

static void *run(void *arg)
{
	struct manager *m = arg;
	struct pollfd p[] = { { m->notify, POLLIN, 0 }, { m->stop, POLLIN, 0 } };

	while (poll(p, 2, -1) >= 0 || errno == EINTR) {
		if (p[1].revents)
			return NULL;
		if (p[0].revents) {
			lock_and_hear(m);
			pthread_mutex_unlock(&m->lock);
		}
	}
	return NULL;
}

struct manager *manager_new(const char *client_socket, const char *notify_socket, size_t store)
{
	struct manager *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	assert_true(store <= MANAGER_STORE);
	m->capacity = store;
	m->listener = bind_socket(client_socket, SOCK_SEQPACKET);
	assert_int_equal(listen(m->listener, 128), 0);
	m->notify = bind_socket(notify_socket, SOCK_DGRAM);
	m->stop = eventfd(0, EFD_CLOEXEC);
	snprintf(m->notify_path, sizeof(m->notify_path), "%s", notify_socket);
	pthread_mutex_init(&m->lock, NULL);
	assert_int_equal(pthread_create(&m->thread, NULL, run, m), 0);
	return m;
}

void manager_hold(struct manager *m)
{
	pthread_mutex_lock(&m->lock);
}

void manager_release(struct manager *m)
{
	pthread_mutex_unlock(&m->lock);
}

void manager_forget_all(struct manager *m)
{
	pthread_mutex_lock(&m->lock);
	while (m->n)
		close(m->store[--m->n].fd);
	pthread_mutex_unlock(&m->lock);
}

void manager_free(struct manager *m)
{
	uint64_t one = 1;

	if (write(m->stop, &one, sizeof(one)) != sizeof(one))
		abort();
	pthread_join(m->thread, NULL);
	manager_forget_all(m);
	close(m->listener);
	close(m->notify);
	close(m->stop);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static void gift_add(struct manager_gift *g, const char *name, int fd)
{
	size_t at = strlen(g->names);

	snprintf(g->names + at, sizeof(g->names) - at, "%s%s", g->n ? ":" : "", name);
	g->fds[g->n++] = fd;
}

void manager_gift(struct manager *m, struct manager_gift *ret)
{
	ret->n = 0;
	ret->names[0] = '\0';
	gift_add(ret, "client", m->listener);
	lock_and_hear(m);
	m->ready = false;
	m->extended = 0;
	for (size_t i = 0; i < m->n; i++)
		gift_add(ret, m->store[i].name, m->store[i].fd);
	pthread_mutex_unlock(&m->lock);
}

#define LOCKED(type, expression) ({		\
	type value_;				\
	lock_and_hear(m);			\
	value_ = (expression);			\
	pthread_mutex_unlock(&m->lock);		\
	value_;					\
})

const char *manager_notify_path(const struct manager *m)
{
	return m->notify_path;
}

size_t manager_capacity(const struct manager *m)
{
	return m->capacity;
}

bool manager_ready(struct manager *m)
{
	return LOCKED(bool, m->ready);
}

unsigned int manager_watchdogs(struct manager *m)
{
	return LOCKED(unsigned int, m->watchdogs);
}

unsigned int manager_extended(struct manager *m)
{
	return LOCKED(unsigned int, m->extended);
}

unsigned int manager_reloads(struct manager *m)
{
	return LOCKED(unsigned int, m->reloads);
}

unsigned int manager_refused(struct manager *m)
{
	return LOCKED(unsigned int, m->refused);
}

size_t manager_stored(struct manager *m)
{
	return LOCKED(size_t, m->n);
}

static size_t count_prefix(const struct manager *m, const char *prefix)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += !strncmp(m->store[i].name, prefix, strlen(prefix));
	return n;
}

size_t manager_stored_named(struct manager *m, const char *prefix)
{
	return LOCKED(size_t, count_prefix(m, prefix));
}
