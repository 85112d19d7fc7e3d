// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Descriptors whose close waits for a stranger: an hour for the socket, for ever for the file. hmmd answers
 * others meanwhile, ends and starts again. What is asserted is the order of events: the answer comes while the
 * descriptor still holds up whoever closes it.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "tests/support/house.h"
#include "tests/support/rawpeer.h"
#include "tests/support/stranger.h"
#include "tests/support/test.h"

enum { MANY = 40 };	/* more than porters of one user may be stuck */

static struct house *house;
static struct stranger stranger;

static int set_up(void **state)
{
	(void)state;
	house = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stranger_end(&stranger);
	house_close(house);
	return 0;
}

/* A stranger to all that went before. */
static void somebody_else_is_served(void)
{
	struct rawpeer *p = rawpeer_open(house->socket);

	rawpeer_hello(p);
	assert_int_equal(rawpeer_ping(p), 0);
	rawpeer_attach(p);	/* a descriptor that is welcome */
	assert_int_equal(rawpeer_ping(p), 0);
	rawpeer_close(p);
}

static int ping_with(struct rawpeer *p, int fd)
{
	Hmmd__Ping ping = HMMD__PING__INIT;
	RAW_MESSAGE(m, PING, ping, &ping);

	return rawpeer_refusal(p, &m, &fd, 1);
}

/* What lies in a queue only is hmmd's to get rid of. */
static void let_go(int fd, void *whether)
{
	if (whether)
		assert_int_equal(close(fd), 0);
}

/* Each of the ways. */
static void in_no_frame(int fd, void *unused)
{
	struct rawpeer *p = rawpeer_open(house->socket);

	(void)unused;
	assert_int_equal(rawpeer_send_bytes(p, "xxxx", 4, &fd, 1), 0);
	assert_true(rawpeer_hung_up(p));
	rawpeer_close(p);
}

static void in_a_frame(int fd, void *unused)
{
	struct rawpeer *p = rawpeer_open(house->socket);
	Hmmd__AttachUffd body = HMMD__ATTACH_UFFD__INIT;
	RAW_MESSAGE(m, ATTACH_UFFD, attach_uffd, &body);

	(void)unused;
	assert_int_not_equal(ping_with(p, fd), 0);	/* before Hello */
	rawpeer_hello(p);
	assert_int_not_equal(ping_with(p, fd), 0);
	assert_int_equal(rawpeer_refusal(p, &m, &fd, 1), EBADF);
	assert_int_equal(rawpeer_ping(p), 0);		/* its own connection lives on */
	rawpeer_close(p);
}

/* Behind a frame that ends the connection. */
static void unread(int fd, void *last)
{
	struct rawpeer *p = rawpeer_open(house->socket);

	kill(house->pid, SIGSTOP);
	rawpeer_send_bytes(p, "xxxx", 4, NULL, 0);
	rawpeer_send_bytes(p, "", 0, NULL, 0);	/* which looks like the end of the queue */
	for (int i = 0; i < 3; i++)
		assert_int_equal(rawpeer_send_bytes(p, "xxxx", 4, &fd, 1), 0);
	let_go(fd, last);
	kill(house->pid, SIGCONT);
	rawpeer_close(p);
}

/* On a connection that waits to be accepted; hmmd is left stopped. */
static void in_the_backlog(int fd, void *last)
{
	kill(house->pid, SIGSTOP);
	for (int i = 0; i < 3; i++) {
		struct rawpeer *p = rawpeer_open(house->socket);

		rawpeer_send_bytes(p, "", 0, NULL, 0);
		assert_int_equal(rawpeer_send_bytes(p, "xxxx", 4, &fd, 1), 0);
		rawpeer_close(p);
	}
	let_go(fd, last);
}

static void many_times(int fd, void *unused)
{
	(void)unused;
	for (int i = 0; i < MANY; i++) {
		struct rawpeer *p = rawpeer_open(house->socket);

		assert_int_equal(rawpeer_send_bytes(p, "xxxx", 4, &fd, 1), 0);
		rawpeer_close(p);
	}
}

static void linger(void (*way)(int fd, void *userdata))
{
	way(stranger_lingering(), house);
}

/* Clients that a killed hmmd had not seen leave would be waited for by the next one. */
static void kill_and_start(void)
{
	assert_soon(count_files(house->state, ".ledger") == 0);
	house_kill(house);
	house_start(house);
}

static void a_lingering_socket(void **state)
{
	(void)state;
	linger(in_the_backlog);
	kill(house->pid, SIGCONT);
	somebody_else_is_served();
	linger(unread);
	somebody_else_is_served();
	linger(in_the_backlog);
	kill(house->pid, SIGCONT);
	assert_int_equal(house_stop(house), 0);
	house_start(house);
	assert_soon(count_files(house->state, ".ledger") == 0);
	linger(in_the_backlog);
	kill_and_start();
	somebody_else_is_served();
}

static void a_file_on_fuse(void (*way)(int fd, void *userdata))
{
	if (stranger_missing())
		skip_because("%s", stranger_missing());
	stranger_begin(&stranger, way, NULL);
}

static void in_what_is_no_frame(void **state)
{
	(void)state;
	a_file_on_fuse(in_no_frame);
	somebody_else_is_served();
	assert_int_equal(house_stop(house), 0);
	house_start(house);
	somebody_else_is_served();
}

static void in_frames(void **state)
{
	(void)state;
	a_file_on_fuse(in_a_frame);
	somebody_else_is_served();
	kill_and_start();
	somebody_else_is_served();
}

static void in_packets_that_are_never_read(void **state)
{
	(void)state;
	a_file_on_fuse(unread);
	somebody_else_is_served();
	kill_and_start();
	somebody_else_is_served();
}

static void before_it_is_accepted(void **state)
{
	(void)state;
	a_file_on_fuse(in_the_backlog);
	kill_and_start();
	somebody_else_is_served();
}

/* The processes that get stuck are few, and when no more may be, the others are served all the same. */
static void again_and_again(void **state)
{
	(void)state;
	a_file_on_fuse(many_times);
	somebody_else_is_served();
	assert_int_equal(house_stop(house), 0);
	house_start(house);
	somebody_else_is_served();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_lingering_socket),
		TEST(in_what_is_no_frame),
		TEST(in_frames),
		TEST(in_packets_that_are_never_read),
		TEST(before_it_is_accepted),
		TEST(again_and_again),
	};

	return cmocka_run_group_tests_name("descriptors of strangers", tests, NULL, NULL);
}
