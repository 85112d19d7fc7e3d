// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One file, `lock`: flock() for the daemon that runs, and its contents are the generation of the
 * next one. The lock goes with the process, however that ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/core/config.h"
#include "daemon/io/state_dir.h"

static int read_generation(int fd, uint64_t *ret)
{
	char text[32] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		return -errno;
	*ret = strtoull(text, NULL, 10);
	return 0;
}

static int write_generation(int fd, uint64_t generation)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%" PRIu64 "\n", generation);

	return pwrite(fd, text, (size_t)n, 0) == n ? 0 : -EIO;
}

static int count(int fd, uint64_t *ret_generation)
{
	uint64_t generation = 0;
	int r = read_generation(fd, &generation);

	if (!r)
		r = write_generation(fd, generation + 1);
	if (!r)
		*ret_generation = generation;
	return r;
}

int state_dir_open(const char *dir, int *ret_lock, uint64_t *ret_generation)
{
	char path[CONFIG_PATH + 8];
	int fd, r;

	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		r = errno == EWOULDBLOCK ? STATE_DIR_E_BUSY : -errno;
	else
		r = count(fd, ret_generation);
	if (r)
		close(fd);
	else
		*ret_lock = fd;
	return r;
}
