// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lets the kernel's own hmm-tests, unchanged, test hmmdev.ko: linked to it with --wrap=open and
 * --wrap=ioctl, it turns the test driver's nodes /dev/hmm_dmirror0..3 into /dev/hmm with a device
 * number, and that driver's requests into ours. Where the two differ in what they promise, the
 * stricter reading is taken, so that no test passes here that would fail there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <lib/test_hmm_uapi.h>

#include "drivers/uapi/hmmdev.h"

#define PAGE 4096ULL

/* Units of the test driver: what hmm-tests expects behind each of its nodes. */
enum { UNITS = 4, FIRST_COHERENT = 2 };

enum { DESCRIPTORS = 1024 };	/* the default RLIMIT_NOFILE */

/* Unit + 1 of each descriptor that is ours, 0 of all others. */
static uint8_t unit_of[DESCRIPTORS];

int __real_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

/* 0 or -errno. */
static int call(int fd, unsigned long request, void *argument)
{
	*(uint32_t *)argument = _IOC_SIZE(request);
	return __real_ioctl(fd, request, argument) ? -errno : 0;
}

static bool unit_is_there(int fd, uint32_t unit)
{
	struct hmmdev_dev_info info = { .dev = unit };
	uint32_t type = unit < FIRST_COHERENT ? HMMDEV_TYPE_PRIVATE : HMMDEV_TYPE_COHERENT;

	return !call(fd, HMMDEV_DEV_INFO, &info) && info.type == type;
}

static int open_unit(unsigned int unit)
{
	int fd = __real_open(HMMDEV_PATH, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return fd;
	if (fd >= DESCRIPTORS || !unit_is_there(fd, unit)) {
		close(fd);
		errno = ENOENT;
		return -1;
	}
	unit_of[fd] = (uint8_t)(unit + 1);
	return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
	unsigned int unit;
	va_list rest;
	int mode;

	if (sscanf(path, "/dev/hmm_dmirror%u", &unit) == 1 && unit < UNITS)
		return open_unit(unit);
	va_start(rest, flags);
	mode = va_arg(rest, int);	/* read by open() only if the flags ask for it */
	va_end(rest);
	return __real_open(path, flags, mode);
}

static int transfer(int fd, uint32_t unit, struct hmm_dmirror_cmd *c, unsigned long request, uint32_t flags)
{
	struct hmmdev_rw rw = { .dev = unit, .flags = flags, .addr = c->addr, .len = c->npages * PAGE,
				.buf = c->ptr };
	int r = call(fd, request, &rw);

	c->cpages = rw.done / PAGE;
	c->faults = rw.faults;
	return r;
}

/* Reads the data back as the test driver does, but counts what is on the device, not what was read. */
static int read_back(int fd, uint32_t unit, struct hmm_dmirror_cmd *c, uint64_t pages)
{
	int r = transfer(fd, unit, c, HMMDEV_DEV_READ, 0);

	c->cpages = pages;
	c->faults = 0;
	return r;
}

/* A page that could not be moved is -ENOENT in the test driver, however many could. */
static int migrate_to_device(int fd, uint32_t unit, struct hmm_dmirror_cmd *c)
{
	struct hmmdev_migrate m = { .flags = HMMDEV_MIGRATE_POPULATE, .addr = c->addr,
				    .len = c->npages * PAGE, .dst_kind = HMMDEV_DST_DEV, .dst = unit };
	int r = call(fd, HMMDEV_MIGRATE, &m);

	if (r)
		return r;
	if (m.moved + m.already != c->npages)
		return -ENOENT;
	return read_back(fd, unit, c, m.moved + m.already);
}

/* Nothing to bring back is no error there. */
static int migrate_to_system(int fd, uint32_t unit, struct hmm_dmirror_cmd *c)
{
	struct hmmdev_migrate m = { .flags = HMMDEV_EVICT_ONE, .addr = c->addr, .len = c->npages * PAGE,
				    .dst_kind = HMMDEV_DST_DEV, .dst = unit };
	int r = call(fd, HMMDEV_EVICT, &m);

	c->cpages = m.moved;
	return r == -ENOENT ? 0 : r;
}

/* What the test driver says about one page of such a run. */
static uint8_t perm_of(const struct hmmdev_snap_ent *e, uint32_t unit)
{
	static const uint8_t base[][2] = {	/* [where][unit is coherent] */
		[HMMDEV_WHERE_ZERO] = { HMM_DMIRROR_PROT_ZERO, HMM_DMIRROR_PROT_ZERO },
		[HMMDEV_WHERE_LOCAL] = { HMM_DMIRROR_PROT_DEV_PRIVATE_LOCAL,
					 HMM_DMIRROR_PROT_DEV_COHERENT_LOCAL },
		[HMMDEV_WHERE_REMOTE] = { HMM_DMIRROR_PROT_DEV_PRIVATE_REMOTE,
					  HMM_DMIRROR_PROT_DEV_COHERENT_REMOTE },
		[HMMDEV_WHERE_OTHER] = { HMM_DMIRROR_PROT_NONE, HMM_DMIRROR_PROT_NONE },
	};
	uint8_t perm;

	if (e->where == HMMDEV_WHERE_ERROR)
		return HMM_DMIRROR_PROT_ERROR;
	if (e->where == HMMDEV_WHERE_HOLE)
		return HMM_DMIRROR_PROT_NONE;
	perm = base[e->where][unit >= FIRST_COHERENT];
	perm |= e->prot & HMMDEV_PROT_WRITE ? HMM_DMIRROR_PROT_WRITE : HMM_DMIRROR_PROT_READ;
	if (e->prot & HMMDEV_PROT_PMD)
		perm |= HMM_DMIRROR_PROT_PMD;
	if (e->prot & HMMDEV_PROT_PUD)
		perm |= HMM_DMIRROR_PROT_PUD;
	return perm;
}

/* Runs must follow each other without gap: a page that none of them holds would go unseen. */
static int expand(const struct hmmdev_snap *s, uint32_t unit, struct hmm_dmirror_cmd *c)
{
	const struct hmmdev_snap_ent *e = (const struct hmmdev_snap_ent *)(uintptr_t)s->vec;
	uint8_t *perm = (uint8_t *)(uintptr_t)c->ptr;

	for (uint32_t i = 0; i < s->out_n; i++, e++) {
		if (e->addr != c->addr + c->cpages * PAGE || e->npages > c->npages - c->cpages)
			return -EPROTO;
		for (uint32_t n = 0; n < e->npages; n++)
			perm[c->cpages++] = perm_of(e, unit);
	}
	return 0;
}

static int snapshot(int fd, uint32_t unit, struct hmm_dmirror_cmd *c)
{
	uint64_t end = c->addr + c->npages * PAGE;
	struct hmmdev_snap_ent vec[64];

	c->cpages = 0;
	for (uint64_t at = c->addr; at < end; ) {
		struct hmmdev_snap s = { .addr = at, .len = end - at, .vec = (uintptr_t)vec,
					 .vec_n = sizeof(vec) / sizeof(*vec), .dev = unit };
		int r = call(fd, HMMDEV_SNAPSHOT, &s);

		r = r ? r : expand(&s, unit, c);
		if (r)
			return r;
		if (s.next <= at)
			return -EPROTO;
		at = s.next;
	}
	return 0;
}

static int exclusive(int fd, uint32_t unit, struct hmm_dmirror_cmd *c)
{
	struct hmmdev_excl e = { .addr = c->addr, .len = c->npages * PAGE, .dev = unit };
	int r = call(fd, HMMDEV_EXCL_ACQUIRE, &e);

	return r ? r : read_back(fd, unit, c, e.pages);
}

/* There: -EPERM while any page is still exclusive. */
static int check_exclusive(int fd, uint32_t unit, struct hmm_dmirror_cmd *c)
{
	struct hmmdev_excl e = { .addr = c->addr, .len = c->npages * PAGE, .dev = unit };
	int r = call(fd, HMMDEV_EXCL_CHECK, &e);

	if (r)
		return r;
	return e.pages ? -EPERM : 0;
}

/* The device loses its memory and gets it again. A drain that needs more than this many calls hangs. */
static int release(int fd, uint32_t unit)
{
	struct hmmdev_dev_ctl drain, online = { .op = HMMDEV_OP_ONLINE, .dev = unit };
	int r = -EAGAIN;

	for (int tries = 0; tries < 10 && r == -EAGAIN; tries++) {
		drain = (struct hmmdev_dev_ctl){ .op = HMMDEV_OP_DRAIN, .dev = unit };
		r = call(fd, HMMDEV_DEV_CTL, &drain);
	}
	return r ? r : call(fd, HMMDEV_DEV_CTL, &online);
}

/* The flag lets the next huge allocation fail, whichever side it is on. */
static int set_flags(int fd, uint64_t flags)
{
	struct hmmdev_inject i = { .flags = HMMDEV_INJECT_HUGE_ONLY, .what = HMMDEV_INJECT_DEVICE_ALLOC };
	int r;

	i.n = i.count = !!(flags & HMM_DMIRROR_FLAG_FAIL_ALLOC);
	r = call(fd, HMMDEV_INJECT, &i);
	if (r)
		return r;
	i.what = HMMDEV_INJECT_SYSTEM_ALLOC;
	return call(fd, HMMDEV_INJECT, &i);
}

static int forward(int fd, uint32_t unit, unsigned long request, struct hmm_dmirror_cmd *c)
{
	c->cpages = c->faults = 0;
	switch (request) {
	case HMM_DMIRROR_READ:
		return transfer(fd, unit, c, HMMDEV_DEV_READ, 0);
#ifdef HMM_DMIRROR_READ_UNLOCKED
	case HMM_DMIRROR_READ_UNLOCKED:
		return transfer(fd, unit, c, HMMDEV_DEV_READ, HMMDEV_RW_UNLOCKED);
#endif
	case HMM_DMIRROR_WRITE:
		return transfer(fd, unit, c, HMMDEV_DEV_WRITE, 0);
	case HMM_DMIRROR_MIGRATE_TO_DEV:
		return migrate_to_device(fd, unit, c);
	case HMM_DMIRROR_MIGRATE_TO_SYS:
		return migrate_to_system(fd, unit, c);
	case HMM_DMIRROR_SNAPSHOT:
		return snapshot(fd, unit, c);
	case HMM_DMIRROR_EXCLUSIVE:
		return exclusive(fd, unit, c);
	case HMM_DMIRROR_CHECK_EXCLUSIVE:
		return check_exclusive(fd, unit, c);
	case HMM_DMIRROR_RELEASE:
		return release(fd, unit);
	case HMM_DMIRROR_FLAGS:
		return set_flags(fd, c->npages);
	}
	return -EINVAL;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list rest;
	void *argument;
	int r;

	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	if (fd < 0 || fd >= DESCRIPTORS || !unit_of[fd] || _IOC_TYPE(request) != 'H')
		return __real_ioctl(fd, request, argument);
	r = forward(fd, unit_of[fd] - 1U, request, argument);
	if (!r)
		return 0;
	errno = -r;
	return -1;
}
