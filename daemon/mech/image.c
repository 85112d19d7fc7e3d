// SPDX-License-Identifier: GPL-2.0-or-later
/* What goes by a pid, and whose memory that is (image.h). */
#include <errno.h>
#include <fcntl.h>
#include <numaif.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/image.h"

int image_of(pid_t pid, struct image *ret)
{
	char name[32], text[IMAGE_STAT];
	uint64_t mark;
	int r;

	/* Of the first thread: that of the process adds up all threads. */
	snprintf(name, sizeof(name), "task/%d/stat", (int)pid);
	r = proc_read(pid, name, text, sizeof(text));
	if (!r)
		r = image_mark(text, &mark);
	if (!r)
		*ret = (struct image){ .pid = pid, .mark = mark };
	return r;
}

int image_check(const struct image *of)
{
	struct image now;
	int r = of->mark ? image_of(of->pid, &now) : IMAGE_E_HIDDEN;

	if (r)
		return r == IMAGE_E_HIDDEN ? -EPERM : r;
	return now.mark == of->mark ? 0 : -ESRCH;
}

int image_move_pages(const struct image *of, size_t n, void **pages, const int *nodes, int *status, int flags)
{
	int r = image_check(of), after;

	if (r)
		return r;
	if (move_pages(of->pid, n, pages, nodes, status, flags) < 0)
		r = -errno;
	after = image_check(of);
	return after ? after : r;
}

/* The descriptor first: it stays with the address space that the process had when it was opened. */
int image_open(const struct image *of, const char *name, int *ret_fd)
{
	char path[64];
	int fd, r;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)of->pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = image_check(of);
	if (r) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}
