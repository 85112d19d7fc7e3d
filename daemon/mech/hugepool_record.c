// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The record of the overcommit (hugepool_record.h). A change is written down before it is made, with what the
 * setting was and what it becomes, so that whoever reads next sees by the setting whether it was made. Any
 * other value is the administrator's: it stands, and what was added counts as gone, because taking it away would
 * set less than was asked for. Locks are those of processes: the kernel drops them when one dies, and
 * children do not inherit them. They are waited for only for a while, since their owner may be stopped.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/mech/hugepool_record.h"

#define SETTING "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages"
#define MAGIC "hmmd-hugepages 1\n"
enum {
	TEXT = 4096,			/* written at once, so nobody reads a half */
	LOCK_TRIES = 200,		/* of 1 ms each */
	LOCK_OF_ALL = 0,		/* byte that is locked for a change; those of the shares follow */
	LOCK_OF_FIRST = 1
};

static int lock_byte(int fd, off_t byte, short kind)
{
	struct flock lock = { .l_type = kind, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return fcntl(fd, F_SETLK, &lock) < 0 ? -errno : 0;
}

static bool is_locked(int fd, off_t byte)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

static int read_setting(uint64_t *ret)
{
	char text[32];
	int fd = open(SETTING, O_RDONLY | O_CLOEXEC), r;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	n = read(fd, text, sizeof(text) - 1);
	r = n < 0 ? -errno : 0;
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (!r && sscanf(text, "%" SCNu64, ret) != 1)
		r = -EINVAL;
	return r;
}

static int write_setting(uint64_t pages)
{
	char text[32];
	int fd = open(SETTING, O_WRONLY | O_CLOEXEC), r, n;

	if (fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	n = snprintf(text, sizeof(text), "%" PRIu64 "\n", pages);
	r = write(fd, text, (size_t)n) == n ? 0 : -errno;
	close(fd);
	return r;
}

static int save(const struct hugepool_record *r)
{
	char text[TEXT];
	int n = snprintf(text, sizeof(text), MAGIC "setting %" PRIu64 " %" PRIu64 "\n", r->setting, r->next);

	for (unsigned int i = 0; i < HUGEPOOL_SHARES; i++)
		if (r->shares[i].pages || r->shares[i].next)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "share %u %" PRIu64 " %" PRIu64 "\n", i,
				      r->shares[i].pages, r->shares[i].next);
	memset(text + n, '\n', sizeof(text) - (size_t)n);	/* over what was longer before */
	return pwrite(r->fd, text, sizeof(text), 0) == sizeof(text) ? 0 : -errno;
}

static int parse_share(struct hugepool_record *r, const char *line)
{
	struct hugepool_share share;
	unsigned int i;

	if (sscanf(line, "share %u %" SCNu64 " %" SCNu64, &i, &share.pages, &share.next) != 3 || i >= HUGEPOOL_SHARES)
		return HUGEPOOL_E_VERSION;
	r->shares[i] = share;
	return 0;
}

/* A file that is still empty says nothing; what is there then is the administrator's. */
static int load(struct hugepool_record *r, uint64_t now)
{
	char text[TEXT + 1], *line, *rest;
	ssize_t n = pread(r->fd, text, TEXT, 0);
	int rc = 0;

	if (n < 0)
		return -errno;
	text[n] = '\0';
	memset(r->shares, 0, sizeof(r->shares));
	r->setting = r->next = now;
	if (!n)
		return 0;
	if (strncmp(text, MAGIC, strlen(MAGIC)) ||
	    sscanf(text + strlen(MAGIC), "setting %" SCNu64 " %" SCNu64, &r->setting, &r->next) != 2)
		return HUGEPOOL_E_VERSION;
	strtok_r(text + strlen(MAGIC), "\n", &rest);
	while (!rc && (line = strtok_r(NULL, "\n", &rest)))
		rc = parse_share(r, line);
	return rc;
}

/* A change that was under way was made, or was not, or somebody else has changed the setting meanwhile. */
static void settle(struct hugepool_record *r, uint64_t now)
{
	bool made = now == r->next, ours = made || now == r->setting;

	for (unsigned int i = 0; i < HUGEPOOL_SHARES; i++) {
		if (made)
			r->shares[i].pages = r->shares[i].next;
		if (!ours)
			r->shares[i].pages = 0;
		r->shares[i].next = r->shares[i].pages;
	}
	r->setting = r->next = now;
}

static int set(struct hugepool_record *r, int share, uint64_t pages)
{
	struct hugepool_share *s = &r->shares[share];
	int rc;

	s->next = pages;
	r->next = r->setting - (s->pages < r->setting ? s->pages : r->setting) + pages;
	rc = save(r);
	if (!rc)
		rc = write_setting(r->next);
	if (rc)
		return rc;
	s->pages = pages;
	r->setting = r->next;
	return save(r);
}

/* Locks of our own cannot be seen by us: nobody asks about the share that is this process's. */
static int give_back_orphans(struct hugepool_record *r)
{
	int rc = 0;

	for (int i = 0; i < HUGEPOOL_SHARES && !rc; i++)
		if (r->shares[i].pages && i != r->own && !is_locked(r->fd, LOCK_OF_FIRST + i))
			rc = set(r, i, 0);
	return rc;
}

static int lock_all(const struct hugepool_record *r)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	int rc = lock_byte(r->fd, LOCK_OF_ALL, F_WRLCK);

	for (int i = 0; rc && i < LOCK_TRIES; i++) {
		nanosleep(&pause, NULL);
		rc = lock_byte(r->fd, LOCK_OF_ALL, F_WRLCK);
	}
	return rc == -EAGAIN || rc == -EACCES ? HUGEPOOL_E_BUSY : rc;
}

int hugepool_record_open(struct hugepool_record *r, const char *path, bool make)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (make ? O_CREAT : 0);

	*r = (struct hugepool_record){ .fd = open(path, flags, 0660), .own = -1 };
	if (r->fd >= 0)
		return 0;
	return errno == ENOENT && !make ? HUGEPOOL_E_NONE : -errno;
}

void hugepool_record_close(struct hugepool_record *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

int hugepool_record_begin(struct hugepool_record *r)
{
	uint64_t now;
	int rc = lock_all(r);

	if (rc)
		return rc;
	rc = read_setting(&now);
	if (!rc)
		rc = load(r, now);
	if (!rc) {
		settle(r, now);
		rc = give_back_orphans(r);
	}
	if (rc)
		hugepool_record_end(r);
	return rc;
}

void hugepool_record_end(struct hugepool_record *r)
{
	(void)lock_byte(r->fd, LOCK_OF_ALL, F_UNLCK);
}

int hugepool_record_join(struct hugepool_record *r)
{
	for (int i = 0; i < HUGEPOOL_SHARES; i++)
		if (!r->shares[i].pages && !lock_byte(r->fd, LOCK_OF_FIRST + i, F_WRLCK)) {
			r->own = i;
			return 0;
		}
	return HUGEPOOL_E_BUSY;
}

int hugepool_record_set(struct hugepool_record *r, uint64_t pages)
{
	return pages == r->shares[r->own].pages ? 0 : set(r, r->own, pages);
}
