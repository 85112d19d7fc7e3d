// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One file, `lock`: flock() for the daemon that runs, and its contents are the generation of the
 * next one. The lock goes with the process, however that ends. How much room there is, and whose it is, is
 * asked here too.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/core/config.h"
#include "daemon/io/state_dir.h"

enum { RESERVE_PART = 16 /* of the file system: kept for root */ };
#define SHARE_ENOUGH (64ULL << 20)	/* bytes: a thousand clients, a hundred thousand ranges */

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
	ssize_t r = pwrite(fd, text, (size_t)n, 0);

	return r == n ? 0 : r < 0 ? -errno : -ENOSPC;
}

int state_dir_count(int lock, uint64_t *ret_generation)
{
	uint64_t generation = 0;
	int r = read_generation(lock, &generation);

	if (!r)
		r = write_generation(lock, generation + 1);
	if (!r)
		*ret_generation = generation;
	return r;
}

int state_dir_lock(const char *dir, int *ret_lock)
{
	char path[CONFIG_PATH + 8];
	int fd, r = 0;

	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		r = errno == EWOULDBLOCK ? STATE_DIR_E_BUSY : -errno;
	if (r)
		close(fd);
	else
		*ret_lock = fd;
	return r;
}

bool state_dir_has_room(const char *dir, uint32_t uid, uint64_t bytes)
{
	struct statvfs st;
	uint64_t spare;

	if (uid == 0 || uid == geteuid() || statvfs(dir, &st) < 0)
		return true;
	spare = st.f_blocks / RESERVE_PART * st.f_frsize;
	return (uint64_t)st.f_bavail * st.f_frsize >= spare + bytes;
}

/* A quarter, so that it takes several users to fill it; of a small one up to half, for a thousand connections. */
static uint64_t share_of(const char *dir)
{
	struct statvfs st;
	uint64_t size, share;

	if (statvfs(dir, &st) < 0)
		return UINT64_MAX;
	size = (uint64_t)st.f_blocks * st.f_frsize;
	share = size / 2 < SHARE_ENOUGH ? size / 2 : SHARE_ENOUGH;
	return share > size / 4 ? share : size / 4;
}

void state_dir_shares(struct config *c)
{
	uint64_t share = share_of(c->state_dir);
	uint32_t i;

	if (c->default_quota.ledger == CONFIG_AUTO)
		c->default_quota.ledger = share;
	for (i = 0; i < c->n_quotas; i++)
		if (c->quotas[i].ledger == CONFIG_AUTO)
			c->quotas[i].ledger = share;
}
