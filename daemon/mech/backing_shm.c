// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Managed pages in tmpfs files, for machines without hugetlb.
 *
 * "thp": files on a tmpfs of our own with huge=always (a plain memory file gets no huge page while
 * shmem_enabled is "never", the kernel's default). A page that is all hole is filled by one write of
 * 2 MiB from a pipe that holds references to the source pages: the kernel copies it into a huge page that
 * nobody can map before it is complete. A write from user memory would do the same until one of the source
 * pages is being migrated at that moment: then the copy stops short, and tmpfs shows zeros for the rest
 * to whoever maps the page before the write goes on. The pipe must hold 512 pages, for which the daemon
 * needs CAP_SYS_RESOURCE or fs.pipe-max-size of 2 MiB. Before 6.14 the kernel copies 4 KiB at a time into a
 * huge page that can be mapped at once; there, where a part is in place already, and when no such
 * pipe can be had, UFFDIO_COPY puts base pages (0.15 of memcpy instead of 0.75). It does so through a view of
 * ours (view.h) and not at the client's address, where the pages would be charged to the client's control group,
 * unlike all others: then a program might be killed for its limit because of what we move.
 * Freezing is userfaultfd write protection, and its price is that the huge mapping is split into 512
 * entries. The way around, MADV_PAGEOUT and a MINOR registration, is closed: with swap it swaps, under
 * memory.swap.max=0 it splits the page itself, on a noswap mount it silently does nothing, and MINOR
 * would make the zap tracker's touches events.
 * "small": memory files of base pages, filled in the same way. What an ordinary user can have.
 *
 * A fill that ends for want of memory leaves what it has put in place; it equals the slot or is newer,
 * the next fill goes around it, and recovery only ever punches a page that is there as a whole.
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/mech/backing.h"
#include "daemon/mech/uffd.h"
#include "daemon/mech/view.h"

#define PAGE LEDGER_PAGE_SIZE

struct shm {
	struct mech mech;
	int dir;		/* of the tmpfs; -1 for small */
	int views;		/* view.h */
	bool whole;		/* a huge page can be written as one */
};

static void shm_done(struct mech *m)
{
	struct shm *s = (struct shm *)m;

	if (s->dir >= 0)
		close(s->dir);
	if (s->views >= 0)
		close(s->views);
	free(s);
}

static int small_create(struct mech *m, const char *name, uint64_t size, int *ret_fd)
{
	(void)m;
	return backing_memfd(name, size, 0, ret_fd);
}

/* No seals on these; a client that cuts its file only loses its own bytes, for we never map it. */
static int thp_create(struct mech *m, const char *name, uint64_t size, int *ret_fd)
{
	int r, fd = openat(((struct shm *)m)->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	(void)name;
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static int check_tmpfs(int fd, uint64_t size, struct stat *st)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0 || fstat(fd, st) < 0 || fs.f_type != TMPFS_MAGIC)
		return -EINVAL;
	return S_ISREG(st->st_mode) && (uint64_t)st->st_size >= size ? 0 : -EINVAL;
}

static int small_check(struct mech *m, int fd, uint64_t size)
{
	struct stat st;
	int r = check_tmpfs(fd, size, &st);

	(void)m;
	return r ? r : backing_check_seals(fd);
}

static int thp_check(struct mech *m, int fd, uint64_t size)
{
	struct stat st, ours;
	int r = check_tmpfs(fd, size, &st);

	if (r)
		return r;
	if (fstat(((struct shm *)m)->dir, &ours) < 0)
		return -errno;
	return st.st_dev == ours.st_dev ? 0 : -EINVAL;
}

/* The first hole of the page at or after `done`, relative to the page; PAGE when there is none. */
static size_t next_hole(const struct mech_page *p, size_t done)
{
	off_t at = lseek(p->file, (off_t)(p->offset + done), SEEK_HOLE);

	if (at < 0 || (uint64_t)at < p->offset + done)
		return done;
	return (uint64_t)at >= p->offset + PAGE ? PAGE : (size_t)((uint64_t)at - p->offset);
}

static int shm_present(struct mech *m, const struct mech_page *p)
{
	return next_hole(p, 0) == PAGE ? 1 : view_present(((struct shm *)m)->views, p);
}

static bool all_hole(const struct mech_page *p)
{
	off_t at = lseek(p->file, (off_t)p->offset, SEEK_DATA);

	return at < 0 ? errno == ENXIO : (uint64_t)at >= p->offset + PAGE;
}

static int fill_view(const struct mech_page *v, const void *src)
{
	size_t base = (size_t)sysconf(_SC_PAGESIZE), done = 0, n, hole;
	int r = 0;

	while (done < PAGE && !r) {
		r = uffd_copy(v, v->addr + done, (const char *)src + done, PAGE - done, 0, &n);
		done += n;
		if (r != -EEXIST)
			continue;
		hole = next_hole(v, done);
		done = hole > done ? hole : done + base;
		r = 0;
	}
	return r == -ENOSPC ? -ENOMEM : r;
}

/* Thawing wakes too, and takes away the protection that a punch leaves behind in empty page table entries. */
static int fill_holes(struct mech *m, const struct mech_page *p, const void *src)
{
	struct view v;
	int r = view_map(((struct shm *)m)->views, p, &v);

	if (r)
		return r;
	r = fill_view(&v.page, src);
	view_unmap(&v);
	return r ? r : backing_thaw(m, p);
}

static int open_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	if (fcntl(ends[1], F_SETPIPE_SZ, (int)PAGE) >= (int)PAGE)
		return 0;
	close(ends[0]);
	close(ends[1]);
	return -EPERM;
}

/* 0: every byte is in place; anything else: not all of it. */
static int write_whole(const struct mech_page *p, const void *src)
{
	struct iovec v = { .iov_base = (void *)(uintptr_t)src, .iov_len = PAGE };
	off_t at = (off_t)p->offset;
	int ends[2], r = open_pipe(ends);

	if (r)
		return r;
	if (vmsplice(ends[1], &v, 1, SPLICE_F_NONBLOCK) != (ssize_t)PAGE ||
	    splice(ends[0], NULL, p->file, &at, PAGE, SPLICE_F_NONBLOCK) != (ssize_t)PAGE)
		r = -EAGAIN;
	close(ends[0]);
	close(ends[1]);
	return r;
}

static int thp_fill(struct mech *m, const struct mech_page *p, const void *src)
{
	if (!((struct shm *)m)->whole || !all_hole(p) || write_whole(p, src))
		return fill_holes(m, p, src);
	return backing_thaw(m, p);
}

#define SHM_OPS .done = shm_done, .zero = backing_zero, .freeze = backing_freeze, .thaw = backing_thaw,	\
	.copy_out = backing_copy_out, .punch = backing_punch, .present = shm_present,			\
	.wake = backing_wake, .map = backing_map, .poison = backing_poison

static const struct mech_ops thp_ops = {
	.name = "thp", .create = thp_create, .check = thp_check, .fill = thp_fill, SHM_OPS
};
static const struct mech_ops small_ops = {
	.name = "small", .create = small_create, .check = small_check, .fill = fill_holes, SHM_OPS
};

/* Linux 6.14 made the page cache write of tmpfs work in chunks as large as the page. */
static bool kernel_writes_whole(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 6 || (major == 6 && minor >= 14);
}

static int open_thp(struct shm *s, const char *dir)
{
	s->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	s->whole = kernel_writes_whole();
	return s->dir < 0 ? -errno : 0;
}

int mech_shm_new(struct mech **ret, enum mech_shm kind, const char *dir)
{
	struct shm *s = malloc(sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct shm){ .mech.ops = kind == MECH_SHM_THP ? &thp_ops : &small_ops, .dir = -1, .views = -1 };
	r = view_open(&s->views);
	if (!r && kind == MECH_SHM_THP)
		r = open_thp(s, dir);
	if (r) {
		mech_free(&s->mech);
		return r;
	}
	*ret = &s->mech;
	return 0;
}
