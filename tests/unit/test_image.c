// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Address spaces that a pid had before execve(2): nothing is told about the next one, not even when the process calls
 * it between the look and the act, which is brought about here by waiting for it inside the act.
 */
#include <errno.h>
#include <fcntl.h>
#include <numaif.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/image.h"
#include "tests/support/test.h"

/* A child that shares our layout until it is told to call execve(2). */
struct child {
	pid_t pid;
	int tell, says;		/* the program that it then is says what it is told */
};

static struct child *in_between;	/* calls it inside the next act */
static volatile int word;

static void child_begin(struct child *c)
{
	int tell[2], says[2];
	char byte;

	word = 1;	/* its page is there when the child begins */
	assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
	assert_int_equal(pipe2(says, O_CLOEXEC), 0);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (!c->pid) {
		dup2(tell[0], STDIN_FILENO);
		dup2(says[1], STDOUT_FILENO);
		close(tell[1]);
		if (read(STDIN_FILENO, &byte, 1) == 1)
			execl("/bin/cat", "cat", (char *)NULL);
		_exit(1);
	}
	close(tell[0]);
	close(says[1]);
	c->tell = tell[1];
	c->says = says[0];
}

static void child_execs(struct child *c)
{
	char byte;

	assert_int_equal(write(c->tell, "ab", 2), 2);
	assert_int_equal(read(c->says, &byte, 1), 1);
	assert_int_equal(byte, 'b');
}

static void child_end(struct child *c)
{
	close(c->tell);
	close(c->says);
	kill(c->pid, SIGKILL);
	assert_int_equal(waitpid(c->pid, NULL, 0), c->pid);
}

static void act(void)
{
	struct child *c = in_between;

	in_between = NULL;
	if (c)
		child_execs(c);
}

long __real_move_pages(int pid, unsigned long n, void **pages, const int *nodes, int *status, int flags);
long __wrap_move_pages(int pid, unsigned long n, void **pages, const int *nodes, int *status, int flags);
long __wrap_move_pages(int pid, unsigned long n, void **pages, const int *nodes, int *status, int flags)
{
	act();
	return __real_move_pages(pid, n, pages, nodes, status, flags);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	if (strstr(path, "pagemap"))
		act();
	return __real_open(path, flags, 0);
}

/* A page of this program, which a child has too. */
static int ask(const struct image *of)
{
	void *page = (void *)((uintptr_t)&word & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1));
	int status = -1, r = image_move_pages(of, 1, &page, NULL, &status, 0);

	return r ? r : status >= 0 ? 0 : status;
}

static void missing_numa(void)
{
	int status;
	void *page = &status;

	if (__real_move_pages(0, 1, &page, NULL, &status, 0) < 0 && errno == ENOSYS)
		skip_because("a kernel without NUMA");
}

static void a_mark_is_of_the_layout(void **state)
{
	struct image self, child;
	struct child c;

	(void)state;
	child_begin(&c);
	assert_int_equal(image_of(getpid(), &self), 0);
	assert_int_equal(image_of(c.pid, &child), 0);
	assert_true(self.mark && self.mark == child.mark);
	assert_int_equal(child.pid, c.pid);
	assert_int_equal(image_check(&child), 0);
	child_execs(&c);
	assert_int_equal(image_check(&child), -ESRCH);
	assert_int_equal(image_of(c.pid, &child), 0);
	assert_true(self.mark != child.mark);
	child_end(&c);
	assert_int_equal(image_check(&child), -ESRCH);
	child.mark = 0;
	child.pid = getpid();
	assert_int_equal(image_check(&child), -EPERM);
}

static void text_that_is_no_stat_has_none(void **state)
{
	static const char name[] = "7 (a) b) R 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 99 4096 1 184 ";
	char text[512];
	uint64_t mark = 7, other;

	(void)state;
	assert_int_equal(image_mark("", &mark), -EINVAL);
	assert_int_equal(image_mark("1 (a", &mark), -EINVAL);
	assert_int_equal(image_mark(name, &mark), -EINVAL);
	snprintf(text, sizeof(text), "%s1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", name);
	assert_int_equal(image_mark(text, &mark), IMAGE_E_HIDDEN);
	assert_int_equal(mark, 7);
	snprintf(text, sizeof(text), "%s10 20 30 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 40 50 60 0 0 0 0 0\n", name);
	assert_int_equal(image_mark(text, &mark), 0);
	snprintf(text, sizeof(text), "%s10 20 30 5 5 0 0 0 0 0 5 0 17 1 0 0 0 0 0 40 50 60 9 9 9 9 9\n", name);
	assert_int_equal(image_mark(text, &other), 0);
	assert_true(mark == other);
	snprintf(text, sizeof(text), "%s10 20 30 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 40 50 61 0 0 0 0 0\n", name);
	assert_int_equal(image_mark(text, &other), 0);
	assert_true(mark != other);
}

static void nothing_is_told_after_execve(void **state)
{
	struct image of;
	struct child c;
	int fd = -1;

	(void)state;
	missing_numa();
	child_begin(&c);
	assert_int_equal(image_of(c.pid, &of), 0);
	assert_int_equal(ask(&of), 0);
	assert_int_equal(image_open(&of, "pagemap", &fd), 0);
	close(fd);
	child_execs(&c);
	assert_int_equal(ask(&of), -ESRCH);
	fd = -1;
	assert_int_equal(image_open(&of, "pagemap", &fd), -ESRCH);
	assert_int_equal(fd, -1);
	child_end(&c);
}

static void nor_when_it_comes_in_between(void **state)
{
	struct image of;
	struct child c;
	int fd = -1;

	(void)state;
	missing_numa();
	child_begin(&c);
	assert_int_equal(image_of(c.pid, &of), 0);
	in_between = &c;
	assert_int_equal(ask(&of), -ESRCH);
	assert_null(in_between);
	child_end(&c);
	child_begin(&c);
	assert_int_equal(image_of(c.pid, &of), 0);
	in_between = &c;
	assert_int_equal(image_open(&of, "pagemap", &fd), -ESRCH);
	assert_null(in_between);
	assert_int_equal(fd, -1);
	child_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mark_is_of_the_layout),
		cmocka_unit_test(text_that_is_no_stat_has_none),
		cmocka_unit_test(nothing_is_told_after_execve),
		cmocka_unit_test(nor_when_it_comes_in_between),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
