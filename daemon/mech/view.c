// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is a page there? No file system call tells: hugetlbfs calls a whole file data when asked by SEEK_DATA, and
 * cachestat() refuses it; tmpfs calls pages from fallocate() holes until they are touched. So the page is mapped
 * here, under a userfaultfd that answers a hole with an error instead of waiting, and the kernel is asked to
 * populate the mapping: EFAULT is a hole. 3 us for a hugetlb page.
 *
 * Whose is a page of tmpfs? It is charged to the control group of the address space that UFFDIO_COPY names: put
 * in place through a view it is ours, as what fallocate() and write() make there.
 *
 * Nothing is ever touched through a view, so whatever the client does to its file, no signal comes of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/kernel.h"
#include "daemon/mech/view.h"
#include "proto/ledger.h"

#define PAGE LEDGER_PAGE_SIZE

int view_open(int *ret_uffd)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_SIGBUS | UFFD_FEATURE_MISSING_HUGETLBFS | UFFD_FEATURE_MISSING_SHMEM
	};
	int fd, r = uffd_own(&fd);

	if (r)
		return r;
	if (ioctl(fd, UFFDIO_API, &api) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret_uffd = fd;
	return 0;
}

static int map_at(int uffd, const struct mech_page *p, void *at)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)at, .len = PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING
	};

	if (mmap(at, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, p->file, (off_t)p->offset) == MAP_FAILED)
		return -errno;
	return ioctl(uffd, UFFDIO_REGISTER, &reg) < 0 ? -errno : 0;
}

int view_map(int uffd, const struct mech_page *p, struct view *ret)
{
	void *whole = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uintptr_t at = ((uintptr_t)whole + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	int r;

	if (whole == MAP_FAILED)
		return -errno;
	r = map_at(uffd, p, (void *)at);
	if (r) {
		munmap(whole, 2 * PAGE);
		return r;
	}
	*ret = (struct view){
		.page = { .uffd = uffd, .file = p->file, .addr = at, .offset = p->offset }, .whole = whole
	};
	return 0;
}

void view_unmap(struct view *v)
{
	munmap(v->whole, 2 * PAGE);
}

static int populate(const struct view *v)
{
	if (madvise((void *)(uintptr_t)v->page.addr, PAGE, MADV_POPULATE_READ) == 0)
		return 1;
	if (errno == EHWPOISON)
		return 1;	/* it is there, and bad: the kernel tells whoever touches it */
	return errno == EFAULT ? 0 : -errno;
}

int view_present(int uffd, const struct mech_page *p)
{
	struct view v;
	int r = view_map(uffd, p, &v);

	if (r)
		return r;
	r = populate(&v);
	view_unmap(&v);
	return r;
}
