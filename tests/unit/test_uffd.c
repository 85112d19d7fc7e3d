// SPDX-License-Identifier: GPL-2.0-or-later
/* userfaultfd: which descriptors pass, reading that never waits, what is still covered. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/kernel.h"
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
	assert_int_equal(uffd_read(fd, faults, 4, &n), 0);
	assert_int_equal(n, 0);
	close(fd);
	assert_int_equal(uffd_read(fd, faults, 4, &n), -EBADF);
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
	assert_int_equal(uffd_read(fd, faults, 4, &n), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_nonblocking_userfaultfds_pass),
		cmocka_unit_test(quiet_userfaultfd_has_no_faults),
		cmocka_unit_test(a_blocking_userfaultfd_does_not_hold_us),
		cmocka_unit_test(what_is_unmapped_is_not_covered),
	};

	return cmocka_run_group_tests_name("userfaultfd", tests, NULL, NULL);
}
