// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The room of a file device (room.h). What cannot fit is not tried: a disk that is full for the moment of the attempt
 * fails the writes of everybody else.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "drivers/file/room.h"

enum { STAT_BLOCK = 512 /* bytes: the unit of st_blocks */ };

static uint64_t taken(const struct stat *st)
{
	return (uint64_t)st->st_blocks * STAT_BLOCK;
}

bool room_is_taken(const struct stat *st, uint64_t size)
{
	return S_ISREG(st->st_mode) && taken(st) >= size;
}

int room_of_disk(int fd, uint64_t size)
{
	uint64_t have;

	if (ioctl(fd, BLKGETSIZE64, &have) < 0)
		return -errno;
	return have < size ? -ENOSPC : 0;
}

/* Bytes that the file system can still give, without what it reserves; UINT64_MAX where it has no bound of its own. */
static uint64_t left(int fd)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs) < 0 || !fs.f_blocks)
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

static int full(uint64_t missing, uint64_t free, char *why, size_t size)
{
	if (why)
		snprintf(why, size, "it needs %llu MiB more, and %llu MiB are free there",
			 (unsigned long long)((missing + (1 << 20) - 1) >> 20), (unsigned long long)(free >> 20));
	return -ENOSPC;
}

static int disk(int fd, uint64_t size, char *why, size_t why_size)
{
	int r = room_of_disk(fd, size);

	if (r == -ENOSPC && why)
		snprintf(why, why_size, "the disk has less than the %llu MiB that it needs",
			 (unsigned long long)(size >> 20));
	return r;
}

/* Before O_DIRECT is set, because posix_fallocate() may have to write single bytes. */
static int file(int fd, const struct stat *st, uint64_t size, char *why, size_t why_size)
{
	uint64_t missing = room_is_taken(st, size) ? 0 : size - taken(st), free = left(fd);
	int r;

	if (missing > free)
		return full(missing, free, why, why_size);
	do {
		r = posix_fallocate(fd, 0, (off_t)size);
	} while (r == EINTR);
	if (r && ftruncate(fd, st->st_size) < 0)
		return -errno;
	if (r == ENOSPC)
		return full(missing, left(fd), why, why_size);
	if (r == EFBIG && why)
		snprintf(why, why_size, "no file may have the %llu MiB that it needs", (unsigned long long)(size >> 20));
	return r == EFBIG ? -ENOSPC : -r;
}

int room_take(int fd, uint64_t size, char *why, size_t why_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISBLK(st.st_mode) ? disk(fd, size, why, why_size) : file(fd, &st, size, why, why_size);
}
