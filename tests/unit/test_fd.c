// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets with descriptors over a real socket pair: nothing is truncated silently, no descriptor
 * leaks.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "proto/fd.h"
#include "proto/limits.h"

struct pair {
	int a, b;
	size_t open_before;
	char buf[64];
	int fds[HMM_LIMIT_FDS];
	size_t size, n_fds;
};

static size_t count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int set_up(void **state)
{
	static struct pair pair;
	int fds[2];

	pair = (struct pair){ .open_before = count_open() };
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	pair.a = fds[0];
	pair.b = fds[1];
	*state = &pair;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *p = *state;

	fd_close_all(p->fds, p->n_fds);
	fd_close_all(&p->a, 1);
	fd_close_all(&p->b, 1);
	assert_int_equal(count_open(), p->open_before);
	return 0;
}

static int receive(struct pair *p, size_t cap, size_t cap_fds)
{
	return fd_recv(p->b, p->buf, cap, p->fds, cap_fds, &p->size, &p->n_fds);
}

static void one_packet_is_one_frame(void **state)
{
	struct pair *p = *state;

	assert_int_equal(fd_send(p->a, "first", 5, NULL, 0, 0), 0);
	assert_int_equal(fd_send(p->a, "2", 1, NULL, 0, MSG_DONTWAIT), 0);
	assert_int_equal(receive(p, sizeof(p->buf), HMM_LIMIT_FDS), 0);
	assert_int_equal(p->size, 5);
	assert_int_equal(p->n_fds, 0);
	assert_memory_equal(p->buf, "first", 5);
	assert_int_equal(receive(p, 1, 0), 0);
	assert_int_equal(p->size, 1);
	assert_int_equal(receive(p, 1, 0), -EAGAIN);
}

static void descriptors_arrive_in_order_and_close_on_exec(void **state)
{
	struct pair *p = *state;
	int sent[HMM_LIMIT_FDS];
	struct stat a, b;

	for (size_t i = 0; i < HMM_LIMIT_FDS; i++)
		sent[i] = i % 2 ? p->a : p->b;
	assert_int_equal(fd_send(p->a, "x", 1, sent, HMM_LIMIT_FDS, 0), 0);
	assert_int_equal(receive(p, sizeof(p->buf), HMM_LIMIT_FDS), 0);
	assert_int_equal(p->n_fds, HMM_LIMIT_FDS);
	for (size_t i = 0; i < HMM_LIMIT_FDS; i++) {
		assert_int_equal(fcntl(p->fds[i], F_GETFD), FD_CLOEXEC);
		assert_int_equal(fstat(p->fds[i], &a), 0);
		assert_int_equal(fstat(sent[i], &b), 0);
		assert_int_equal(a.st_ino, b.st_ino);
	}
}

static void more_descriptors_than_wanted(void **state)
{
	/* odd ones have room in the padding of the buffer */
	static const size_t caps[] = { 0, 1, 2, 3 };
	struct pair *p = *state;
	int sent[4] = { p->a, p->a, p->a, p->a };

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		assert_int_equal(fd_send(p->a, "x", 1, sent, caps[i] + 1, 0), 0);
		assert_int_equal(receive(p, sizeof(p->buf), caps[i]), FD_E_TOO_MANY);
		assert_int_equal(count_open(), p->open_before + 2);
	}
	assert_int_equal(p->n_fds, 0);
}

static void no_descriptor_left_in_this_process(void **state)
{
	struct pair *p = *state;
	int sent[3] = { p->a, p->a, p->a }, dir_fd;
	struct rlimit was, tight;

	/* Room for one of the three: the kernel drops the others, which must not go unseen. */
	dir_fd = open("/", O_RDONLY | O_CLOEXEC);
	assert_true(dir_fd >= 0);
	close(dir_fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	tight = (struct rlimit){ .rlim_cur = (rlim_t)dir_fd + 1, .rlim_max = was.rlim_max };
	assert_int_equal(fd_send(p->a, "x", 1, sent, 3, 0), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	assert_int_equal(receive(p, sizeof(p->buf), HMM_LIMIT_FDS), FD_E_NO_ROOM);
	assert_int_equal(p->size, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(count_open(), p->open_before + 2);
}

static void a_packet_larger_than_the_buffer(void **state)
{
	struct pair *p = *state;
	int sent[2] = { p->a, p->b };

	assert_int_equal(fd_send(p->a, "0123456789", 10, sent, 2, 0), 0);
	assert_int_equal(receive(p, 9, HMM_LIMIT_FDS), FD_E_TRUNCATED);
	assert_int_equal(count_open(), p->open_before + 2);
	assert_int_equal(p->size, 0);
}

static int look(struct pair *p, size_t cap)
{
	return fd_peek(p->b, p->buf, cap, &p->size);
}

static void looking_does_not_take(void **state)
{
	struct pair *p = *state;

	assert_int_equal(look(p, sizeof(p->buf)), -EAGAIN);
	assert_int_equal(fd_send(p->a, "first", 5, NULL, 0, 0), 0);
	assert_int_equal(fd_send(p->a, "second", 6, NULL, 0, 0), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(look(p, sizeof(p->buf)), 0);
		assert_int_equal(p->size, 5);
		assert_memory_equal(p->buf, "first", 5);
	}
	fd_skip(p->b);
	assert_int_equal(look(p, 3), FD_E_TRUNCATED);
	fd_skip(p->b);
	assert_int_equal(look(p, 3), -EAGAIN);
	fd_close_all(&p->a, 1);
	assert_int_equal(look(p, 3), FD_E_CLOSED);
}

/* Whatever its size; and none of its descriptors is opened here. */
static void what_carries_something_is_left(void **state)
{
	struct pair *p = *state;
	int sent[2] = { p->a, p->b };

	assert_int_equal(fd_send(p->a, "plain", 5, NULL, 0, 0), 0);
	assert_int_equal(fd_send(p->a, "0123456789", 10, sent, 2, 0), 0);
	assert_int_equal(fd_send(p->a, "plain", 5, NULL, 0, 0), 0);
	assert_int_equal(fd_drain(p->b), FD_E_CARRIES);
	assert_int_equal(look(p, sizeof(p->buf)), FD_E_CARRIES);
	assert_int_equal(look(p, 1), FD_E_CARRIES);
	assert_int_equal(count_open(), p->open_before + 2);
	assert_int_equal(receive(p, sizeof(p->buf), HMM_LIMIT_FDS), 0);
	assert_int_equal(p->size, 10);
	assert_int_equal(p->n_fds, 2);
	assert_int_equal(fd_drain(p->b), 0);
	assert_int_equal(receive(p, sizeof(p->buf), HMM_LIMIT_FDS), -EAGAIN);
}

/* An empty packet looks like the end, and an error of the socket comes before what is in its queue. */
static void what_carries_something_is_found_behind_nothing(void **state)
{
	struct pair *p = *state;

	assert_int_equal(fd_send(p->b, "unread", 6, NULL, 0, 0), 0);
	assert_int_equal(fd_send(p->a, "", 0, NULL, 0, 0), 0);
	assert_int_equal(fd_send(p->a, "", 0, &p->b, 1, 0), 0);
	fd_close_all(&p->a, 1);		/* with something unread: ECONNRESET there */
	assert_int_equal(shutdown(p->b, SHUT_RDWR), 0);
	assert_int_equal(fd_drain(p->b), FD_E_CARRIES);
	fd_skip(p->b);
	assert_int_equal(fd_drain(p->b), 0);
}

static void the_peer_closes(void **state)
{
	struct pair *p = *state;

	fd_close_all(&p->a, 1);
	assert_int_equal(receive(p, sizeof(p->buf), HMM_LIMIT_FDS), FD_E_CLOSED);
	assert_int_equal(fd_send(p->b, "x", 1, NULL, 0, 0), FD_E_CLOSED);
}

static void the_peer_closes_with_packets_unread(void **state)
{
	struct pair *p = *state;

	assert_int_equal(fd_send(p->b, "x", 1, NULL, 0, 0), 0);
	fd_close_all(&p->a, 1);
	assert_int_equal(receive(p, sizeof(p->buf), HMM_LIMIT_FDS), FD_E_CLOSED);
}

static void a_full_socket_says_so(void **state)
{
	static const char packet[8192];
	struct pair *p = *state;
	size_t n = 0;
	int r;

	while ((r = fd_send(p->a, packet, sizeof(packet), NULL, 0, MSG_DONTWAIT)) == 0)
		assert_true(++n < 100000);
	assert_int_equal(r, -EAGAIN);
	assert_true(n > 0);
}

static void misuse_is_refused(void **state)
{
	struct pair *p = *state;
	int not_a_socket = open("/dev/null", O_RDWR | O_CLOEXEC), none = -1;

	assert_int_equal(fd_send(p->a, "x", 1, p->fds, HMM_LIMIT_FDS + 1, 0), -EINVAL);
	assert_int_equal(receive(p, 1, HMM_LIMIT_FDS + 1), -EINVAL);
	assert_int_equal(fd_send(not_a_socket, "x", 1, NULL, 0, 0), -ENOTSOCK);
	assert_int_equal(fd_recv(not_a_socket, p->buf, 1, p->fds, 0, &p->size, &p->n_fds),
			 -ENOTSOCK);
	fd_close_all(&not_a_socket, 1);
	assert_int_equal(not_a_socket, -1);
	fd_close_all(&none, 1);
	fd_close_all(NULL, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_packet_is_one_frame),
		TEST(descriptors_arrive_in_order_and_close_on_exec),
		TEST(more_descriptors_than_wanted),
		TEST(no_descriptor_left_in_this_process),
		TEST(a_packet_larger_than_the_buffer),
		TEST(looking_does_not_take),
		TEST(what_carries_something_is_left),
		TEST(what_carries_something_is_found_behind_nothing),
		TEST(the_peer_closes),
		TEST(the_peer_closes_with_packets_unread),
		TEST(a_full_socket_says_so),
		TEST(misuse_is_refused),
	};

	return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
