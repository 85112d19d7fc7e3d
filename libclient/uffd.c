// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * userfaultfd(2), with what older kernel headers lack. Three ways to get one, best first: the
 * device (faults from inside the kernel too, for anybody who was handed a descriptor), the system
 * call, the system call for faults from user mode only.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libclient/client.h"
#include "libclient/clock.h"
#include "libclient/uffd.h"
#include "proto/ledger.h"

#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef UFFDIO_POISON
struct uffdio_poison {
	struct uffdio_range range;
	__u64 mode;
	__s64 updated;
};
#define UFFDIO_POISON _IOWR(UFFDIO, 0x08, struct uffdio_poison)
#endif
#ifndef UFFDIO_CONTINUE
struct uffdio_continue {
	struct uffdio_range range;
	__u64 mode;
	__s64 mapped;
};
#define UFFDIO_CONTINUE _IOWR(UFFDIO, 0x07, struct uffdio_continue)
#endif

enum {
	READ_MESSAGES = 64,	/* of one read */
	READS = 16,		/* one after the other: who was woken may be there again */
	QUICK = 64,		/* of these without a pause */
	PAUSE_US = 1000,
	RETRIES = 5000		/* of EAGAIN, 5 s: threads that unmap memory have to run in between, each once */
};

#define WANTED_FEATURES (UFFD_FEATURE_MISSING_HUGETLBFS | UFFD_FEATURE_MISSING_SHMEM | \
			 UFFD_FEATURE_WP_HUGETLBFS_SHMEM | UFFD_FEATURE_PAGEFAULT_FLAG_WP)

static int new_fd(int device)
{
	int fd = -1;

	if (device >= 0)
		fd = ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	return fd < 0 ? -errno : fd;
}

static int enable(int fd, uint64_t features, uint64_t *ret_has)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };

	if (ioctl(fd, UFFDIO_API, &api) < 0)
		return -errno;
	*ret_has = api.features;
	return 0;
}

/* The kernel refuses a feature that it does not have, so a first descriptor asks what there is. */
static int probe(int device, uint64_t *ret_features)
{
	int fd = new_fd(device), r;

	if (fd < 0)
		return fd;
	r = enable(fd, 0, ret_features);
	close(fd);
	return r;
}

int uffd_open(int device, bool tells_unmap, struct uffd **ret)
{
	struct uffd *u;
	uint64_t features = 0, wanted = WANTED_FEATURES;
	int r = probe(device, &features);

	if (r)
		return r;
	u = malloc(sizeof(*u));
	if (!u)
		return -ENOMEM;
	*u = (struct uffd){ .fd = new_fd(device), .users = 1 };
	wanted |= tells_unmap ? UFFD_FEATURE_EVENT_UNMAP : 0;
	r = u->fd < 0 ? u->fd : enable(u->fd, features & wanted, &features);
	u->tells_unmap = features & wanted & UFFD_FEATURE_EVENT_UNMAP;
	if (r) {
		uffd_unref(u);
		return r;
	}
	*ret = u;
	return 0;
}

struct uffd *uffd_unref(struct uffd *u)
{
	if (!u || --u->users > 0)
		return NULL;
	if (u->fd >= 0)
		close(u->fd);
	free(u);
	return NULL;
}

int uffd_register(const struct uffd *u, void *addr, size_t size)
{
	struct uffdio_register reg = { .range = { (uintptr_t)addr, size },
				       .mode = UFFDIO_REGISTER_MODE_MISSING |
					       UFFDIO_REGISTER_MODE_WP };

	return ioctl(u->fd, UFFDIO_REGISTER, &reg) < 0 ? -errno : 0;
}

/*
 * The kernel wakes before it waits for the faults under way (those that hold the mapping alone, from
 * 6.7 on): one of them would go to sleep after that, for ever.
 */
int uffd_unregister(const struct uffd *u, void *addr, size_t size)
{
	struct uffdio_range range = { (uintptr_t)addr, size };
	int r = ioctl(u->fd, UFFDIO_UNREGISTER, &range) < 0 ? -errno : 0;

	uffd_wake(u, addr, size);
	return r;
}

bool uffd_read_all(const struct uffd *u)
{
	struct uffd_msg messages[READ_MESSAGES];
	bool any = false;
	ssize_t n;

	for (unsigned int i = 0; i < READS; i++) {
		n = read(u->fd, messages, sizeof(messages));
		if (n <= 0)
			break;
		any = true;
		for (size_t k = 0; k < (size_t)n / sizeof(messages[0]); k++)
			if (messages[k].event == UFFD_EVENT_PAGEFAULT)
				uffd_wake(u, (uint8_t *)(uintptr_t)(messages[k].arg.pagefault.address & -LEDGER_PAGE_SIZE),
					  LEDGER_PAGE_SIZE);
	}
	return any;
}

static bool again(const struct uffd *u, int r, unsigned int *tries)
{
	if (r != -EAGAIN || ++*tries > RETRIES)
		return false;
	uffd_read_all(u);
	if (*tries < QUICK)
		sched_yield();
	else
		usleep(PAUSE_US);
	return true;
}

int uffd_thaw(const struct uffd *u, uint8_t *addr, size_t size)
{
	struct uffdio_writeprotect w = { .range = { (uintptr_t)addr, size } };
	unsigned int tries = 0;
	int r;

	do
		r = ioctl(u->fd, UFFDIO_WRITEPROTECT, &w) < 0 ? -errno : 0;
	while (again(u, r, &tries));
	return r;
}

int uffd_map_some(const struct uffd *u, uint8_t *addr, size_t size, size_t *ret_done)
{
	unsigned int tries = 0;
	int r;

	*ret_done = 0;
	do {
		struct uffdio_continue c = { .range = { (uintptr_t)addr, size } };

		r = ioctl(u->fd, UFFDIO_CONTINUE, &c) < 0 ? -errno : 0;
		*ret_done = c.mapped > 0 ? (size_t)c.mapped : 0;
	} while (*ret_done == 0 && again(u, r, &tries));
	return r == -EAGAIN && *ret_done > 0 ? 0 : r;
}

int uffd_poison(const struct uffd *u, uint8_t *addr, size_t size, size_t page)
{
	unsigned int tries = 0;
	size_t done = 0;

	while (done < size) {
		struct uffdio_poison p = { .range = { (uintptr_t)addr + done, size - done } };
		int r = ioctl(u->fd, UFFDIO_POISON, &p) < 0 ? -errno : 0;

		if (!r)
			return 0;
		if (p.updated > 0)
			done += (size_t)p.updated;
		else if (r == -EEXIST)
			done += page;
		else if (!again(u, r, &tries))
			return r;
	}
	return 0;
}

int uffd_wake(const struct uffd *u, uint8_t *addr, size_t size)
{
	struct uffdio_range range = { (uintptr_t)addr, size };

	return ioctl(u->fd, UFFDIO_WAKE, &range) < 0 ? -errno : 0;
}

static int send_fd(struct hmm_client *c)
{
	Hmmd__AttachUffd body = HMMD__ATTACH_UFFD__INIT;
	Hmmd__Message m = WIRE_MESSAGE(ATTACH_UFFD, attach_uffd, &body);
	struct request req = { 0 };
	int r = wire_call(c, &req, &m, &c->uffd->fd, 1, clock_after(WIRE_ANSWER_US));

	c->uffd_attached = r == 0;
	return r;
}

/* The error alone says nothing of the ways that were tried. */
static int open_own(struct hmm_client *c)
{
	int r = uffd_open(c->uffd_device, !(c->flags & HMM_CLIENT_NO_HELPER), &c->uffd);

	if (r == -EPERM || r == -EACCES || r == -ENOSYS)
		client_refused(c, c->uffd_device < 0 ?
			       "userfaultfd(2) is denied to this program, most likely by a seccomp filter such as that of a "
			       "container, and hmmd could not hand it /dev/userfaultfd: managed memory needs one of them" :
			       "userfaultfd(2) and the ioctl of the /dev/userfaultfd that hmmd has handed out are denied to this "
			       "program, most likely by a seccomp filter such as that of a container: managed memory needs one of "
			       "them");
	return r;
}

int uffd_attach(struct hmm_client *c)
{
	int r;

	while (c->uffd_attaching)
		pthread_cond_wait(&c->changed, &c->lock);
	r = session_settle(c);
	if (r || c->uffd_attached)
		return r;
	c->uffd_attaching = true;
	if (!c->uffd)
		r = open_own(c);
	if (!r)
		r = send_fd(c);
	c->uffd_attaching = false;
	pthread_cond_broadcast(&c->changed);
	return r;
}
