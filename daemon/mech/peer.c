// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who is at the other end of a socket, from the kernel and once. Where it does not hand out a pidfd
 * (before 6.5) one is opened by number, and the start time looked at before and after says whether the
 * number meant the same process.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "proto/text.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
enum { FIELD_START = 22, PROC_TEXT = 4096, GROUPS_MAX = 65536 };

int proc_read(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	return 0;
}

/* Field 22 of stat; the name in field 2 may hold anything, so counting starts behind its last bracket. */
static int start_time(pid_t pid, uint64_t *ret)
{
	char text[PROC_TEXT], *at;
	int r = proc_read(pid, "stat", text, sizeof(text));

	if (r)
		return r;
	at = strrchr(text, ')');
	for (int field = 2; at && field < FIELD_START; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, " %" SCNu64, ret) == 1 ? 0 : -EINVAL;
}

static int open_pidfd(int socket, pid_t pid, int *ret)
{
	int fd = -1;
	socklen_t size = sizeof(fd);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0 && fd >= 0) {
		*ret = fd;
		return 0;
	}
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

static void read_program(pid_t pid, char *ret, size_t size)
{
	char text[64];

	ret[0] = '\0';
	if (proc_read(pid, "comm", text, sizeof(text)))
		return;
	text[strcspn(text, "\n")] = '\0';
	text_escape(ret, size, text, "");
}

/* The last part of a line's path that systemd named: x.service, x.scope. */
static bool unit_of(char *line, char *ret, size_t size)
{
	bool found = false;

	for (char *part = strtok_r(line, "/", &line); part; part = strtok_r(NULL, "/", &line)) {
		const char *dot = strrchr(part, '.');

		if (!dot || (strcmp(dot, ".service") != 0 && strcmp(dot, ".scope") != 0))
			continue;
		text_escape(ret, size, part, "");
		found = true;
	}
	return found;
}

static void read_unit(pid_t pid, char *ret, size_t size)
{
	char text[PROC_TEXT], *next;

	ret[0] = '\0';
	if (proc_read(pid, "cgroup", text, sizeof(text)))
		return;
	for (char *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		if (unit_of(line, ret, size))
			return;
	}
}

static int identify(int socket, struct peer *p)
{
	uint64_t before;
	int r = start_time(p->pid, &before);

	if (!r)
		r = open_pidfd(socket, p->pid, &p->pidfd);
	if (!r)
		r = start_time(p->pid, &p->start);
	if (!r && before != p->start)
		r = -ESRCH;
	return r;
}

int peer_get(int socket, struct peer *ret)
{
	struct peer p = { .pidfd = -1 };
	struct ucred who;
	socklen_t size = sizeof(who);
	int r;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return -errno;
	if (!who.pid)
		return PEER_E_OUTSIDE;
	p.pid = p.image.pid = who.pid;
	p.uid = who.uid;
	p.gid = who.gid;
	r = identify(socket, &p);
	if (r) {
		peer_done(&p);
		return r;
	}
	read_program(p.pid, p.program, sizeof(p.program));
	read_unit(p.pid, p.unit, sizeof(p.unit));
	*ret = p;
	return 0;
}

void peer_done(struct peer *p)
{
	if (p->pidfd >= 0)
		close(p->pidfd);
	p->pidfd = -1;
}

static bool listed(const char *groups, gid_t group)
{
	char *end;

	for (;;) {
		unsigned long value = strtoul(groups, &end, 10);

		if (end == groups)
			return false;
		if (value == group)
			return true;
		groups = end;
	}
}

/* The list as it is now, then the start time again: it was this process's. */
static int supplementary(const struct peer *p, gid_t group, const char *text)
{
	const char *line = strstr(text, "\nGroups:");
	uint64_t start;
	char *copy;
	int r;

	if (!line)
		return -EINVAL;
	line += strlen("\nGroups:");
	copy = strndup(line, strcspn(line, "\n"));
	if (!copy)
		return -ENOMEM;
	r = listed(copy, group);
	free(copy);
	if (start_time(p->pid, &start) || start != p->start)
		return -ESRCH;
	return r;
}

int peer_in_group(const struct peer *p, gid_t group)
{
	size_t size = PROC_TEXT + GROUPS_MAX * 11;	/* a group is at most ten digits and a space */
	char *text;
	int r;

	if (p->gid == group)
		return 1;
	text = malloc(size);
	if (!text)
		return -ENOMEM;
	r = proc_read(p->pid, "status", text, size);
	if (!r)
		r = supplementary(p, group, text);
	free(text);
	return r;
}
