// SPDX-License-Identifier: GPL-2.0-or-later
/* userfaultfd: which descriptors pass, reading that never waits, what is still covered. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/kernel.h"
#include "daemon/mech/uffd.h"
#include "proto/gate.h"
#include "proto/ledger.h"
#include "tests/support/test.h"

static void only_nonblocking_userfaultfds_pass(void **state)
{
	int fd;

	(void)state;
	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	assert_true(fd >= 0);
	assert_int_equal(uffd_check(fd), UFFD_E_BLOCKING);
	close(fd);
	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	assert_int_equal(uffd_check(fd), 0);
	close(fd);
	assert_int_equal(uffd_check(fd), -EBADF);
	fd = memfd_create("[userfaultfd]", MFD_CLOEXEC);
	assert_int_equal(uffd_check(fd), UFFD_E_OTHER);
	close(fd);
}

static void quiet_userfaultfd_has_no_faults(void **state)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffd_fault faults[4];
	size_t n = 9;
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	(void)state;
	assert_int_equal(ioctl(fd, UFFDIO_API, &api), 0);
	assert_int_equal(uffd_read(fd, NULL, faults, 4, &n), 0);
	assert_int_equal(n, 0);
	close(fd);
	assert_int_equal(uffd_read(fd, NULL, faults, 4, &n), -EBADF);
}

/* The client clears O_NONBLOCK between our look and our read. */
static void a_blocking_userfaultfd_does_not_hold_us(void **state)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffd_fault faults[4];
	size_t n = 9;
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	(void)state;
	assert_int_equal(ioctl(fd, UFFDIO_API, &api), 0);
	alarm(PATIENCE_US / 1000000);	/* a read that waits would do so for ever */
	assert_int_equal(uffd_read(fd, NULL, faults, 4, &n), 0);
	alarm(0);
	assert_int_equal(n, 0);
	close(fd);
}

static void what_is_unmapped_is_not_covered(void **state)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	uint8_t resident[LEDGER_PAGE_SIZE / 4096] = { 0 };
	uint64_t first;
	char *at;

	(void)state;
	assert_int_equal(ioctl(fd, UFFDIO_API, &api), 0);
	at = mmap(NULL, 4 * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(at != MAP_FAILED);
	first = ((uintptr_t)at + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	reg.range = (struct uffdio_range){ .start = first, .len = 2 * HUGE_PAGE };
	assert_int_equal(ioctl(fd, UFFDIO_REGISTER, &reg), 0);
	assert_true(uffd_covers(fd, first));
	assert_true(uffd_covers(fd, first + HUGE_PAGE));
	assert_int_equal(mincore((void *)first, HUGE_PAGE, resident), 0);
	for (size_t i = 0; i < sizeof(resident); i++)
		assert_int_equal(resident[i] & 1, 0);	/* nothing was put there */
	assert_false(uffd_covers(fd, first + 2 * HUGE_PAGE));	/* never registered */
	assert_int_equal(munmap((void *)first, HUGE_PAGE), 0);
	assert_false(uffd_covers(fd, first));
	assert_true(uffd_covers(fd, first + HUGE_PAGE));
	close(fd);
	munmap(at, 4 * HUGE_PAGE);
}

struct place {
	int fd;
	struct gate gate;
	char *room;
	uint64_t at;		/* a registered huge page, and one behind it */
};

/* A place whose munmap(2) waits until its message was read. */
static void open_place(struct place *p)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_EVENT_UNMAP };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	*p = (struct place){ .fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY) };
	assert_int_equal(ioctl(p->fd, UFFDIO_API, &api), 0);
	p->room = mmap(NULL, 4 * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(p->room != MAP_FAILED);
	p->at = ((uintptr_t)p->room + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	reg.range = (struct uffdio_range){ .start = p->at, .len = 2 * HUGE_PAGE };
	assert_int_equal(ioctl(p->fd, UFFDIO_REGISTER, &reg), 0);
}

static void close_place(struct place *p)
{
	close(p->fd);
	munmap(p->room, 4 * HUGE_PAGE);
}

static void *touch_first(void *userdata)
{
	struct place *p = userdata;

	die_by_own_signal();
	(void)*(volatile char *)p->at;
	return NULL;
}

static void *unmap_second(void *userdata)
{
	struct place *p = userdata;

	munmap((void *)(p->at + HUGE_PAGE), HUGE_PAGE);
	return NULL;
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void nothing_is_read_while_the_gate_is_shut(void **state)
{
	struct uffd_fault faults[4];
	struct uffdio_zeropage zero;
	struct place p;
	pthread_t thread;
	size_t n = 9;

	(void)state;
	open_place(&p);
	gate_shut(&p.gate);
	assert_int_equal(pthread_create(&thread, NULL, touch_first, &p), 0);
	assert_soon(readable(p.fd));
	assert_int_equal(uffd_read(p.fd, &p.gate, faults, 4, &n), UFFD_E_SHUT);
	uffd_read_all(p.fd, &p.gate);
	assert_true(readable(p.fd));
	assert_true(gate_empty(&p.gate));
	gate_open(&p.gate);
	assert_int_equal(uffd_read(p.fd, &p.gate, faults, 4, &n), 0);
	assert_true(gate_empty(&p.gate));
	assert_int_equal(n, 1);
	assert_int_equal(faults[0].addr, p.at);
	zero = (struct uffdio_zeropage){ .range = { .start = p.at, .len = HUGE_PAGE } };
	assert_int_equal(ioctl(p.fd, UFFDIO_ZEROPAGE, &zero), 0);
	pthread_join(thread, NULL);
	close_place(&p);
}

/* The page that was read for that is told of again. */
static void unmapping_ends_what_the_kernel_refuses(void **state)
{
	static uint8_t src[HUGE_PAGE];
	struct place p;
	pthread_t toucher, unmapper;
	struct mech_page page;
	size_t done;

	(void)state;
	open_place(&p);
	page = (struct mech_page){ .uffd = p.fd, .gate = &p.gate };
	assert_int_equal(pthread_create(&toucher, NULL, touch_first, &p), 0);
	assert_soon(readable(p.fd));
	gate_shut(&p.gate);
	assert_int_equal(pthread_create(&unmapper, NULL, unmap_second, &p), 0);
	assert_soon(uffd_protect(&page, p.at, HUGE_PAGE, false) == -EAGAIN);	/* whoever unmaps is inside */
	assert_int_equal(uffd_copy(&page, p.at, src, HUGE_PAGE, 0, &done), -EAGAIN);
	gate_open(&p.gate);
	assert_soon(uffd_copy(&page, p.at, src, HUGE_PAGE, 0, &done) == 0);	/* when that thread has run */
	pthread_join(unmapper, NULL);
	pthread_join(toucher, NULL);
	close_place(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_nonblocking_userfaultfds_pass),
		cmocka_unit_test(quiet_userfaultfd_has_no_faults),
		cmocka_unit_test(a_blocking_userfaultfd_does_not_hold_us),
		cmocka_unit_test(what_is_unmapped_is_not_covered),
		cmocka_unit_test(nothing_is_read_while_the_gate_is_shut),
		cmocka_unit_test(unmapping_ends_what_the_kernel_refuses),
	};

	return cmocka_run_group_tests_name("userfaultfd", tests, NULL, NULL);
}
