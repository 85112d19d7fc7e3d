// SPDX-License-Identifier: GPL-2.0-or-later
/* The FUSE protocol by hand, as far as opening one file goes: no library, and nothing that answers by itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/stranger.h"
#include "tests/support/test.h"

enum { LINGER_S = 3600, FILE_NODE = 2, BUFFER = 1 << 17 };
/* The namespace is its own, so any directory that is there will do. */
#define MOUNT_AT "/mnt"

int stranger_lingering(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct linger linger = { 1, LINGER_S };
	static const char junk[65536];
	socklen_t size = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 2048;
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &size), 0);
	assert_int_equal(connect(s, (struct sockaddr *)&a, sizeof(a)), 0);
	while (send(s, junk, sizeof(junk), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	return s;
}

const char *stranger_missing(void)
{
	return access("/dev/fuse", R_OK | W_OK) || geteuid() ? "FUSE: /dev/fuse cannot be opened, or not mounted (root)" : NULL;
}

static void answer(int dev, uint64_t unique, int error, const void *body, size_t size)
{
	struct {
		struct fuse_out_header head;
		char body[256];
	} out = { .head = { .len = (uint32_t)(sizeof(out.head) + size), .error = error, .unique = unique } };

	memcpy(out.body, body, size);
	if (write(dev, &out, out.head.len) < 0 && errno != ENOENT)
		_exit(1);
}

static struct fuse_attr attr_of(uint64_t node)
{
	return (struct fuse_attr){ .ino = node, .nlink = 1, .mode = node == FILE_NODE ? S_IFREG | 0666 : S_IFDIR | 0777 };
}

static void serve_one(int dev, const struct fuse_in_header *in)
{
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096 };
	struct fuse_entry_out entry = { .nodeid = FILE_NODE, .entry_valid = 3600, .attr_valid = 3600, .attr = attr_of(FILE_NODE) };
	struct fuse_attr_out attr = { .attr_valid = 3600, .attr = attr_of(in->nodeid) };
	struct fuse_open_out open = { .fh = 1 };

	if (in->opcode == FUSE_INIT)
		answer(dev, in->unique, 0, &init, sizeof(init));
	else if (in->opcode == FUSE_LOOKUP)
		answer(dev, in->unique, 0, &entry, sizeof(entry));
	else if (in->opcode == FUSE_GETATTR)
		answer(dev, in->unique, 0, &attr, sizeof(attr));
	else if (in->opcode == FUSE_OPEN)
		answer(dev, in->unique, 0, &open, sizeof(open));
	else if (in->opcode != FUSE_FLUSH && in->opcode != FUSE_RELEASE && in->opcode != FUSE_FORGET &&
		 in->opcode != FUSE_INTERRUPT)
		answer(dev, in->unique, -ENOSYS, NULL, 0);
}

static void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

static _Noreturn void be_user(int done, void (*use)(int fd, void *userdata), void *userdata)
{
	int fd = open(MOUNT_AT "/file", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		_exit(1);
	use(fd, userdata);
	if (write(done, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static _Noreturn void be_server(int done, void (*use)(int fd, void *userdata), void *userdata)
{
	int dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	pid_t self = getpid();
	char options[96];
	static char in[BUFFER] __attribute__((aligned(16)));

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", dev);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("test", MOUNT_AT, "fuse", MS_NOSUID | MS_NODEV, options))
		_exit(1);
	if (fork() == 0) {
		die_with(self);
		close(dev);
		be_user(done, use, userdata);
	}
	for (;;) {
		if (read(dev, in, sizeof(in)) > 0)
			serve_one(dev, (const struct fuse_in_header *)(const void *)in);
		else if (errno != EINTR && errno != EAGAIN && errno != ENOENT)
			_exit(1);
	}
}

void stranger_begin(struct stranger *s, void (*use)(int fd, void *userdata), void *userdata)
{
	pid_t self = getpid();
	int pipes[2];
	char byte;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	s->server = fork();
	if (s->server == 0) {
		die_with(self);
		close(pipes[0]);
		be_server(pipes[1], use, userdata);
	}
	assert_true(s->server > 0);
	close(pipes[1]);
	s->done = pipes[0];
	assert_int_equal(read(pipes[0], &byte, 1), 1);
}

void stranger_end(struct stranger *s)
{
	if (s->server <= 0)
		return;
	kill(s->server, SIGKILL);
	waitpid(s->server, NULL, 0);
	close(s->done);
	s->server = 0;
}
