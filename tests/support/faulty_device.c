// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hides the drivers behind ones that inject failures. Linked beside the daemon's own main(), it
 * has no place to be called from but a constructor; the daemon itself has none.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "daemon/mech/view.h"
#include "drivers/registry.h"
#include "tests/support/faulty_device.h"

enum { PIECE_US = 10000 };

static struct faulty_switches *switches;

/* In pieces, because the test may have seen enough. */
static void be_slow(void)
{
	uint32_t done = 0, step, us;
	struct timespec t = { .tv_sec = 0 };

	while ((us = atomic_load(&switches->delay_us)) > done) {
		step = us - done < PIECE_US ? us - done : PIECE_US;
		t.tv_nsec = (long)step * 1000;
		nanosleep(&t, NULL);
		done += step;
	}
}

static int inject(_Atomic int32_t *which)
{
	int error = atomic_load(which);

	be_slow();
	if (error)
		atomic_fetch_add(&switches->failed, 1);
	return -error;
}

static int faulty_write(struct hmm_device *d, uint32_t slot, const void *buf)
{
	int r = inject(&switches->write_error);

	return r ? r : hmm_device_memory.write(d, slot, buf);
}

static int faulty_read(struct hmm_device *d, uint32_t slot, void *buf)
{
	int r = inject(&switches->read_error);

	return r ? r : hmm_device_memory.read(d, slot, buf);
}

/* In place nothing could fail, so there is no place. */
static void *faulty_map(struct hmm_device *d, uint32_t slot)
{
	(void)d;
	(void)slot;
	return NULL;
}

/* Nobody has the slot yet, and nobody will have it from this daemon. */
static void deadly_discard(struct hmm_device *d, uint32_t slot)
{
	if (atomic_load(&switches->die)) {
		atomic_store(&switches->slot, slot);
		kill(getpid(), SIGKILL);
	}
	if (hmm_device_file.discard)
		hmm_device_file.discard(d, slot);
}

enum { FIRST_LOOK_MS = 50 /* longer than a step of recovery */ };

static void pause_ms(long ms)
{
	struct timespec t = { 0, ms * 1000000 };

	nanosleep(&t, NULL);
}

static void look_at_far(void)
{
	if (atomic_fetch_add(&switches->far_looks, 1) == 0)
		pause_ms(FIRST_LOOK_MS);
	else
		while (atomic_load(&switches->near_looks) < atomic_load(&switches->near_wanted))
			pause_ms(1);
	while (atomic_load(&switches->hold))
		pause_ms(1);
}

int __real_view_present(int uffd, const struct mech_page *p);
int __wrap_view_present(int uffd, const struct mech_page *p);

/* In place of the kernel's word. */
int __wrap_view_present(int uffd, const struct mech_page *p)
{
	uint64_t far_from = atomic_load(&switches->far_from);

	if (far_from && p->offset < far_from)
		atomic_fetch_add(&switches->near_looks, 1);
	if (far_from && p->offset >= far_from) {
		look_at_far();
		if (atomic_load(&switches->unknown))
			return -EIO;
	}
	return __real_view_present(uffd, p);
}

ssize_t __real_preadv2(int fd, const struct iovec *v, int n, off_t at, int flags);
ssize_t __wrap_preadv2(int fd, const struct iovec *v, int n, off_t at, int flags);

ssize_t __wrap_preadv2(int fd, const struct iovec *v, int n, off_t at, int flags)
{
	if (!atomic_load(&switches->old_reads) || !(flags & RWF_NOWAIT))
		return __real_preadv2(fd, v, n, at, flags);
	atomic_fetch_add(&switches->reads, 1);
	while (atomic_load(&switches->hold_reads))
		pause_ms(1);
	errno = EOPNOTSUPP;
	return -1;
}

static void __attribute__((constructor)) faulty_device_install(void)
{
	static struct hmm_device_ops ops, deadly;
	const char *path = getenv(FAULTY_ENVIRONMENT);
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*switches), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		_exit(124);
	close(fd);
	switches = at;
	ops = hmm_device_memory;
	ops.write = faulty_write;
	ops.read = faulty_read;
	ops.map = faulty_map;
	hmm_device_add(&ops);
	deadly = hmm_device_file;
	deadly.discard = deadly_discard;
	hmm_device_add(&deadly);
}
