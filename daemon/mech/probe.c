// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No file system call tells: hugetlbfs calls a whole file data when asked by SEEK_DATA, and cachestat()
 * refuses it; tmpfs calls pages from fallocate() holes until they are touched. So the page is mapped here,
 * under a userfaultfd that answers a hole with an error instead of waiting, and the kernel is asked to
 * populate the mapping: EFAULT is a hole. Nothing is ever touched through it, so whatever the client
 * does to its file, no signal comes of it. 3 us for a hugetlb page.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/mech/kernel.h"
#include "daemon/mech/probe.h"
#include "proto/ledger.h"

#define PAGE LEDGER_PAGE_SIZE

int probe_open(int *ret_probe)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_SIGBUS | UFFD_FEATURE_MISSING_HUGETLBFS | UFFD_FEATURE_MISSING_SHMEM
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	int r;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, UFFDIO_API, &api) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret_probe = fd;
	return 0;
}

static int probe_at(int probe, const struct mech_page *p, void *at)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)at, .len = PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING
	};

	if (mmap(at, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, p->file, (off_t)p->offset) == MAP_FAILED)
		return -errno;
	if (ioctl(probe, UFFDIO_REGISTER, &reg) < 0)
		return -errno;
	if (madvise(at, PAGE, MADV_POPULATE_READ) == 0)
		return 1;
	if (errno == EHWPOISON)
		return 1;	/* it is there, and bad: the kernel tells whoever touches it */
	return errno == EFAULT ? 0 : -errno;
}

int probe_page(int probe, const struct mech_page *p)
{
	void *whole = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int r;

	if (whole == MAP_FAILED)
		return -errno;
	r = probe_at(probe, p, (void *)(((uintptr_t)whole + PAGE - 1) & ~(uintptr_t)(PAGE - 1)));
	munmap(whole, 2 * PAGE);
	return r;
}
