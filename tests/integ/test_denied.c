// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A filter of system calls, as containers have, that denies userfaultfd(2): daemon and client use the device then. Where
 * that is denied too, both say what is missing. What is denied once stays denied, so the order of the tests counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/support/deny.h"
#include "tests/support/house.h"
#include "tests/support/test.h"
#include "tests/support/words.h"

#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif

enum { SEED = 5 };
#define SIZE (2 * HUGE_PAGE)

static struct house *house;	/* it began before all was denied */

static void the_device_does_as_well(void **state)
{
	int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	struct hmm_client *c;
	struct hmm_range *r;

	(void)state;
	if (device < 0)
		skip_because("/dev/userfaultfd cannot be opened here");
	close(device);
	assert_true(deny_call(SYS_userfaultfd));
	house = house_open(NULL);
	c = house_client(house, "denied", 0);
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), SIZE, SEED);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
}

static void a_client_without_either_is_told(void **state)
{
	struct hmm_client *c;
	struct hmm_range *r;

	(void)state;
	if (!house)
		skip_because("/dev/userfaultfd cannot be opened here");
	assert_true(deny_ioctl((uint32_t)USERFAULTFD_IOC_NEW));
	c = house_client(house, "denied", 0);
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), -EPERM);
	assert_non_null(strstr(hmm_client_last_error(c), "userfaultfd(2)"));
	hmm_client_unref(c);
	house_close(house);
}

static void and_so_is_who_starts_a_daemon(void **state)
{
	struct house *h;

	(void)state;
	if (!house)
		skip_because("/dev/userfaultfd cannot be opened here");
	h = house_prepare(NULL);
	assert_false(house_try(h));
	assert_true(house_logged(h, "userfaultfd(2) is denied"));
	house_remove(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_device_does_as_well),
		cmocka_unit_test(a_client_without_either_is_told),
		cmocka_unit_test(and_so_is_who_starts_a_daemon),
	};

	return cmocka_run_group_tests_name("denied", tests, NULL, NULL);
}
