// SPDX-License-Identifier: GPL-2.0-or-later
/* userfaultfd: the messages of a client, and what can be done to its address space through it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/kernel.h"
#include "daemon/mech/read_now.h"
#include "daemon/mech/uffd.h"
#include "proto/ledger.h"
#include "proto/limits.h"

enum {
	READ_MESSAGES = 64,	/* of one read */
	RETRIES = 1000		/* of EAGAIN: a fork or munmap in the client ends within milliseconds */
};

int uffd_check(int fd)
{
	static const char kind[] = "anon_inode:[userfaultfd]";
	char path[64], target[64];
	ssize_t n;
	int flags;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target));
	if (n < 0)
		return errno == ENOENT ? -EBADF : -errno;
	if ((size_t)n != strlen(kind) || memcmp(target, kind, (size_t)n) != 0)
		return UFFD_E_OTHER;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return -errno;
	return flags & O_NONBLOCK ? 0 : UFFD_E_BLOCKING;
}

static bool fault_of(const struct uffd_msg *m, struct uffd_fault *ret)
{
	if (m->event != UFFD_EVENT_PAGEFAULT)
		return false;
	ret->addr = m->arg.pagefault.address & ~(LEDGER_PAGE_SIZE - 1);
	ret->write_protect = m->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP;
	ret->write = m->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WRITE;
	return true;
}

int uffd_read(int fd, struct uffd_fault *faults, size_t cap, size_t *ret_n)
{
	struct uffd_msg messages[READ_MESSAGES];
	size_t n = 0;
	ssize_t r;

	if (cap > READ_MESSAGES)
		cap = READ_MESSAGES;
	r = read_now(fd, messages, cap * sizeof(messages[0]));
	if (r < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	for (ssize_t i = 0; i < r / (ssize_t)sizeof(messages[0]); i++)
		n += fault_of(&messages[i], &faults[n]);
	*ret_n = n;
	return 0;
}

int uffd_open_device(int *ret_fd)
{
	int fd = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* True: the same call again. */
static bool again(int r, unsigned int *tries)
{
	if (r == 0 || errno != EAGAIN || ++*tries > RETRIES)
		return false;
	sched_yield();
	return true;
}

int uffd_copy(int uffd, uint64_t addr, const void *src, size_t size, unsigned int flags, size_t *ret_done)
{
	size_t done = 0;
	unsigned int tries = 0;
	int r;

	do {
		struct uffdio_copy c = {
			.dst = addr + done, .src = (uint64_t)(uintptr_t)src + done, .len = size - done,
			.mode = (flags & UFFD_QUIET ? UFFDIO_COPY_MODE_DONTWAKE : 0) |
				(flags & UFFD_PROTECTED ? UFFDIO_COPY_MODE_WP : 0)
		};

		r = ioctl(uffd, UFFDIO_COPY, &c) < 0 ? -errno : 0;
		if (c.copy > 0) {
			done += (size_t)c.copy;
			tries = 0;
		}
	} while (again(r, &tries));
	*ret_done = done;
	return r;
}

int uffd_protect(int uffd, uint64_t addr, size_t size, bool on)
{
	struct uffdio_writeprotect w = {
		.range = { .start = addr, .len = size }, .mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0
	};
	unsigned int tries = 0;
	int r;

	do {
		r = ioctl(uffd, UFFDIO_WRITEPROTECT, &w) < 0 ? -errno : 0;
	} while (again(r, &tries));
	return r;
}

/* Asks for something at an address where no managed range can be: only a dead address space says ESRCH. */
bool uffd_gone(int fd)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return uffd_protect(fd, HMM_LIMIT_ADDRESS - 2 * page, page, false) == -ESRCH;
}

/* Asks for a copy of memory that nobody can read: where it could be put is looked at first. */
bool uffd_covers(int fd, uint64_t addr)
{
	void *unreadable = mmap(NULL, LEDGER_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t done;
	int r;

	if (unreadable == MAP_FAILED)
		return true;
	r = uffd_copy(fd, addr, unreadable, LEDGER_PAGE_SIZE, 0, &done);
	munmap(unreadable, LEDGER_PAGE_SIZE);
	return r != -ENOENT && r != -ESRCH;
}

int uffd_wake(int uffd, uint64_t addr, size_t size)
{
	struct uffdio_range range = { .start = addr, .len = size };

	return ioctl(uffd, UFFDIO_WAKE, &range) < 0 ? -errno : 0;
}

int uffd_map(int uffd, uint64_t addr, size_t size, size_t *ret_done)
{
	size_t done = 0;
	unsigned int tries = 0;
	int r;

	do {
		struct uffdio_continue c = {
			.range = { .start = addr + done, .len = size - done }, .mode = UFFDIO_CONTINUE_MODE_WP
		};

		r = ioctl(uffd, UFFDIO_CONTINUE, &c) < 0 ? -errno : 0;
		if (c.mapped > 0) {
			done += (size_t)c.mapped;
			tries = 0;
		}
	} while (again(r, &tries));
	*ret_done = done;
	return r == -EINVAL ? -EOPNOTSUPP : r;
}

int uffd_poison(int uffd, uint64_t addr, size_t size)
{
	unsigned int tries = 0;
	uint64_t done = 0;
	int r;

	do {
		struct uffdio_poison p = { .range = { .start = addr + done, .len = size - done } };

		r = ioctl(uffd, UFFDIO_POISON, &p) < 0 ? -errno : 0;
		if (p.updated > 0)
			done += (uint64_t)p.updated;
	} while (again(r, &tries));
	return r == -ENOTTY || r == -EINVAL ? -EOPNOTSUPP : r;
}
