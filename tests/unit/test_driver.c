// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The door to the kernel driver, over the simulated one: counts in bytes, errors with progress,
 * looks.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/mech/driver_sim.h"
#include "proto/ledger.h"
#include "tests/support/test.h"

enum { NODE_TIER = 3, HBM_TIER = 5, GDDR_TIER = 6, BASE = 4096 };
#define ADDR (1ULL << 32)
#define ROOM (4 * HUGE_PAGE)

static struct driver *d;
static int ends[2];

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(driver_sim_new(&d, ROOM), 0);
	assert_int_equal(driver_open(d, HMMDEV_PATH), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	driver_map_nodes(d, 1, NODE_TIER);
	driver_map_device(d, 0, HBM_TIER);
	driver_map_device(d, 1, GDDR_TIER);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	driver_free(d);
	return 0;
}

static void only_the_node_is_the_node(void **state)
{
	int fd = memfd_create("other", MFD_CLOEXEC);
	struct driver *closed;

	(void)state;
	assert_int_equal(driver_check(d, ends[0]), 0);
	assert_int_equal(driver_check(d, fd), DRIVER_E_OTHER);
	assert_int_equal(driver_check(d, -1), -EBADF);
	assert_int_equal(driver_open(d, HMMDEV_PATH), 0); /* once more, for another tier */
	assert_int_equal(driver_sim_new(&closed, ROOM), 0);
	assert_int_equal(driver_check(closed, ends[0]), -ENODEV);
	driver_free(closed);
	close(fd);
}

/* The real door, where no such driver is: clear errors, nothing else. */
static void the_real_door_knows_its_node(void **state)
{
	struct driver *real;

	(void)state;
	assert_int_equal(driver_new(&real), 0);
	assert_int_equal(driver_open(real, "/dev/shm/no-such-node"), -ENOENT);
	assert_int_equal(driver_open(real, "/dev/null"), DRIVER_E_OTHER);
	assert_int_equal(real->fd, -1);
	assert_null(driver_free(real));
}

static void moves_are_counted_in_bytes(void **state)
{
	struct driver_moved moved;

	(void)state;
	assert_int_equal(driver_to_device(d, ends[0], ADDR, HUGE_PAGE, 0, 250, true, &moved), 0);
	assert_int_equal(moved.moved, HUGE_PAGE);
	assert_int_equal(driver_sim_stay_us(d), 250);
	assert_int_equal(
		driver_to_device(d, ends[0], ADDR, HUGE_PAGE + BASE, 0, UINT64_MAX, false, &moved),
		0);
	assert_int_equal(moved.moved, BASE);
	assert_int_equal(moved.already, HUGE_PAGE);
	assert_int_equal(driver_sim_stay_us(d), UINT32_MAX);
	driver_sim_busy(d, ADDR, 2 * BASE);
	assert_int_equal(driver_to_memory(d, ends[0], ADDR, HUGE_PAGE, DRIVER_NO_DEVICE, &moved),
			 -EAGAIN);
	assert_int_equal(moved.busy, 2 * BASE);
	assert_int_equal(moved.moved, HUGE_PAGE - 2 * BASE);
	assert_int_equal(driver_sim_bytes(d, 0), 3 * BASE);
	assert_int_equal(driver_to_memory(d, ends[0], ADDR, 2 * HUGE_PAGE, 1, &moved),
			 0); /* nothing is there */
	assert_int_equal(driver_sim_bytes(d, 0), 3 * BASE);
}

static void errors_tell_what_was_done(void **state)
{
	struct driver_moved moved;

	(void)state;
	assert_int_equal(driver_to_device(d, ends[0], ADDR, ROOM + HUGE_PAGE, 0, 0, false, &moved),
			 -ENOSPC);
	assert_int_equal(moved.moved, ROOM);
	assert_int_equal(moved.already + moved.busy, 0);
	assert_int_equal(driver_to_device(d, ends[0], ADDR, HUGE_PAGE, 7, 0, false, &moved),
			 -ENODEV);
	driver_sim_state(d, 1, HMMDEV_STATE_DRAINING);
	assert_int_equal(driver_to_device(d, ends[0], ADDR + ROOM, BASE, 1, 0, false, &moved),
			 -ENODEV);
	driver_sim_fail(d, HMMDEV_MIGRATE, -ESRCH, 1);
	assert_int_equal(driver_to_device(d, ends[0], ADDR, HUGE_PAGE, 0, 0, false, &moved),
			 -ESRCH);
	assert_int_equal(moved.moved + moved.already + moved.busy, 0);
	assert_int_equal(driver_to_device(d, ends[0], ADDR, HUGE_PAGE, 0, 0, false, &moved), 0);
}

static void a_look_sees_both_devices(void **state)
{
	struct driver_seen seen[3];
	struct driver_moved moved;

	(void)state;
	driver_to_device(d, ends[0], ADDR, HUGE_PAGE, 0, 0, false, &moved);
	driver_to_device(d, ends[0], ADDR + HUGE_PAGE + BASE, 5 * BASE, 1, 0, false, &moved);
	assert_int_equal(driver_look(d, ends[0], ADDR, 3 * HUGE_PAGE, seen), 0);
	assert_int_equal(seen[0].device, 512);
	assert_int_equal(seen[0].memory, 0);
	assert_int_equal(seen[0].dev, HBM_TIER);
	assert_int_equal(seen[1].device, 5);
	assert_int_equal(seen[1].memory, 507);
	assert_int_equal(seen[1].dev, GDDR_TIER);
	assert_int_equal(seen[1].node, NODE_TIER);
	assert_int_equal(seen[2].memory, 512);
	/* Parts of huge pages at both ends. */
	assert_int_equal(driver_look(d, ends[0], ADDR + HUGE_PAGE - BASE, 3 * BASE, seen), 0);
	assert_int_equal(seen[0].device, 1);
	assert_int_equal(seen[1].device, 1);
	assert_int_equal(seen[1].memory, 1);
	assert_int_equal(driver_look(d, ends[0], ADDR, (DRIVER_LOOK_PAGES + 1) * HUGE_PAGE, seen),
			 -EINVAL);
	driver_sim_fail(d, HMMDEV_SNAPSHOT, -ESRCH, 1);
	assert_int_equal(driver_look(d, ends[0], ADDR, HUGE_PAGE, seen), -ESRCH);
}

/* More runs than one answer holds: every other page is away. */
static void a_look_goes_on_where_the_answer_ended(void **state)
{
	struct driver_moved moved;
	struct driver_seen seen;

	(void)state;
	for (uint64_t at = 0; at < HUGE_PAGE; at += 2 * BASE)
		driver_to_device(d, ends[0], ADDR + at, BASE, 0, 0, false, &moved);
	assert_int_equal(driver_look(d, ends[0], ADDR, HUGE_PAGE, &seen), 0);
	assert_int_equal(seen.device, 256);
	assert_int_equal(seen.memory, 256);
}

static void ranges_pins_and_exclusive_pages(void **state)
{
	uint32_t id = 0, pin = 0;
	struct driver_moved moved;
	uint64_t bytes = 0;

	(void)state;
	assert_int_equal(driver_range_add(d, ends[0], ADDR, HUGE_PAGE, 7, &id), 0);
	/* What an earlier daemon left is in nobody's way. */
	assert_int_equal(driver_range_add(d, ends[0], ADDR + HUGE_PAGE, HUGE_PAGE, 7, &id), 0);
	assert_int_equal(driver_range_add(d, ends[0], ADDR + BASE, HUGE_PAGE, 8, &id), 0);
	assert_int_equal(driver_sim_ranges(d), 1);
	assert_int_equal(driver_range_add(d, ends[1], ADDR, HUGE_PAGE, 8, &pin),
			 0); /* another address space */
	assert_int_equal(driver_range_del(d, ends[0], id), 0);
	assert_int_equal(driver_range_del(d, ends[0], id), -ENOENT);
	assert_int_equal(driver_sim_ranges(d), 1);
	driver_to_device(d, ends[0], ADDR, HUGE_PAGE, 0, 0, false, &moved);
	assert_int_equal(driver_pin(d, ends[0], ADDR, BASE, &pin), 0);
	assert_int_equal(driver_sim_bytes(d, 0), HUGE_PAGE - BASE);
	assert_int_equal(driver_unpin(d, ends[1], pin), -ENOENT);
	assert_int_equal(driver_unpin(d, ends[0], pin), 0);
	assert_int_equal(driver_sim_pins(d), 0);
	assert_int_equal(driver_exclusive(d, ends[0], ADDR, 3 * BASE, 0, true, &bytes), 0);
	assert_int_equal(bytes, 3 * BASE);
}

static void events_are_read_whole(void **state)
{
	struct hmmdev_event sent = { .type = HMMDEV_EVENT_CPU_FAULT,
				     .len = sizeof(sent),
				     .addr = ADDR,
				     .size = HUGE_PAGE },
			    got[DRIVER_EVENTS];
	struct driver_moved moved;
	size_t n = 1;

	(void)state;
	assert_int_equal(driver_read(d, ends[0], got, DRIVER_EVENTS, &n), 0);
	assert_int_equal(n, 0);
	driver_to_device(d, ends[0], ADDR, HUGE_PAGE, 0, 0, false, &moved);
	assert_int_equal(send(ends[1], &sent, sizeof(sent), 0), sizeof(sent));
	assert_int_equal(driver_read(d, ends[0], got, DRIVER_EVENTS, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(got[0].addr, ADDR);
	assert_int_equal(driver_sim_bytes(d, 0), 0);
	shutdown(ends[1], SHUT_WR);
	assert_int_equal(driver_read(d, ends[0], got, DRIVER_EVENTS, &n), -ESRCH);
}

static void features_in_words(void **state)
{
	char text[64];

	(void)state;
	driver_describe(0, text, sizeof(text));
	assert_string_equal(text, "nothing");
	driver_describe(HMMDEV_FEATURE_PRIVATE | HMMDEV_FEATURE_THP, text, sizeof(text));
	assert_string_equal(text, "private memory, whole huge pages");
	driver_describe(UINT64_MAX, text, sizeof(text));
	assert_int_equal(strlen(text), sizeof(text) - 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_the_node_is_the_node),
		TEST(the_real_door_knows_its_node),
		TEST(moves_are_counted_in_bytes),
		TEST(errors_tell_what_was_done),
		TEST(a_look_sees_both_devices),
		TEST(a_look_goes_on_where_the_answer_ended),
		TEST(ranges_pins_and_exclusive_pages),
		TEST(events_are_read_whole),
		TEST(features_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
