// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client whose own mapping takes no page: a file of a full file system lies over its managed range. Its
 * threads wait alone. Nobody else's page is evicted for it, nobody else's fault waits behind it, however
 * many of its threads do; and a fault thread that does not get on is seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/faulty_device.h"
#include "tests/support/house.h"
#include "tests/support/move.h"
#include "tests/support/test.h"
#include "tests/support/words.h"

enum { SEED = 612, OURS = 8, CONNECTIONS = 2, PAGES = 256, STRANGER = 65534, STACK = 65536 };

static const struct house_options quiet = {
	.backing = "hugetlb",
	.daemon = "fault-threads = 1\n",
	.config = "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 1400M\n"
		  "[tier far]\nkind = memory\ncapacity = 1200M\n[policy default]\nengine = static\ntrack = no\n",
};

static void *touch(void *at)
{
	(void)*(volatile char *)at;
	return NULL;
}

/* The userfaultfd of the connection made last. */
static int newest_uffd(void)
{
	char path[64], target[64];
	int found = -1;

	for (int fd = 3; fd < 256; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (!strcmp(target, "anon_inode:[userfaultfd]"))
			found = fd;
	}
	return found;
}

/* A file without room for one more page. */
static int full_file(const char *dir)
{
	char mounted[HOUSE_PATH + 8], path[HOUSE_PATH * 2];
	int fd;

	snprintf(mounted, sizeof(mounted), "%s/full", dir);
	if (mkdir(mounted, 0755) && errno != EEXIST)
		_exit(1);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("full", mounted, "tmpfs", 0, "size=4k"))
		_exit(2);
	snprintf(path, sizeof(path), "%s/file", mounted);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || ftruncate(fd, (off_t)((PAGES + 1) * HUGE_PAGE)))
		_exit(3);
	return fd;
}

static char *cover(struct hmm_range *r, int file)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *at = hmm_range_addr(r);

	if (mmap(at, PAGES * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, file,
		 (off_t)HUGE_PAGE) == MAP_FAILED)
		_exit(4);
	reg.range.start = (uintptr_t)at;
	reg.range.len = PAGES * HUGE_PAGE;
	if (ioctl(newest_uffd(), UFFDIO_REGISTER, &reg))
		_exit(5);
	return at;
}

static struct hmm_range *range_far_away(const struct house *h)
{
	struct hmm_client *c = house_client(h, "stranger", 0);
	struct hmm_range *r = NULL;

	if (hmm_alloc(c, PAGES * HUGE_PAGE, NULL, &r))
		_exit(6);
	for (size_t i = 0; i < PAGES; i += OURS) {
		for (size_t j = i; j < i + OURS; j++)
			((char *)hmm_range_addr(r))[j * HUGE_PAGE] = 1;
		move_all(r, i * HUGE_PAGE, OURS * HUGE_PAGE, "far");
	}
	return r;
}

/* Says by the pipe when all its threads are at it. */
static void be_hostile(const struct house *h, int ready, int pages)
{
	int file = full_file(h->dir);
	pthread_attr_t small;
	pthread_t thread;
	char *at;

	if (setgid(STRANGER) || setuid(STRANGER))
		_exit(7);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK);
	for (int c = 0; c < (pages < PAGES ? 1 : CONNECTIONS); c++) {
		at = cover(range_far_away(h), file);
		for (int i = 0; i < pages; i++)
			if (pthread_create(&thread, &small, touch, at + (size_t)i * HUGE_PAGE))
				_exit(8);
	}
	if (write(ready, "r", 1) != 1)
		_exit(9);
	for (;;)
		pause();
}

static pid_t hostile(const struct house *h, int pages)
{
	int ends[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		be_hostile(h, ends[1], pages);
	close(ends[1]);
	assert_int_equal(read(ends[0], &c, 1), 1);
	close(ends[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Its memory is all there, and new memory comes in at once. */
static void all_is_well(struct hmm_client *c, struct hmm_range *r)
{
	uint8_t dram = (uint8_t)ask_tier(c, "dram");
	struct hmm_range *more = NULL;

	for (int i = 0; i < 10; i++) {
		assert_int_equal(hmm_alloc(c, OURS * HUGE_PAGE, NULL, &more), 0);
		words_fill(hmm_range_addr(more), OURS * HUGE_PAGE, SEED + 1);
		assert_int_equal(words_bad(hmm_range_addr(more), OURS * HUGE_PAGE, SEED + 1), 0);
		assert_int_equal(hmm_range_free(more), 0);
	}
	assert_int_equal(move_count(r, dram), OURS);
	assert_int_equal(words_bad(hmm_range_addr(r), OURS * HUGE_PAGE, SEED), 0);
}

static void beside(int pages)
{
	struct house *h;
	struct hmm_client *c;
	struct hmm_range *r = NULL;
	uint64_t faults, evicted;
	pid_t pid;

	if (geteuid() || house_backing_missing("hugetlb"))
		skip_because("a mount of its own needs root, and huge pages");
	h = house_open(&quiet);
	c = house_client(h, "healthy", 0);
	assert_int_equal(hmm_alloc(c, OURS * HUGE_PAGE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), OURS * HUGE_PAGE, SEED);
	pid = hostile(h, pages);
	evicted = ask_status(c, "evicted_bytes");
	faults = ask_status(c, "faults");
	all_is_well(c, r);
	assert_true(ask_status(c, "faults") > faults);
	assert_int_equal(ask_status(c, "evicted_bytes"), evicted);
	end(pid);
	all_is_well(c, r);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void nobody_pays_for_it(void **state)
{
	(void)state;
	beside(4);
}

static void nobody_waits_behind_it(void **state)
{
	(void)state;
	beside(PAGES);
}

static struct faulty_switches *switches_new(char *path)
{
	int fd = mkstemp(path);
	struct faulty_switches *s;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sizeof(*s)), 0);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(s != MAP_FAILED);
	close(fd);
	setenv(FAULTY_ENVIRONMENT, path, 1);
	return s;
}

/* A device that takes twenty seconds: told of, and served in the end. */
static void a_thread_that_does_not_get_on_is_seen(void **state)
{
	char path[] = "/dev/shm/hmmd-test-switches-XXXXXX", program[256];
	struct faulty_switches *s = switches_new(path);
	struct house_options o = { .program = program, .backing = "small", .daemon = "fault-threads = 1\n",
				   .config = HOUSE_QUIET };
	struct hmm_client *c;
	struct hmm_range *r = NULL;
	struct house *h;
	pthread_t thread;

	(void)state;
	snprintf(program, sizeof(program), "%s/tests/support/hmmd_faulty",
		 getenv("top_builddir") ? getenv("top_builddir") : ".");
	h = house_open(&o);
	c = house_client(h, "watched", 0);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), HUGE_PAGE, SEED);
	move_all(r, 0, HUGE_PAGE, "far");
	atomic_store(&s->delay_us, 20000000);
	assert_int_equal(pthread_create(&thread, NULL, touch, hmm_range_addr(r)), 0);
	assert_soon(house_logged(h, "made no progress"));
	atomic_store(&s->delay_us, 0);
	pthread_join(thread, NULL);
	assert_soon(house_logged(h, "get on again"));
	assert_int_equal(words_bad(hmm_range_addr(r), HUGE_PAGE, SEED), 0);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
	house_close(h);
	unsetenv(FAULTY_ENVIRONMENT);
	munmap(s, sizeof(*s));
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_pays_for_it),
		cmocka_unit_test(nobody_waits_behind_it),
		cmocka_unit_test(a_thread_that_does_not_get_on_is_seen),
	};

	return cmocka_run_group_tests_name("own mapping", tests, NULL, NULL);
}
