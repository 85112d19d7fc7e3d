// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory under userfaultfd: missing pages are left alone and said to be, filled ones go like any other. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { SEED = 101 };
#define BYTES (2 * MiB)

static char *registered(int *ret_uffd)
{
	char *at = memory_map(BYTES, MADV_NOHUGEPAGE);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register r = { .range = { (uintptr_t)at, BYTES }, .mode = UFFDIO_REGISTER_MODE_MISSING };

	*ret_uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	expect(*ret_uffd >= 0);
	expect_is(ioctl(*ret_uffd, UFFDIO_API, &api), 0);
	expect_is(ioctl(*ret_uffd, UFFDIO_REGISTER, &r), 0);
	return at;
}

static void copy(int uffd, char *to, const char *from, size_t bytes)
{
	struct uffdio_copy c = { .dst = (uintptr_t)to, .src = (uintptr_t)from, .len = bytes };

	expect_is(ioctl(uffd, UFFDIO_COPY, &c), 0);
}

static void missing(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open(), uffd;
	char *at = registered(&uffd), *source = memory_small(BYTES, SEED);
	struct hmmdev_migrate m;
	struct uffd_msg message;

	copy(uffd, at, source, BYTES / 2);
	expect_is(migrate(fd, at, BYTES, dev, HMMDEV_MIGRATE_POPULATE, &m), 0);
	expect_is(m.moved, BYTES / 2 / PAGE);
	expect_is(m.skip_uffd, BYTES / 2 / PAGE);
	expect_is(snap_count(fd, dev, at, BYTES, HMMDEV_WHERE_LOCAL), BYTES / 2 / PAGE);
	expect_is(read(uffd, &message, sizeof(message)) < 0 ? errno : 0, EAGAIN);
	copy(uffd, at + BYTES / 2, source + BYTES / 2, BYTES / 2);
	move_all(fd, at, BYTES, dev);
	expect_words(at, BYTES, SEED);
}

static bool reported(int fd, uint16_t type)
{
	struct hmmdev_event e;

	expect_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (read(fd, &e, sizeof(e)) == sizeof(e))
		if (e.type == type)
			return true;
	return false;
}

static void says_so(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open(), uffd;
	char *at = registered(&uffd);
	struct hmmdev_migrate m;

	expect_is(migrate(fd, at, BYTES, dev, HMMDEV_MIGRATE_POPULATE, &m), -ENOENT);
	expect_is(m.skip_uffd, BYTES / PAGE);
	expect(reported(fd, HMMDEV_EVENT_NEED_POPULATE));
	expect_is(device_info(dev).used, 0);
}

struct filler {
	int uffd, stop;
	char *source, *at;
};

static void *fill(void *arg)
{
	struct filler *f = arg;
	struct pollfd p[2] = { { .fd = f->uffd, .events = POLLIN }, { .fd = f->stop, .events = POLLIN } };
	struct uffd_msg m;

	while (poll(p, 2, -1) > 0 && !p[1].revents)
		if (read(f->uffd, &m, sizeof(m)) == sizeof(m)) {
			char *page = (char *)(uintptr_t)(m.arg.pagefault.address & ~(PAGE - 1));

			copy(f->uffd, page, f->source + (page - f->at), PAGE);
		}
	return NULL;
}

/* A device read of a missing page: resolved by the handler where the kernel can wait, else refused. */
static void device_read(void)
{
	uint32_t dev = device_private(8 * MiB);
	struct hmmdev_query q = { 0 };
	int fd = space_open(), stop[2];
	char *buffer = memory_small(16 * PAGE, 0);
	struct filler f = { .source = memory_small(BYTES, SEED) };
	struct hmmdev_rw rw = { .flags = HMMDEV_RW_UNLOCKED, .dev = dev, .len = 16 * PAGE, .buf = (uintptr_t)buffer };
	pthread_t thread;

	expect_is(pipe(stop), 0);
	f.at = registered(&f.uffd);
	f.stop = stop[0];
	rw.addr = (uintptr_t)f.at;
	expect_is(pthread_create(&thread, NULL, fill, &f), 0);
	expect_is(call(fd, HMMDEV_QUERY, &q), 0);
	if (q.features & HMMDEV_FEATURE_UFFD_UNLOCKED) {
		expect_is(call(fd, HMMDEV_DEV_READ, &rw), 0);
		expect_words(buffer, 16 * PAGE, SEED);
	} else {
		expect_is(call(fd, HMMDEV_DEV_READ, &rw), -EOPNOTSUPP);
		expect_is(dev_read(fd, dev, f.at, buffer, PAGE), -EFAULT);
	}
	close(stop[1]);
	pthread_join(thread, NULL);
}

TESTS(TEST(missing), TEST(says_so), TEST(device_read))
