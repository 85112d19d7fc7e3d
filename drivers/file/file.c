// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file device: slots in a disk file or on a block device, past the page cache where the file system
 * lets us (O_DIRECT: a page that was just evicted must not come back as cache), else buffered with
 * fdatasync, so that a write error is seen by the write it belongs to. Room is allocated when the
 * device is opened, and slots are never given back to the file system: "disk full" is met here, by the
 * administrator, and not in the middle of an eviction. The first slot is the superblock's (superblock.h), so
 * the file is one slot longer than the device.
 *
 * pread and pwrite, not io_uring: with one request of 2 MiB per thread there is nothing to overlap. Measured
 * against a ring with a registered buffer: 1.00 of its time for reads, 1.01 for writes (median of six runs
 * of 64), and rings are forbidden in many containers.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/file/room.h"
#include "drivers/file/superblock.h"

struct hmm_device {
	int fd;
	bool direct, fresh;
	uint64_t size, slot_size;	/* bytes; without the superblock's slot */
	struct hmm_device_identity identity;
};

static struct hmm_device *file_close(struct hmm_device *d)
{
	if (!d)
		return NULL;
	if (d->fd >= 0)
		close(d->fd);
	free(d);
	return NULL;
}

/* A directory gets a file of the tier's name. */
static int choose_path(const struct hmm_device_config *c, char *ret, size_t size)
{
	struct stat st;
	int n;

	if (!c->path || !*c->path)
		return -EINVAL;
	if (stat(c->path, &st) == 0 && S_ISDIR(st.st_mode))
		n = snprintf(ret, size, "%s/%s.hmmd", c->path, c->name);
	else
		n = snprintf(ret, size, "%s", c->path);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/*
 * O_NONBLOCK only keeps a FIFO in this place from holding us up; files and disks ignore it. A file whose contents
 * are wanted is not made: it would be in the way of a disk that is mounted later.
 */
static int open_path(const char *path, bool make, int *ret_fd, bool *ret_made)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = open(path, flags);

	*ret_made = fd < 0 && errno == ENOENT && make;
	if (*ret_made)
		fd = open(path, flags | O_CREAT, 0600);
	if (fd < 0)
		return errno == EPERM ? -EACCES : -errno;
	*ret_fd = fd;
	return 0;
}

/*
 * A file that was cut and made longer again has its size but not its room: what was allocated once stays so, unless
 * the file system never counted it (compression).
 */
static int check_extent(int fd, const struct superblock *s)
{
	uint64_t size = s->slot_size + s->capacity;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISBLK(st.st_mode))
		return room_of_disk(fd, size) == -ENOSPC ? HMM_DEVICE_E_CUT : 0;
	if ((uint64_t)st.st_size < size || (s->allocated && !room_is_taken(&st, size)))
		return HMM_DEVICE_E_CUT;
	return 0;
}

/* A daemon that was killed between the superblock and its record has counted once more than the record says. */
static bool is_known(const struct hmm_device_identity *found, const struct hmm_device_identity *known)
{
	return !memcmp(found->uuid, known->uuid, sizeof(known->uuid)) &&
	       (found->generation == known->generation || found->generation == known->generation + 1);
}

/* The contents are wanted: they must be the ones that were put there. */
static int check_known(struct hmm_device *d, const struct superblock *found, int outcome,
		       const struct hmm_device_identity *known)
{
	if (outcome)
		return outcome == SUPERBLOCK_E_VERSION ? HMM_DEVICE_E_VERSION : HMM_DEVICE_E_OTHER;
	if (found->slot_size != d->slot_size || !is_known(&found->identity, known))
		return HMM_DEVICE_E_OTHER;
	d->identity = *known;
	d->identity.generation++;
	return check_extent(d->fd, found);
}

/* Nobody wants what is there; but what is not hmmd's is not hmmd's to write over. */
static int begin_anew(struct hmm_device *d, int outcome)
{
	if (outcome == SUPERBLOCK_E_FOREIGN || outcome == SUPERBLOCK_E_VERSION)
		return HMM_DEVICE_E_FOREIGN;
	d->fresh = true;
	d->identity.generation = 1;
	return getrandom(d->identity.uuid, sizeof(d->identity.uuid), 0) < 0 ? -errno : 0;
}

static int sign(const struct hmm_device *d)
{
	struct superblock s = { .identity = d->identity, .slot_size = d->slot_size, .capacity = d->size };
	struct stat st;

	if (fstat(d->fd, &st) < 0)
		return -errno;
	s.allocated = room_is_taken(&st, d->slot_size + d->size);
	return superblock_write(d->fd, &s);
}

static int identify(struct hmm_device *d, const struct hmm_device_config *c)
{
	struct superblock found;
	int outcome = superblock_read(d->fd, &found), r;

	if (outcome < 0)
		return outcome;
	r = c->known ? check_known(d, &found, outcome, c->known) : begin_anew(d, outcome);
	if (!r)
		r = room_take(d->fd, d->slot_size + d->size, c->why, c->why_size);
	return r ? r : sign(d);
}

static int check_type(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) ? 0 : -EINVAL;
}

static int prepare(struct hmm_device *d, const struct hmm_device_config *c)
{
	int r = check_type(d->fd);

	if (r)
		return r;
	/* Two daemons in one file would overwrite each other. */
	if (flock(d->fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	r = identify(d, c);
	if (r)
		return r;
	d->direct = fcntl(d->fd, F_SETFL, O_DIRECT) == 0;
	if (!d->direct && fcntl(d->fd, F_SETFL, 0) < 0)
		return -errno;
	return 0;
}

static int check_config(const struct hmm_device_config *c)
{
	if (!c->slot_size || c->slot_size % (uint64_t)sysconf(_SC_PAGESIZE))
		return -EINVAL;
	if (!c->capacity || c->capacity % c->slot_size || c->capacity / c->slot_size > UINT32_MAX)
		return -EINVAL;
	return c->fd >= 0 ? -EINVAL : 0;
}

static int file_open(struct hmm_device **ret, const struct hmm_device_config *c)
{
	struct hmm_device *d;
	char path[PATH_MAX];
	int r = check_config(c);
	bool made;

	if (!r)
		r = choose_path(c, path, sizeof(path));
	if (r)
		return r;
	d = malloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct hmm_device){ .fd = -1, .size = c->capacity, .slot_size = c->slot_size };
	r = open_path(path, !c->known, &d->fd, &made);
	if (!r) {
		r = prepare(d, c);
		/* Nothing is left of what could not be used; another daemon may have found it meanwhile. */
		if (r && r != -EBUSY && made)
			unlink(path);
	}
	if (r) {
		file_close(d);
		return r;
	}
	*ret = d;
	return 0;
}

static int place(const struct hmm_device *d, uint32_t slot, off_t *ret)
{
	if (slot >= d->size / d->slot_size)
		return -EINVAL;
	*ret = (off_t)((slot + 1) * d->slot_size);
	return 0;
}

static int file_write(struct hmm_device *d, uint32_t slot, const void *buf)
{
	off_t at;
	int r = place(d, slot, &at);

	for (uint64_t done = 0; !r && done < d->slot_size; ) {
		ssize_t n = pwrite(d->fd, (const char *)buf + done, d->slot_size - done, at + (off_t)done);

		if (n > 0)
			done += (uint64_t)n;
		else if (n == 0)
			r = -EIO;
		else if (errno != EINTR)
			r = -errno;
	}
	if (!r && !d->direct && fdatasync(d->fd) < 0)
		r = -errno;
	return r;
}

static int file_read(struct hmm_device *d, uint32_t slot, void *buf)
{
	off_t at;
	int r = place(d, slot, &at);

	for (uint64_t done = 0; !r && done < d->slot_size; ) {
		ssize_t n = pread(d->fd, (char *)buf + done, d->slot_size - done, at + (off_t)done);

		if (n > 0)
			done += (uint64_t)n;
		else if (n == 0)
			r = -EIO;	/* somebody cut the file */
		else if (errno != EINTR)
			r = -errno;
	}
	return r;
}

static void *file_map(struct hmm_device *d, uint32_t slot)
{
	(void)d;
	(void)slot;
	return NULL;
}

/* The file outlives the daemon by itself. */
static int file_fd(struct hmm_device *d)
{
	(void)d;
	return -1;
}

static bool file_fresh(struct hmm_device *d)
{
	return d->fresh;
}

static void file_identity(struct hmm_device *d, struct hmm_device_identity *ret)
{
	*ret = d->identity;
}

const struct hmm_device_ops hmm_device_file = {
	.kind = "file",
	.open = file_open,
	.close = file_close,
	.write = file_write,
	.read = file_read,
	.map = file_map,
	.fd = file_fd,
	.identity = file_identity,
	.fresh = file_fresh,
};
