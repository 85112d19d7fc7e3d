// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptors of the wrong kind, too many of them, none at all: refused, and closed by the daemon. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/fd.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"
#include "tests/support/watched.h"

static int attach(struct rawpeer *p, const int *fds, size_t n)
{
	Hmmd__AttachUffd body = HMMD__ATTACH_UFFD__INIT;
	RAW_MESSAGE(m, ATTACH_UFFD, attach_uffd, &body);

	return rawpeer_refusal(p, &m, fds, n);
}

static int attach_once(const int *fds, size_t n)
{
	struct rawpeer *p = rawpeer_open(house->socket);
	int e;

	rawpeer_hello(p);
	e = attach(p, fds, n);
	rawpeer_close(p);
	return e;
}

static void only_a_userfaultfd_will_do(void **state)
{
	int pipes[2], fds[6];

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
	fds[0] = memfd_create("wrong", MFD_CLOEXEC);
	fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fds[2] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[3] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds[4] = pipes[0];
	fds[5] = open("/", O_PATH | O_CLOEXEC);
	for (int i = 0; i < 6; i++) {
		assert_true(fds[i] >= 0);
		assert_int_not_equal(attach_once(&fds[i], 1), 0);
	}
	assert_int_not_equal(attach_once(NULL, 0), 0);
	fd_close_all(fds, 6);
	close(pipes[1]);
	witness_undisturbed(&witness);
}

static void a_blocking_userfaultfd_is_refused(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, UFFDIO_API, &api), 0);
	rawpeer_hello(p);
	assert_int_not_equal(attach(p, &fd, 1), 0);
	assert_non_null(strstr(p->text, "O_NONBLOCK"));
	close(fd);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

static void a_second_userfaultfd_is_refused(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);

	(void)state;
	rawpeer_hello(p);
	rawpeer_attach(p);
	assert_int_not_equal(attach(p, &p->uffd, 1), 0);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

static void surplus_descriptors_are_closed(void **state)
{
	int fds[HMM_LIMIT_FDS];
	struct rawpeer *p;
	int open_before, mine = eventfd(0, EFD_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < HMM_LIMIT_FDS; i++)
		fds[i] = mine;
	assert_int_not_equal(attach_once(fds, 2), 0);
	assert_int_not_equal(attach_once(fds, HMM_LIMIT_FDS), 0);
	/* Beside messages that take none, again and again on one connection, while it lives. */
	p = rawpeer_open(house->socket);
	rawpeer_hello(p);
	open_before = count_descriptors_at_rest(house->pid);
	for (int i = 0; i < 100; i++) {
		Hmmd__Ping ping = HMMD__PING__INIT;
		RAW_MESSAGE(m, PING, ping, &ping);
		int e = rawpeer_refusal(p, &m, fds, HMM_LIMIT_FDS);

		assert_int_not_equal(e, 0);
		if (e < 0)
			break;	/* shown out: fine, too */
	}
	assert_soon(count_descriptors(house->pid) <= open_before);
	rawpeer_close(p);
	close(mine);
	witness_undisturbed(&witness);
}

/* More than the protocol's most in one packet: sendmsg by hand, since fd_send() refuses it. */
static void too_many_in_one_packet(void **state)
{
	enum { MANY = 200 };
	union { struct cmsghdr align; char bytes[CMSG_SPACE(MANY * sizeof(int))]; } control = { 0 };
	struct rawpeer *p = rawpeer_open(house->socket);
	Hmmd__AttachUffd body = HMMD__ATTACH_UFFD__INIT;
	RAW_MESSAGE(m, ATTACH_UFFD, attach_uffd, &body);
	int fds[MANY], mine = eventfd(0, EFD_CLOEXEC);
	struct msghdr h = { .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct iovec iov = { p->out, 0 };
	struct cmsghdr *c;

	(void)state;
	rawpeer_hello(p);
	for (int i = 0; i < MANY; i++)
		fds[i] = mine;
	assert_int_equal(frame_pack(++p->id, &m, p->out, sizeof(p->out), &iov.iov_len), 0);
	h.msg_iov = &iov;
	c = CMSG_FIRSTHDR(&h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	assert_true(sendmsg(p->sock, &h, MSG_NOSIGNAL) > 0);
	rawpeer_ping(p);
	rawpeer_close(p);
	close(mine);
	witness_undisturbed(&witness);
}

static unsigned int lines_with(const struct house *h, const char *text)
{
	FILE *f = fopen(h->log, "re");
	char line[1024];
	unsigned int n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, text) != NULL;
	fclose(f);
	return n;
}

/* Sends the writing end of a pipe that nobody asked for, and keeps the other. */
static int send_surplus(struct rawpeer *p)
{
	Hmmd__Ping ping = HMMD__PING__INIT;
	RAW_MESSAGE(m, PING, ping, &ping);
	int pipes[2];

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_not_equal(rawpeer_refusal(p, &m, &pipes[1], 1), 0);
	close(pipes[1]);
	return pipes[0];
}

static bool is_closed(int pipe)
{
	struct pollfd f = { .fd = pipe };

	return poll(&f, 1, 0) == 1 && (f.revents & POLLHUP);
}

/* The process that has them is replaced ten times a second, or would be: hmmd may have no more descriptors. */
static void what_stays_open_is_told_of_once(void **state)
{
	static const char text[] = "stays open for now";
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct rawpeer *p = rawpeer_open(h->socket);
	struct rlimit before, none;

	(void)state;
	rawpeer_hello(p);
	assert_int_equal(prlimit(h->pid, RLIMIT_NOFILE, NULL, &before), 0);
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
	for (unsigned int troubles = 1; troubles <= 2; troubles++) {
		int surplus;

		assert_int_equal(prlimit(h->pid, RLIMIT_NOFILE, &none, NULL), 0);
		surplus = send_surplus(p);
		assert_soon(lines_with(h, text) >= troubles);
		pause_us(1000000);	/* for more of them, if there are */
		assert_int_equal(lines_with(h, text), troubles);
		assert_false(is_closed(surplus));
		assert_int_equal(prlimit(h->pid, RLIMIT_NOFILE, &before, NULL), 0);
		assert_soon(is_closed(surplus));
		close(surplus);
	}
	rawpeer_close(p);
	house_close(h);
}

static void a_file_for_nothing_to_resume(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);
	Hmmd__ResumeRange range = HMMD__RESUME_RANGE__INIT, *ranges[] = { &range };
	Hmmd__Resume resume = HMMD__RESUME__INIT;
	RAW_MESSAGE(m, RESUME, resume, &resume);
	int file = memfd_create("mine", MFD_CLOEXEC);

	(void)state;
	rawpeer_hello(p);
	range.range = 1;
	range.addr = 64 * HUGE_PAGE;
	range.size = HUGE_PAGE;
	range.managed = 1;
	resume.range = ranges;
	resume.n_range = 1;
	resume.last = 1;
	assert_int_not_equal(rawpeer_refusal(p, &m, &file, 1), 0);
	close(file);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

/* Without its userfaultfd the daemon cannot serve a range, and says so before anybody waits for a page. */
static void mapping_wants_a_userfaultfd(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);
	Hmmd__Alloc alloc = HMMD__ALLOC__INIT;
	RAW_MESSAGE(m, ALLOC, alloc, &alloc);
	Hmmd__MapRange map = HMMD__MAP_RANGE__INIT;
	RAW_MESSAGE(second, MAP_RANGE, map_range, &map);
	Hmmd__Message *answer;

	(void)state;
	rawpeer_hello(p);
	alloc.size = HUGE_PAGE;
	answer = rawpeer_call(p, &m, NULL, 0);
	assert_non_null(answer);
	if (answer->kind_case == HMMD__MESSAGE__KIND_ALLOC_REPLY) {
		map.range = answer->alloc_reply->range;
		map.addr = 64 * HUGE_PAGE;
		assert_int_not_equal(rawpeer_refusal(p, &second, NULL, 0), 0);
	}
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_userfaultfd_will_do),
		cmocka_unit_test(a_blocking_userfaultfd_is_refused),
		cmocka_unit_test(a_second_userfaultfd_is_refused),
		cmocka_unit_test(surplus_descriptors_are_closed),
		cmocka_unit_test(too_many_in_one_packet),
		cmocka_unit_test(what_stays_open_is_told_of_once),
		cmocka_unit_test(a_file_for_nothing_to_resume),
		cmocka_unit_test(mapping_wants_a_userfaultfd),
	};

	return cmocka_run_group_tests_name("bad descriptors", tests, set_up, tear_down);
}
