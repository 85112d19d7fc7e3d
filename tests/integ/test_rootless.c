// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything as an ordinary user: daemon and client as nobody, with what the kernel gives such a user.
 * The client part runs in a child process, because a user once given up is not had back.
 */
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/words.h"

enum { NOBODY = 65534, PAGES = 24, SEED = 121 };
#define SIZE (PAGES * HUGE_PAGE)

static const char rootless_tiers[] = HOUSE_TIERS "[tier disk]\nkind = file\npath = %s/disk\ncapacity = 64M\n";

static struct house *as_nobody(void)
{
	struct house_options o = { .backing = "small", .args = { "--rootless" }, .uid = geteuid() ? 0 : NOBODY };
	struct house *h = house_prepare(&o);
	char config[512];

	snprintf(config, sizeof(config), rootless_tiers, h->dir);
	house_write_config(h, config);
	house_start(h);
	return h;
}

static int become_nobody(void)
{
	return geteuid() ? 0 : setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY);
}

/* A child's exit status: 0, or the number of the step that went wrong. */
static int work(const char *socket, const char *tier)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;
	struct hmm_range *r = NULL;
	struct hmm_op *op = NULL;

	if (become_nobody())
		return 1;
	o.socket_path = socket;
	if (hmm_client_new(&c, &o))
		return 2;
	if (hmm_alloc(c, SIZE, NULL, &r))
		return 3;
	words_fill(hmm_range_addr(r), SIZE, SEED);
	if (hmm_range_migrate(r, 0, 4 * HUGE_PAGE, tier, 0, &op) || hmm_op_wait(op, PATIENCE_US))
		return 4;
	hmm_op_unref(op);
	if (words_bad(hmm_range_addr(r), SIZE, SEED))
		return 5;
	if (hmm_range_free(r))
		return 6;
	hmm_client_unref(c);
	return 0;
}

static int in_child(const char *socket, const char *tier)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(work(socket, tier));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void work_without_privilege(void **state)
{
	struct house *h = as_nobody();
	struct hmm_client *c = house_client(h, "watch", HMM_CLIENT_NO_HELPER);

	(void)state;
	assert_int_equal(in_child(h->socket, "far"), 0);
	assert_int_equal(in_child(h->socket, "disk"), 0);
	assert_true(ask_status(c, "evicted_bytes") > 0);
	assert_soon(ask_sum(c, "tiers", "used") == 0);
	hmm_client_unref(c);
	house_close(h);
}

/* What is lost without privilege is said, with the command that would change it. */
static void the_doctor_says_what_is_missing(void **state)
{
	struct house *h = as_nobody();
	struct hmm_client *c = house_client(h, "watch", HMM_CLIENT_NO_HELPER);
	char text[256];

	(void)state;
	ask_text(c, "doctor", "check", "backing", "text", text, sizeof(text));
	assert_true(strlen(text) > 0);
	ask_text(c, "status", NULL, NULL, "backing", text, sizeof(text));
	assert_string_equal(text, "small");
	hmm_client_unref(c);
	house_close(h);
}

/* An unprivileged client of a privileged daemon: also the kernel's own accesses to absent pages are served. */
static int read_into_absent(const char *socket)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;
	struct hmm_range *r = NULL;
	int pipes[2];
	char *p;

	if (become_nobody())
		return 1;
	o.socket_path = socket;
	if (hmm_client_new(&c, &o) || hmm_alloc(c, SIZE, NULL, &r) || pipe(pipes))
		return 2;
	if (write(pipes[1], "word", 4) != 4)
		return 3;
	p = hmm_range_addr(r);
	if (read(pipes[0], p + HUGE_PAGE, 4) != 4)
		return 4;
	return memcmp(p + HUGE_PAGE, "word", 4) ? 5 : 0;
}

static void system_calls_into_absent_pages(void **state)
{
	struct house *h = house_open(NULL);
	int status = -1;
	pid_t pid;

	(void)state;
	if (access("/dev/userfaultfd", R_OK | W_OK)) {
		house_close(h);
		skip_because("/dev/userfaultfd may not be opened (root)");
	}
	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(read_into_absent(h->socket));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	house_close(h);
}

/* Control is for root, the daemon's user and its group. */
static int control_as_nobody(const char *socket)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_control k = HMM_CONTROL_INIT;
	struct hmm_client *c = NULL;

	if (become_nobody())
		return 1;
	o.socket_path = socket;
	o.flags = HMM_CLIENT_CONTROL;
	if (hmm_client_new(&c, &o) != -EACCES)
		return 2;
	o.flags = 0;
	if (hmm_client_new(&c, &o))
		return 3;
	k.verb = HMM_CONTROL_DRAIN;
	k.tier = "far";
	return hmm_control(c, &k, NULL) == -EPERM ? 0 : 4;
}

static void control_is_not_for_everybody(void **state)
{
	struct house *h;
	int status = -1;
	pid_t pid;

	(void)state;
	if (geteuid())
		skip_because("needs a daemon of another user (root)");
	h = house_open(NULL);
	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(control_as_nobody(h->socket));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_without_privilege),
		cmocka_unit_test(the_doctor_says_what_is_missing),
		cmocka_unit_test(system_calls_into_absent_pages),
		cmocka_unit_test(control_is_not_for_everybody),
	};

	return cmocka_run_group_tests_name("without privilege", tests, NULL, NULL);
}
