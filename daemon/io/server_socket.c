// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Binding. A daemon that was killed leaves its socket file behind; whether somebody listens on it
 * is found out by connecting, never guessed from the file.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/io/server_socket.h"

enum {
	BACKLOG = 128,		/* connections that may wait while one turn of the loop runs */
	/* The lodge of a hmmd that was killed takes a moment to say that nobody listens there any more. */
	LOOKS = 400,
	LOOK_US = 5000
};

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* -EADDRINUSE or -ECONNREFUSED, else it could not be found out. */
static int look(const struct sockaddr_un *addr)
{
	int fd = new_socket(), r;

	if (fd < 0)
		return fd;
	r = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ? -EADDRINUSE : -errno;
	close(fd);
	/* its queue is full, or it is of another kind: it lives */
	return r == -EAGAIN || r == -EPROTOTYPE ? -EADDRINUSE : r;
}

/* 0: nobody listens and the file is gone. */
static int remove_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int r;

	if (lstat(addr->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	r = look(addr);
	for (int i = 1; r == -EADDRINUSE && i < LOOKS; i++) {
		usleep(LOOK_US);
		r = look(addr);
	}
	if (r == -ENOENT)
		return 0;
	if (r != -ECONNREFUSED)
		return r;
	return unlink(addr->sun_path) < 0 ? -errno : 0;
}

static int bind_and_listen(int fd, const struct sockaddr_un *addr, mode_t mode)
{
	if (bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0)
		return -errno;
	if (chmod(addr->sun_path, mode) < 0 || listen(fd, BACKLOG) < 0) {
		int r = -errno;

		unlink(addr->sun_path);
		return r;
	}
	return 0;
}

int server_socket_bind(const char *path, bool everybody, int *ret_fd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	r = remove_stale(&addr);
	if (r)
		return r;
	fd = new_socket();
	if (fd < 0)
		return fd;
	r = bind_and_listen(fd, &addr, everybody ? 0666 : 0600);
	if (r)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}
