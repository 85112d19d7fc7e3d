// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What all backing files share: zeros by fallocate() (a tenth cheaper than UFFDIO_COPY of zeros, and
 * nothing to read from), copies by pread(), memory given back by punching, writers stopped by
 * userfaultfd write protection.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/mech/backing.h"
#include "daemon/mech/uffd.h"

#define PAGE LEDGER_PAGE_SIZE

struct mech *mech_free(struct mech *m)
{
	if (m)
		m->ops->done(m);
	return NULL;
}

/* A signal to the thread says nothing of the page. */
static int allocate(int fd, off_t at)
{
	int r;

	do
		r = fallocate(fd, 0, at, (off_t)PAGE) < 0 ? -errno : 0;
	while (r == -EINTR);
	return r;
}

int mech_try_page(struct mech *m)
{
	int fd, r = m->ops->create(m, "hmmd-probe", PAGE, &fd);

	if (r)
		return r;
	r = allocate(fd, 0);
	close(fd);
	return r;
}

int backing_memfd(const char *name, uint64_t size, unsigned int flags, int *ret_fd)
{
	char label[128];
	int fd, r;

	snprintf(label, sizeof(label), "hmm:%s", name ? name : "");
	fd = memfd_create(label, MFD_ALLOW_SEALING | MFD_CLOEXEC | flags);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, BACKING_SEALS) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int backing_check_seals(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & BACKING_SEALS) == BACKING_SEALS ? 0 : -EINVAL;
}

int backing_zero(struct mech *m, const struct mech_page *p)
{
	int r = allocate(p->file, (off_t)p->offset);

	(void)m;
	return r == -ENOSPC ? -ENOMEM : r;
}

int backing_copy_out(struct mech *m, const struct mech_page *p, void *dst)
{
	size_t done = 0;

	(void)m;
	while (done < PAGE) {
		ssize_t n = pread(p->file, (char *)dst + done, PAGE - done, (off_t)(p->offset + done));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;	/* an unsealed file that the client cut: a hole */
		if (n > 0)
			done += (size_t)n;
	}
	memset((char *)dst + done, 0, PAGE - done);
	return 0;
}

int backing_punch(struct mech *m, const struct mech_page *p)
{
	(void)m;
	if (fallocate(p->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)p->offset, (off_t)PAGE) < 0)
		return -errno;
	return 0;
}

int backing_freeze(struct mech *m, const struct mech_page *p)
{
	(void)m;
	return uffd_protect(p, p->addr, PAGE, true);
}

int backing_thaw(struct mech *m, const struct mech_page *p)
{
	(void)m;
	return uffd_protect(p, p->addr, PAGE, false);
}

int backing_wake(struct mech *m, const struct mech_page *p)
{
	(void)m;
	return uffd_wake(p, p->addr, PAGE);
}

/* By base pages where it consists of them and some are mapped. */
int backing_map(struct mech *m, const struct mech_page *p, bool *ret_was)
{
	size_t base = (size_t)sysconf(_SC_PAGESIZE), done = 0, n;
	bool was = false;
	int r = 0;

	(void)m;
	while (done < PAGE && !r) {
		r = uffd_map(p, p->addr + done, PAGE - done, &n);
		done += n;
		if (r != -EEXIST)
			continue;
		done += base;
		was = true;
		r = 0;
	}
	if (!r)
		*ret_was = was;
	return r;
}

/* A page that was frozen leaves its mark of protection behind when it is punched; nothing can be put there before that is gone. */
int backing_poison(struct mech *m, const struct mech_page *p)
{
	int r = uffd_poison(p, p->addr, PAGE);

	if (r == -EEXIST && backing_thaw(m, p) == 0)
		r = uffd_poison(p, p->addr, PAGE);
	return r == -EEXIST ? backing_wake(m, p) : r;
}
