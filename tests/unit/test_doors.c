// SPDX-License-Identifier: GPL-2.0-or-later
/* The smaller doors: tmpfs mount, peers, nodes, the doctor. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/mech/capability_own.h"
#include "daemon/mech/doors.h"
#include "daemon/mech/image.h"
#include "proto/ledger.h"
#include "proto/limits.h"
#include "tests/support/test.h"

static char dir[64];

static int open_dir(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(strcpy(dir, "/tmp/hmmd-doors-XXXXXX")));
	return 0;
}

static int close_dir(void **state)
{
	char path[96];

	(void)state;
	snprintf(path, sizeof(path), "%s/socket", dir);
	unlink(path);
	return rmdir(dir);
}

static bool is_mount(const char *path)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat(dir, &b) == 0 && a.st_dev != b.st_dev;
}

static void mount_is_made_found_again_and_removed(void **state)
{
	char at[96];
	int r;

	(void)state;
	snprintf(at, sizeof(at), "%s/thp", dir);
	r = thpmount_make(at);
	if (r == -EPERM)
		skip_because("a tmpfs may not be mounted");
	assert_int_equal(r, 0);
	assert_true(is_mount(at));
	assert_int_equal(thpmount_make(at), 0);
	thpmount_remove(at);
	assert_int_equal(access(at, F_OK), -1);
	thpmount_remove(at);
	assert_int_equal(thpmount_make("/nowhere/at/all"), -ENOENT);
}

static void peer_is_who_the_kernel_says(void **state)
{
	struct peer p;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(peer_get(ends[0], &p), 0);
	assert_int_equal(p.pid, getpid());
	assert_int_equal(p.uid, geteuid());
	assert_int_equal(p.gid, getegid());
	assert_true(p.start > 0);
	assert_non_null(strstr("test_doors lt-test_doors", p.program));
	assert_int_equal(peer_in_group(&p, getegid()), 1);
	assert_int_equal(peer_in_group(&p, 54321), 0);
	peer_done(&p);
	assert_int_equal(p.pidfd, -1);
	peer_done(&p);
	close(ends[0]);
	close(ends[1]);
}

/* Connects, with groups of its own where that is allowed, and ends when the other side hangs up. */
static void be_peer(const struct sockaddr_un *a)
{
	const gid_t groups[] = { 5, 1234 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	char byte;

	if (geteuid() == 0 && setgroups(2, groups) < 0)
		_exit(2);
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0)
		_exit(3);
	_exit(read(fd, &byte, 1) != 0);
}

static int listen_at(struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(a->sun_path, sizeof(a->sun_path), "%s/socket", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)a, sizeof(*a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void peer_that_connects_is_known_until_it_ends(void **state)
{
	struct pollfd poller = { .events = POLLIN };
	struct sockaddr_un a;
	int listener = listen_at(&a), fd, status;
	struct peer p;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		be_peer(&a);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(peer_get(fd, &p), 0);
	assert_int_equal(p.pid, pid);
	if (geteuid() == 0)
		assert_int_equal(peer_in_group(&p, 1234), 1);
	assert_int_equal(peer_in_group(&p, 123), 0);
	poller.fd = p.pidfd;
	assert_int_equal(poll(&poller, 1, 0), 0);
	close(fd);
	assert_int_equal(poll(&poller, 1, PATIENCE_US / 1000), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(peer_in_group(&p, 123), -ESRCH);
	peer_done(&p);
	close(listener);
}

static void nodes_have_memory(void **state)
{
	uint64_t nodes = 0, total = 0, unused = 0, bandwidth = 1, latency = 1;
	struct numa_map *m;

	(void)state;
	if (numa_nodes(&nodes) == -EOPNOTSUPP)
		skip_because("a kernel without NUMA");
	assert_true(nodes & 1);
	assert_int_equal(numa_node_bytes(0, &total, &unused), 0);
	assert_true(total > unused && unused > 0);
	assert_int_equal(numa_node_bytes(63, &total, &unused), -ENOENT);
	assert_int_equal(numa_access(0, &bandwidth, &latency), 0);
	assert_int_equal(numa_map_new(&m), 0);
	assert_int_equal(numa_map_bind(m, 3), -EINVAL);
	assert_int_equal(numa_map_set(m, 3, 1), 0);
	assert_int_equal(numa_map_set(m, HMM_LIMIT_TIERS, 1), -EINVAL);
	assert_int_equal(numa_map_bind(m, 3), 0);
	assert_null(numa_map_free(m));
}

static void moves_add_up(void **state)
{
	enum { PAGES = 40 };
	uint64_t addrs[PAGES + 1], size = (uint64_t)sysconf(_SC_PAGESIZE);
	uint8_t *p = mmap(NULL, PAGES * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct numa_moved moved = { 0 };
	struct numa_map *m;
	struct image self;

	(void)state;
	if (numa_map_new(&m))
		skip_because("a kernel without NUMA");
	assert_int_equal(image_of(getpid(), &self), 0);
	memset(p, 1, PAGES * size);
	for (uint64_t i = 0; i < PAGES; i++)
		addrs[i] = (uintptr_t)p + i * size;
	addrs[PAGES] = size;		/* nothing there */
	assert_int_equal(numa_map_set(m, 0, 1), 0);
	assert_int_equal(numa_move(m, &self, addrs, PAGES + 1, size, 1, &moved), -EINVAL);
	assert_int_equal(numa_move(m, &self, addrs, PAGES + 1, size, 0, &moved), 0);
	assert_int_equal(moved.moved + moved.already + moved.busy + moved.failed, (PAGES + 1) * size);
	assert_int_equal(moved.failed, size);
	numa_map_free(m);
	munmap(p, PAGES * size);
}

/* A piece of 2 MiB of which some base pages were never touched: each counts for itself. */
static void pieces_add_up_to_the_byte(void **state)
{
	enum { PIECES = 3, TOUCHED = 5 };
	uint64_t piece = LEDGER_PAGE_SIZE, size = (uint64_t)sysconf(_SC_PAGESIZE), addrs[PIECES];
	uint8_t *p = mmap(NULL, (PIECES + 1) * piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *first = (uint8_t *)(((uintptr_t)p + piece - 1) & ~(piece - 1));
	struct numa_moved moved = { 0 };
	struct numa_map *m;
	struct image self;

	(void)state;
	if (numa_map_new(&m))
		skip_because("a kernel without NUMA");
	assert_int_equal(image_of(getpid(), &self), 0);
	madvise(first, PIECES * piece, MADV_NOHUGEPAGE);
	for (uint64_t i = 0; i < PIECES; i++)
		addrs[i] = (uintptr_t)first + i * piece;
	for (uint64_t i = 0; i < TOUCHED; i++)
		first[piece + i * size] = 1;
	assert_int_equal(numa_map_set(m, 0, 1), 0);
	assert_int_equal(numa_move_huge(m, &self, addrs, PIECES, 1, &moved), -EINVAL);
	assert_int_equal(numa_move_huge(m, &self, addrs, PIECES, 0, &moved), 0);
	assert_int_equal(moved.moved + moved.already, TOUCHED * size);
	assert_int_equal(moved.failed, PIECES * piece - TOUCHED * size);
	assert_int_equal(moved.busy, 0);
	numa_map_free(m);
	munmap(p, (PIECES + 1) * piece);
}

static void doctor_says_something_about_everything(void **state)
{
	struct doctor_line lines[32];
	size_t n = doctor_examine(lines, 32);

	(void)state;
	assert_true(n >= 10 && n < 32);
	for (size_t i = 0; i < n; i++) {
		assert_true(lines[i].check && lines[i].text[0]);
		assert_true(strlen(lines[i].text) < sizeof(lines[i].text) - 1);
		assert_true(lines[i].state == DOCTOR_OK || lines[i].remedy[0]);
	}
	assert_int_equal(doctor_examine(lines, 2), 2);
}

static void a_kernel_for_signed_modules_is_known(void **state)
{
	(void)state;
	assert_true(doctor_signed_only("Y", ""));
	assert_true(doctor_signed_only("N", "none [integrity] confidentiality"));
	assert_true(doctor_signed_only("", "none integrity [confidentiality]"));
	assert_false(doctor_signed_only("N", "[none] integrity confidentiality"));
	assert_false(doctor_signed_only("", ""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_dir, close_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mount_is_made_found_again_and_removed),
		cmocka_unit_test(peer_is_who_the_kernel_says),
		TEST(peer_that_connects_is_known_until_it_ends),
		cmocka_unit_test(nodes_have_memory),
		cmocka_unit_test(moves_add_up),
		cmocka_unit_test(pieces_add_up_to_the_byte),
		cmocka_unit_test(doctor_says_something_about_everything),
		cmocka_unit_test(a_kernel_for_signed_modules_is_known),
	};

	return cmocka_run_group_tests_name("doors", tests, NULL, NULL);
}
