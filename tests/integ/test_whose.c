// SPDX-License-Identifier: GPL-2.0-or-later
/* Who is told about whom: an ordinary user about nobody else, and nobody by a daemon that cannot tell who asks. */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/cut.h"
#include "tests/support/house.h"
#include "tests/support/other.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"

enum { NOBODY = 65534, SEED = 3 };

static void need_root(void)
{
	if (geteuid())
		skip_because("users can be changed by root alone");
}

/* Of hmmctl as an ordinary user. */
static int ctl_as_nobody(const struct house *h, const char *verb, char *ret, size_t size)
{
	char command[512];
	int out[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	snprintf(command, sizeof(command), "%s --socket %s %s", getenv("HMMCTL"), h->socket, verb);
	pid = fork();
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		close(out[0]);
		if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
			_exit(125);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(126);
	}
	close(out[1]);
	while ((got = read(out[0], ret + n, size - 1 - n)) > 0)
		n += (size_t)got;
	ret[n] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* As "pid 7", "pid": 7 or 7=, since any number may happen to be the same. */
static bool names(const char *text, pid_t pid)
{
	char number[16];
	const char *at = text;
	size_t n = (size_t)snprintf(number, sizeof(number), "%d", (int)pid);

	for (; at && (at = strstr(at, number)); at += n) {
		const char *before = at;

		if (at[n] >= '0' && at[n] <= '9')
			continue;
		while (before > text && strchr(" \":", before[-1]))
			before--;
		if (at[n] == '=' || (before - text >= 3 && !strncmp(before - 3, "pid", 3)))
			return true;
	}
	return false;
}

static bool names_in_events(struct hmm_client *c, pid_t pid)
{
	struct hmm_table *t = NULL;
	bool found = false;

	if (hmm_query(c, "events", "", &t))
		return false;
	for (size_t row = 0; !found && row < hmm_table_rows(t); row++)
		for (size_t column = 0; !found && column < hmm_table_columns(t); column++)
			found = names(hmm_table_text(t, row, column), pid);
	hmm_table_free(t);
	return found;
}

static void an_ordinary_user_sees_no_other(void **state)
{
	static const char *const verbs[] = { "status", "--json status", "--json tiers", "clients", "--json clients",
					     "ranges", "--json ranges", "doctor", "events", "--json events" };
	struct house *h;
	struct hmm_range *r = NULL;
	struct hmm_client *c;
	struct other o;
	char text[32768], holders[128];

	(void)state;
	need_root();
	h = house_open(NULL);
	c = house_client(h, "root", 0);
	other_begin(&o, h, 2 * HUGE_PAGE, SEED, 0);
	assert_int_equal(other_looks(&o), 0);
	ask_text(c, "tiers", "name", "far", "holders", holders, sizeof(holders));
	assert_true(names(holders, o.pid));
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r), 0);
	assert_true(cut(h) > 0);
	assert_soon(names_in_events(c, getpid()));
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		assert_int_equal(ctl_as_nobody(h, verbs[i], text, sizeof(text)), 0);
		if (names(text, o.pid) || names(text, getpid()))
			fail_msg("hmmctl %s: %s", verbs[i], text);
	}
	assert_int_equal(ctl_as_nobody(h, "clients", text, sizeof(text)), 0);
	assert_string_equal(text, "no client of yours holds memory\n");
	assert_int_equal(ctl_as_nobody(h, "events", text, sizeof(text)), 0);
	assert_string_equal(text, "no events that you may see\n");
	assert_int_equal(ask_status(c, "sees_all"), 1);
	other_end(&o);
	hmm_client_unref(c);
	house_close(h);
}

/* In a pid namespace of its own. */
static pid_t start_apart(const struct house *h, pid_t *ret_daemon)
{
	int told[2];
	pid_t pid, daemon;

	assert_int_equal(pipe(told), 0);
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWPID))
			_exit(125);
		daemon = fork();
		if (!daemon) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			execl(getenv("HMMD"), "hmmd", "--config", h->config, "--socket", h->socket, "--state-dir",
			      h->state, (char *)NULL);
			_exit(126);
		}
		_exit(write(told[1], &daemon, sizeof(daemon)) != sizeof(daemon) || waitpid(daemon, &daemon, 0) < 0 ||
		      daemon);
	}
	close(told[1]);
	if (read(told[0], ret_daemon, sizeof(*ret_daemon)) != sizeof(*ret_daemon))
		*ret_daemon = 0;
	close(told[0]);
	return pid;
}

static int connect_to(const struct house *h, char *text, size_t size)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;
	int r;

	o.socket_path = h->socket;
	o.error_text = text;
	o.error_size = size;
	text[0] = '\0';
	r = hmm_client_new(&c, &o);
	hmm_client_unref(c);
	return r;
}

static void who_cannot_be_seen_is_refused_by_name(void **state)
{
	struct house *h;
	pid_t parent, daemon;
	char text[512];
	int r, status;

	(void)state;
	need_root();
	h = house_prepare(NULL);
	parent = start_apart(h, &daemon);
	if (!daemon) {
		waitpid(parent, NULL, 0);
		house_remove(h);
		skip_because("no pid namespace can be had here");
	}
	assert_soon((r = connect_to(h, text, sizeof(text))) != -ENOENT && r != -ECONNREFUSED);
	assert_int_equal(r, -EACCES);
	assert_non_null(strstr(text, "pid namespace"));
	assert_int_equal(kill(daemon, SIGTERM), 0);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_int_equal(status, 0);
	house_remove(h);
}

/* Whether a program of this user and group is handed the device. */
static bool is_handed(const struct house *h, uid_t uid, gid_t group)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct rawpeer *p;

		if (setgroups(1, &group) || (uid && (setgid(uid) || setuid(uid))))
			_exit(2);
		p = rawpeer_open(h->socket);
		rawpeer_hello(p);
		_exit(p->uffd_device >= 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status);
}

static void the_device_is_for_a_group(void **state)
{
	struct house_options o = { .daemon = "" };
	const struct group *g = getgrnam("daemon");
	struct hmm_client *c;
	struct house *h;
	char text[64];
	gid_t gid;

	(void)state;
	need_root();
	if (!g || access("/dev/userfaultfd", R_OK | W_OK))
		skip_because("no group daemon, or no /dev/userfaultfd");
	gid = g->gr_gid;
	h = house_open(&o);
	assert_true(is_handed(h, NOBODY, NOBODY));
	house_close(h);
	o.daemon = "userfaultfd-group = daemon\n";
	h = house_open(&o);
	assert_false(is_handed(h, NOBODY, NOBODY));
	assert_true(is_handed(h, NOBODY, gid));
	assert_true(is_handed(h, 0, 0));
	house_close(h);
	o.daemon = "userfaultfd-group = no-such-group\n";
	h = house_open(&o);
	assert_false(is_handed(h, NOBODY, gid));
	assert_true(house_logged(h, "userfaultfd-group: there is no group no-such-group"));
	c = house_client(h, "root", 0);
	ask_text(c, "doctor", "check", "userfaultfd_group", "state", text, sizeof(text));
	assert_string_equal(text, "degraded");
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_user_sees_no_other),
		cmocka_unit_test(who_cannot_be_seen_is_refused_by_name),
		cmocka_unit_test(the_device_is_for_a_group),
	};

	return cmocka_run_group_tests_name("whose", tests, NULL, NULL);
}
