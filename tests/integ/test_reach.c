// SPDX-License-Identifier: GPL-2.0-or-later
/* Who looks for a daemon finds it, or is told where was looked and what is there instead. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/house.h"
#include "tests/support/test.h"

static char output[64 * 1024];

/* Runs a command with that as $XDG_RUNTIME_DIR; both outputs; the exit status. */
static int run(const char *runtime, const char *command)
{
	char line[1024];
	size_t n;
	FILE *f;
	int status;

	snprintf(line, sizeof(line), "unset HMMD_SOCKET; XDG_RUNTIME_DIR=%s; export XDG_RUNTIME_DIR; %s 2>&1", runtime, command);
	f = popen(line, "re");
	assert_non_null(f);
	n = fread(output, 1, sizeof(output) - 1, f);
	output[n] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int ctl(const char *runtime, const char *arguments)
{
	char command[512];

	snprintf(command, sizeof(command), "%s %s", getenv("HMMCTL"), arguments);
	return run(runtime, command);
}

static void what_is_no_socket_is_said_to_be_none(void **state)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;
	char why[256] = "";

	(void)state;
	o.socket_path = "/etc/passwd";
	o.error_text = why;
	o.error_size = sizeof(why);
	assert_int_equal(hmm_client_new(&c, &o), -ENOTSOCK);
	assert_string_equal(why, "/etc/passwd is not a socket");
	assert_int_equal(ctl("/nonexistent", "--socket /etc/passwd status"), 3);
	assert_non_null(strstr(output, "/etc/passwd is not a socket"));
	assert_null(strstr(output, "no daemon"));
}

static void where_nobody_is_both_places_are_named(void **state)
{
	(void)state;
	if (!access("/run/hmmd/hmmd.sock", F_OK))
		skip_because("this machine has a daemon of its own");
	assert_int_equal(ctl("/nonexistent", "status"), 3);
	assert_non_null(strstr(output, "no daemon at /run/hmmd/hmmd.sock"));
	assert_non_null(strstr(output, "XDG_RUNTIME_DIR"));
	assert_non_null(strstr(output, "hmmd --rootless"));
}

/* The house is where `hmmd --rootless` would be: a directory hmmd in the user's own. */
static void a_daemon_of_the_users_own_is_found(void **state)
{
	struct house *h;
	char runtime[HOUSE_PATH], dir[HOUSE_PATH + 8], link[HOUSE_PATH + 24];

	(void)state;
	if (!access("/run/hmmd/hmmd.sock", F_OK))
		skip_because("this machine has a daemon of its own");
	h = house_open(NULL);
	snprintf(runtime, sizeof(runtime), "%s", h->dir);
	snprintf(dir, sizeof(dir), "%s/hmmd", runtime);
	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(link, sizeof(link), "%s/hmmd.sock", dir);
	assert_int_equal(symlink(h->socket, link), 0);
	assert_int_equal(ctl(runtime, "status"), 0);
	assert_non_null(strstr(output, "up "));
	assert_int_equal(unlink(link), 0);
	house_close(h);
}

/*
 * $XDG_RUNTIME_DIR is what su(1) has kept: to whom it belongs tells the socket. Who could have put that there for
 * somebody else is caught by who listens.
 */
static void a_daemon_of_another_user_is_left_alone(void **state)
{
	struct house *h;
	char dir[HOUSE_PATH + 8], link[HOUSE_PATH + 24], command[512];

	(void)state;
	if (geteuid())
		skip_because("only root can be somebody else");
	if (!access("/run/hmmd/hmmd.sock", F_OK))
		skip_because("this machine has a daemon of its own");
	h = house_open(NULL);
	snprintf(dir, sizeof(dir), "%s/hmmd", h->dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	snprintf(link, sizeof(link), "%s/hmmd.sock", dir);
	assert_int_equal(symlink(h->socket, link), 0);
	assert_int_equal(chown(h->socket, 65534, 65534), 0);
	assert_int_equal(ctl(h->dir, "status"), 3);
	assert_non_null(strstr(output, "no daemon at /run/hmmd/hmmd.sock"));
	snprintf(command, sizeof(command), "setpriv --reuid 65534 --regid 65534 --clear-groups %s status", getenv("HMMCTL"));
	assert_int_not_equal(run(h->dir, command), 0);
	assert_non_null(strstr(output, "is not this user's"));
	assert_int_equal(unlink(link), 0);
	house_close(h);
}

static void a_user_is_told_of_rootless(void **state)
{
	const char *as_user = geteuid() ? "" : "setpriv --reuid 65534 --regid 65534 --clear-groups ";
	char command[512];

	(void)state;
	snprintf(command, sizeof(command), "%s%s --state-dir /sys/hmmd --socket /sys/hmmd.sock", as_user, getenv("HMMD"));
	assert_int_equal(run("/nonexistent", command), 1);
	assert_non_null(strstr(output, "hmmd --rootless"));
}

static void both_programs_have_a_short_option_for_the_version(void **state)
{
	(void)state;
	assert_int_equal(ctl("/nonexistent", "-V"), 0);
	assert_int_equal(strncmp(output, "hmmctl ", 7), 0);
	assert_int_equal(run("/nonexistent", "$HMMD -V"), 0);
	assert_int_equal(strncmp(output, "hmmd ", 5), 0);
}

/* A line has a time that sorts, the program and how bad it is. */
static void lines_have_time_and_severity(void **state)
{
	struct house *h = house_open(&(struct house_options){
		.config = HOUSE_TIERS "[tier disk]\nkind = file\npath = /proc/self/no/such/place\ncapacity = 2M\n" });
	int year, day, severity = 0;
	char line[512], word[16];
	FILE *f;

	(void)state;
	assert_soon(house_logged(h, " serves "));
	f = fopen(h->log, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "hmmd: warning: ", 15) == 0)
			continue;	/* about the configuration, before there is a log */
		if (sscanf(line, "%4d-%*2d-%2dT%*2d:%*2d:%*2d.%*3d%*5s hmmd: %15[a-z]: ", &year, &day, word) != 3)
			fail_msg("no time, name and severity: %s", line);
		severity |= strcmp(word, "error") == 0 ? 1 : strcmp(word, "info") == 0 ? 2 : 0;
	}
	fclose(f);
	assert_int_equal(severity, 3);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_socket_is_said_to_be_none),
		cmocka_unit_test(where_nobody_is_both_places_are_named),
		cmocka_unit_test(a_daemon_of_the_users_own_is_found),
		cmocka_unit_test(a_daemon_of_another_user_is_left_alone),
		cmocka_unit_test(a_user_is_told_of_rootless),
		cmocka_unit_test(both_programs_have_a_short_option_for_the_version),
		cmocka_unit_test(lines_have_time_and_severity),
	};

	return cmocka_run_group_tests_name("test_reach", tests, NULL, NULL);
}
