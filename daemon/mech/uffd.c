// SPDX-License-Identifier: GPL-2.0-or-later
/* userfaultfd: the messages of a client, and what can be done to its address space through it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/kernel.h"
#include "daemon/mech/read_now.h"
#include "daemon/mech/uffd.h"
#include "proto/gate.h"
#include "proto/ledger.h"
#include "proto/limits.h"

enum {
	READ_MESSAGES = 64,	/* of one read */
	READS = 16,		/* one after the other: who was woken may be there again */
	RETRIES = 16		/* of EAGAIN: it ends when the thread that unmaps has run, which may take longer */
};
#define NSEC_PER_SEC 1000000000ULL
#define SHUT_NS 50000ULL	/* 50 us: three times what a library takes for 64 MiB in huge pages */

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

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

/* Its library acts for some microseconds, unless it lost its processor meanwhile. */
static bool enter(struct gate *gate)
{
	uint64_t until;

	if (gate_enter(gate))
		return true;
	for (until = clock_ns() + SHUT_NS; clock_ns() < until; sched_yield())
		if (gate_enter(gate))
			return true;
	return false;
}

typedef ssize_t reader(int fd, void *buf, size_t size);

/* The kernel has put the child's userfaultfd among our descriptors. */
static void refuse_forks(const struct uffd_msg *messages, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (messages[i].event == UFFD_EVENT_FORK)
			close((int)messages[i].arg.fork.ufd);
}

/* 0, UFFD_E_SHUT, -errno. */
static int read_messages(int fd, struct gate *gate, reader *way, struct uffd_msg *messages, size_t cap, size_t *ret_n)
{
	ssize_t r;
	int error;

	if (!enter(gate))
		return UFFD_E_SHUT;
	r = way(fd, messages, cap * sizeof(messages[0]));
	error = r < 0 ? errno : 0;
	gate_leave(gate);
	if (error && error != EAGAIN && error != EINTR)
		return -error;
	*ret_n = r > 0 ? (size_t)r / sizeof(messages[0]) : 0;
	refuse_forks(messages, *ret_n);
	return 0;
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

int uffd_read(int fd, struct gate *gate, struct uffd_fault *faults, size_t cap, size_t *ret_n)
{
	struct uffd_msg messages[READ_MESSAGES];
	size_t got, n = 0;
	int r = read_messages(fd, gate, read_now, messages, cap < READ_MESSAGES ? cap : READ_MESSAGES, &got);

	if (r)
		return r;
	for (size_t i = 0; i < got; i++)
		n += fault_of(&messages[i], &faults[n]);
	*ret_n = n;
	return 0;
}

static int wake(int fd, uint64_t addr, size_t size)
{
	struct uffdio_range range = { .start = addr, .len = size };

	return ioctl(fd, UFFDIO_WAKE, &range) < 0 ? -errno : 0;
}

void uffd_read_all(int fd, struct gate *gate)
{
	struct uffd_msg messages[READ_MESSAGES];
	struct uffd_fault fault;
	size_t got = READ_MESSAGES;

	for (unsigned int i = 0; i < READS && got > 0; i++) {
		if (read_messages(fd, gate, read_unless_asleep, messages, READ_MESSAGES, &got))
			return;
		for (size_t k = 0; k < got; k++)
			if (fault_of(&messages[k], &fault))
				wake(fd, fault.addr, LEDGER_PAGE_SIZE);
	}
}

int uffd_open_device(int *ret_fd)
{
	int fd = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* Where the one way is denied the other may do: a seccomp filter knows nothing of the device. */
int uffd_own(int *ret_fd)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY), r = -errno, device;

	if (fd < 0 && uffd_open_device(&device) == 0) {
		fd = ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
		close(device);
	}
	if (fd < 0)
		return r;
	*ret_fd = fd;
	return 0;
}

/* True: the same call again. */
static bool again(const struct mech_page *page, int r, unsigned int *tries)
{
	if (r != -EAGAIN || ++*tries > RETRIES)
		return false;
	if (page->gate)
		uffd_read_all(page->uffd, page->gate);
	sched_yield();
	return true;
}

int uffd_copy(const struct mech_page *page, uint64_t addr, const void *src, size_t size, unsigned int flags, size_t *ret_done)
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

		r = ioctl(page->uffd, UFFDIO_COPY, &c) < 0 ? -errno : 0;
		if (c.copy > 0) {
			done += (size_t)c.copy;
			tries = 0;
		}
	} while (again(page, r, &tries));
	*ret_done = done;
	return r;
}

int uffd_protect(const struct mech_page *page, uint64_t addr, size_t size, bool on)
{
	struct uffdio_writeprotect w = {
		.range = { .start = addr, .len = size }, .mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0
	};
	unsigned int tries = 0;
	int r;

	do {
		r = ioctl(page->uffd, UFFDIO_WRITEPROTECT, &w) < 0 ? -errno : 0;
	} while (again(page, r, &tries));
	return r;
}

/* Asks for something at an address where no managed range can be: only a dead address space says ESRCH. */
bool uffd_gone(int fd)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct uffdio_writeprotect w = { .range = { .start = HMM_LIMIT_ADDRESS - 2 * page, .len = page } };

	return ioctl(fd, UFFDIO_WRITEPROTECT, &w) < 0 && errno == ESRCH;
}

/* Asks for a copy of memory that nobody can read: where it could be put is looked at first. */
bool uffd_covers(int fd, uint64_t addr)
{
	void *unreadable = mmap(NULL, LEDGER_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct uffdio_copy c = { .dst = addr, .src = (uintptr_t)unreadable, .len = LEDGER_PAGE_SIZE };
	bool covers;

	if (unreadable == MAP_FAILED)
		return true;
	covers = ioctl(fd, UFFDIO_COPY, &c) == 0 || (errno != ENOENT && errno != ESRCH);
	munmap(unreadable, LEDGER_PAGE_SIZE);
	return covers;
}

int uffd_wake(const struct mech_page *page, uint64_t addr, size_t size)
{
	return wake(page->uffd, addr, size);
}

int uffd_map(const struct mech_page *page, uint64_t addr, size_t size, size_t *ret_done)
{
	size_t done = 0;
	unsigned int tries = 0;
	int r;

	do {
		struct uffdio_continue c = {
			.range = { .start = addr + done, .len = size - done }, .mode = UFFDIO_CONTINUE_MODE_WP
		};

		r = ioctl(page->uffd, UFFDIO_CONTINUE, &c) < 0 ? -errno : 0;
		if (c.mapped > 0) {
			done += (size_t)c.mapped;
			tries = 0;
		}
	} while (again(page, r, &tries));
	*ret_done = done;
	return r == -EINVAL ? -EOPNOTSUPP : r;
}

int uffd_poison(const struct mech_page *page, uint64_t addr, size_t size)
{
	unsigned int tries = 0;
	uint64_t done = 0;
	int r;

	do {
		struct uffdio_poison p = { .range = { .start = addr + done, .len = size - done } };

		r = ioctl(page->uffd, UFFDIO_POISON, &p) < 0 ? -errno : 0;
		if (p.updated > 0)
			done += (uint64_t)p.updated;
	} while (again(page, r, &tries));
	return r == -ENOTTY || r == -EINVAL ? -EOPNOTSUPP : r;
}
