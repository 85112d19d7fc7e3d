// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading what a client passed to us (read_now.h). */
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/mech/read_now.h"

ssize_t read_unless_asleep(int fd, void *buf, size_t size)
{
	const struct iovec v = { .iov_base = buf, .iov_len = size };

	return preadv2(fd, &v, 1, -1, RWF_NOWAIT);
}

ssize_t read_now(int fd, void *buf, size_t size)
{
	ssize_t r = read_unless_asleep(fd, buf, size);

	return r < 0 && errno == EOPNOTSUPP ? read(fd, buf, size) : r;
}
